// The queries of alerts and workbook: they compile, and each name in them is one that the app gives, in both directions.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFine, outcomes as feedOutcomes } from '../../src/changeFeed/outcome.ts';
import { timerNames } from '../../src/functions/timerStates.ts';
import { createLog } from '../../src/platform/log.ts';
import type { ServiceClientSettings } from '../../src/platform/settings/types.ts';
import type { InvocationEnd } from '../../src/platform/telemetry.ts';
import {
  emptyReport,
  isFailure,
  isSuccess,
  logReport,
  reportShape,
  type RotationReport,
} from '../../src/rotation/report.ts';
import { metrics, type Metric } from '../../src/telemetry/metricNames.ts';
import { metricsOf, metricsOfEnd } from '../../src/telemetry/metricsOf.ts';
import { root } from './files.ts';
import { compile } from './kusto.ts';
import {
  alerts,
  chartQuery,
  charts,
  comparedWith,
  queryOf,
  tables,
  texts,
  type Alert,
} from './monitoringTables.ts';

const client: ServiceClientSettings = {
  ...{ appId: 'a', tenantId: 't', secretName: 'dicom', retire: 'remove' },
  ...{ validityDays: 90, beforeDays: 30, overlapHours: 168 },
};
const reportOf = (outcome: RotationReport['outcome']): RotationReport => emptyReport(client, outcome);

const known: ReadonlyMap<string, Metric> = new Map(Object.entries(metrics));
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(join(root, 'src', path), 'utf8'))
  .join('\n');
const events = new Set(
  [...sources.matchAll(/\blog(?:\.\w+|\[[^\]]+\])\(\s*'(\w+)'/g)].map(([, event]) => event),
);

function alertOf(name: string): Alert {
  const found = alerts.find((alert) => alert.name === name);
  assert.ok(found, name);
  return found;
}

/** The outcomes that a query counts under that name, as in `bad = countif(outcome in (…))`. */
function judged(query: string, name: string): readonly string[] {
  const [, list] =
    new RegExp(`\\b${name} = (?:count|max)if\\((?:timestamp, )?(outcome in \\([^)]*\\))`).exec(query) ?? [];
  assert.ok(list, `${name} in ${query}`);
  return [...comparedWith('outcome', list)].sort();
}

/** A line of the host, from its source; measured: it then runs, and answers 404 everywhere. */
const hostWithoutFunctions = 'No job functions found';

const sorted = (values: Iterable<string>): readonly string[] => [...values].sort();

test('every query is one that Azure compiles, and answers the columns by which its rule tells things apart', () => {
  for (const alert of alerts) {
    const { problems, columns } = compile(queryOf(alert));
    assert.deepEqual(problems, [], alert.name);
    for (const name of alert.dimensions) assert.equal(columns.get(name), 'string', `${alert.name}: ${name}`);
    assert.ok(columns.size > 0);
  }
  for (const { name, query } of tables) assert.deepEqual(compile(query.join('\n')).problems, [], name);
  for (const chart of charts) assert.deepEqual(compile(chartQuery(chart)).problems, [], chart.title);
});

test('the queries that the page for operators shows compile as well', () => {
  const page = readFileSync(join(root, 'docs/operate.md'), 'utf8');
  const queries = [...page.matchAll(/^```kusto\n([\s\S]*?)^```/gm)].map(([, query = '']) => query);
  assert.equal(queries.length, 2);
  for (const query of queries) assert.deepEqual(compile(query).problems, []);
});

test('a query that is wrong does not pass', () => {
  const query = queryOf(alertOf('feedLag'));
  for (const [right, wrong] of [
    ['valueSum', 'valuesum'],
    ['customMetrics', 'customMetric'],
    ['| where', '| were'],
    ['arg_max(', 'arg_max('.repeat(2)],
  ] as const)
    assert.notDeepEqual(compile(query.replace(right, wrong)).problems, [], wrong);
});

test('every metric is in a chart or an alert, and each of them is of a metric that there is', () => {
  const named = texts.flatMap((text) =>
    [...text.matchAll(/'(telehealth\.[^']*)'/g)].map(([, name = '']) => name),
  );
  const unused = [...known.keys()].filter((name) => !named.includes(name));
  assert.deepEqual(unused, [], 'metrics that nobody would see');
  assert.deepEqual(
    named.filter((name) => !known.has(name)),
    [],
    'metrics that the app does not send',
  );
});

test('a query asks a metric for attributes that it has', () => {
  for (const text of texts) {
    const asked = [...text.matchAll(/customDimensions\.(\w+)/g)].map(([, name = '']) => name);
    const of = [...text.matchAll(/'(telehealth\.[^']*)'/g)].map(([, name = '']) => known.get(name));
    for (const name of asked)
      assert.ok(
        of.every((metric) => metric?.attributes.includes(name)),
        `${name} in ${text}`,
      );
  }
});

test('a chart adds up what counts, and takes of what is measured the extreme', () => {
  const aggregates: Readonly<Record<string, RegExp>> = {
    counter: /^sum\(valueSum\)$/,
    gauge: /^(max|min)\(valueSum\)$/,
    histogram: /^sum\(valueSum\) \/ sum\(valueCount\)$/,
  };
  for (const { metric, aggregate } of charts)
    assert.match(aggregate, aggregates[known.get(metric)?.kind ?? ''] ?? /^$/, metric);
});

