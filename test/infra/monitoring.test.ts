// The rules of the alerts and what a deployment is told of them: limits, windows, parts, and the page that shows them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import parameters from '../../infra/main.parameters.json' with { type: 'json' };
import { parts, root, template as bicep } from './files.ts';
import { alerts, charts, queryNames, tables, template, type Alert } from './monitoringTables.ts';

const sorted = (values: Iterable<string>): readonly string[] => [...values].sort();

const minutes = (duration: string): number => {
  const [, days = 0, hours = 0, some = 0] = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/.exec(duration) ?? [];
  return Number(days) * 1440 + Number(hours) * 60 + Number(some);
};

/** How far back a query can be told to look, minutes; 0 where its limit is none of time. */
function farthest(alert: Alert): number {
  const [, unit] = /ago\(\{limit\}([hm])\)/.exec(template(alert)) ?? [];
  return unit === undefined ? 0 : alert.most * (unit === 'h' ? 60 : 1);
}

test('a rule looks back as far as its limit can reach, as often as Azure allows', () => {
  for (const alert of alerts) {
    const { name, every, window, severity } = alert;
    assert.ok([5, 10, 15, 30, 60].includes(minutes(every)), name);
    assert.ok([15, 30, 60, 360, 1440, 2880].includes(minutes(window)), name);
    assert.ok(minutes(every) <= minutes(window) && farthest(alert) <= minutes(window), name);
    assert.ok([0, 1, 2, 3, 4].includes(severity), name);
  }
});

test('a value that is only known from time to time is looked for over a day at least, and not for ever', () => {
  const lastKnown = alerts.filter((alert) => template(alert).includes('arg_max('));
  assert.ok(lastKnown.length > 3);
  for (const { name, window } of lastKnown) assert.ok([1440, 2880].includes(minutes(window)), name);
});

// Azure docs: what the queries of log search rules may not hold, and how long a description may be.
test('a rule asks nothing that Azure refuses in one', () => {
  for (const alert of alerts) {
    const query = template(alert);
    assert.doesNotMatch(
      query,
      /\b(?:bag_unpack|pivot|narrow|search|AggregatedValue|ingestion_time)\b/,
      alert.name,
    );
    for (const [, span = ''] of query.matchAll(/\bago\(([^)]*)\)/g))
      assert.match(span, /^(?:\d+|\{limit\})[hm]$/, alert.name);
    assert.ok(alert.dimensions.length <= 6 && alert.meaning.length < 1_000, alert.name);
  }
  // Azure refuses a rule that ends by itself and is mute for a time, and looks back for two days at most.
  assert.doesNotMatch(bicep('monitoring/monitoring.bicep'), /muteActionsDuration|overrideQueryTimeRange/);
});

test('a limit is what the query, the meaning and its unit say, and its default is allowed', () => {
  for (const alert of alerts) {
    const { name, limit, least, most, meaning, unit } = alert;
    assert.ok(least <= limit && limit <= most, name);
    assert.ok(template(alert).includes('{limit}') && meaning.includes('{limit}'), name);
    const [, sign] = /ago\(\{limit\}([hm])\)/.exec(template(alert)) ?? [];
    if (sign) assert.match(unit, sign === 'h' ? /^hours / : /^minutes /, name);
  }
});

test('every query is used, and every alert and chart belongs to a part of the deployment', () => {
  assert.deepEqual(sorted(new Set(alerts.map(({ query }) => query))), sorted(queryNames));
  for (const { when } of [...alerts, ...charts, ...tables]) assert.ok(parts.includes(when), when);
  for (const key of ['name', 'title', 'variable'] as const)
    assert.equal(new Set(alerts.map((alert) => alert[key])).size, alerts.length, key);
  // A description ends in the anchor that is made of the title.
  for (const { title } of alerts) assert.match(title, /^[A-Z][A-Za-z ]+$/);
});

test('azd hands on the limit of every alert', () => {
  assert.deepEqual(
    parameters.parameters.alertLimits.value,
    Object.fromEntries(alerts.map(({ name, variable }) => [name, `\${${variable}}`])),
  );
});

test('the page about deployment shows every alert with its limit', () => {
  const page = readFileSync(join(root, 'docs/deploy.md'), 'utf8');
  const section = page.split(/^## /m).find((text) => text.startsWith('Alerts\n')) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  assert.deepEqual(
    lines.slice(2).map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ),
    alerts.map((alert) => [
      `[${alert.title}](operate.md#${alert.title.toLowerCase().replaceAll(' ', '-')})`,
      `\`${alert.when}\``,
      String(alert.severity),
      alert.source,
      `\`${alert.variable}\``,
      String(alert.limit),
      `${alert.least} to ${alert.most} ${alert.unit}`,
    ]),
  );
});