test('a log line that a query looks for is one that the app writes, with the fields it is asked for', () => {
  const asked = texts.flatMap((text) => comparedWith('event', text));
  assert.ok(asked.length > 5);
  assert.deepEqual(
    asked.filter((event) => !events.has(event)),
    [],
  );
  const lines: string[] = [];
  const keep = (line: string): void => void lines.push(line);
  const log = createLog(
    { info: keep, warn: keep, error: keep },
    { function: 'rotateSecrets', requestId: 'r' },
  );
  const warnings = ['a credential that this app did not make appeared: x'];
  logReport(log, { ...reportOf('noop'), warnings });
  const [line = ''] = lines;
  for (const text of texts) {
    for (const start of comparedWith('message', text).filter((one) => one !== hostWithoutFunctions))
      assert.ok(
        [...events].some((event) => `{"event":"${event ?? ''}","`.startsWith(start)),
        start,
      );
    for (const [, field = ''] of text.matchAll(/\bline\.(\w+)|parse_json\(message\)\.(\w+)/g))
      assert.ok(field === '' || field in (JSON.parse(line) as object), field);
  }
  const [words = ''] = comparedWith('warnings', queryOf(alertOf('strangeCredential')));
  assert.ok(line.includes(words));
  assert.match(sources, new RegExp(`\`a credential ${words}: `));
  assert.match(sources, new RegExp(`\`a secret ${words} `));
});

test('every timer has an alert on its silence, and the timers on the workbook are all there are', () => {
  const silent = alerts.filter(({ job }) => job !== '');
  assert.deepEqual(sorted(silent.map(({ job }) => job)), sorted(timerNames));
  for (const { query, job } of alerts) assert.equal(query === 'silentTimer', job !== '');
  const [timers] = tables;
  assert.deepEqual(sorted(comparedWith('timer', timers?.query.join('\n') ?? '')), sorted(timerNames));
  for (const [job, when] of [
    ['cleanUpIdentities', 'communication'],
    ['rotateSecrets', 'serviceClients'],
    ['pullChangeFeed', 'changeFeed'],
  ])
    assert.equal(silent.find((alert) => alert.job === job)?.when, when);
});

test('silence answers a row: an aggregate without a key has one even where nothing came', () => {
  const text = queryOf(alertOf('pullChangeFeedSilent'));
  assert.match(text, /\n\| summarize runs = count\(\)\n\| where runs == 0$/);
  assert.match(text, /^union\n/);
  const outcome: InvocationEnd['outcome'] = 'ok';
  assert.deepEqual(comparedWith('customDimensions.outcome', text), [outcome]);
  // A run that failed is none: its summary counts only where no other line of it says so.
  assert.match(
    text,
    /failed = countif\(event == 'run_failed'\) by run\n {2}\| where ended > 0 and failed == 0/,
  );
  assert.deepEqual(
    [...new Set(comparedWith('event', text))],
    ['identities_cleaned_up', 'rotation_run', 'feed_pulled', 'run_failed'],
  );
});

test('rotations that count as failing and as good are those of the app', () => {
  const all = reportShape.shape.outcome.options;
  const query = queryOf(alertOf('rotationFailing'));
  assert.deepEqual(judged(query, 'bad'), sorted(all.filter((outcome) => isFailure(reportOf(outcome)))));
  assert.deepEqual(judged(query, 'good'), sorted(all.filter((outcome) => isSuccess(reportOf(outcome)))));
});

test('every outcome of a pull that needs somebody raises one alert, and no other does', () => {
  const failing = queryOf(alertOf('feedFailing'));
  const stopped = queryOf(alertOf('feedStopped'));
  assert.deepEqual(
    sorted([...judged(failing, 'bad'), ...judged(stopped, 'stopped')]),
    sorted(feedOutcomes.filter((outcome) => !isFine(outcome))),
  );
  // `busy`, `throttled` and the like say nothing about the service.
  for (const query of [failing, stopped])
    assert.deepEqual(judged(query, 'good'), ['budget', 'caught_up', 'holding_gap']);
});

test('replays that come no further are told of while there are some, and those that cannot be read by their state', () => {
  const still = queryOf(alertOf('replaysStill'));
  assert.match(still, /\n\| where least > 0 and least == most and until - since > 2 \* 30m$/);
  assert.match(still, /most = max\(valueSum\)/);
  const states = metricsOf('feed_pulled', { replaysRunning: 1, replaysUnreadable: 1 }).flatMap(
    ({ attributes: { state = [] } }) => state,
  );
  const [asked = ''] = comparedWith('customDimensions.state', queryOf(alertOf('replaysUnreadable')));
  assert.ok(states.includes(asked) && asked !== states[0], asked);
});

test('a credential that appeared is told of by its line or by its count, whichever comes', () => {
  const text = queryOf(alertOf('strangeCredential'));
  const [first = '', second = ''] = text.split('\n  (customMetrics\n');
  assert.match(first, /^union\n {2}\(traces\n/);
  assert.match(first, /\| project target = tostring\(line\.secretName\)\),$/);
  assert.match(second, /'telehealth\.rotation\.strange_credentials' and valueSum > 0\n/);
});

test('server errors are counted as the app classes them, but for the routes that say that the app is not well', () => {
  const text = queryOf(alertOf('serverErrors'));
  const http = { method: 'GET', route: 'health' };
  const [answer] = metricsOfEnd(
    { name: 'health', requestId: 'r', http },
    { outcome: 'failed', status: 503 },
    1,
  );
  assert.deepEqual(comparedWith('customDimensions.status_class', text), [answer?.attributes['status_class']]);
  const leftOut = comparedWith('route', text);
  assert.equal(leftOut.length, 2);
  for (const route of leftOut) assert.match(sources, new RegExp(`route: '${route}',`));
});
