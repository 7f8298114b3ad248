// When an alert speaks: each of its queries reads the metrics that it means, and answers nothing while all is well.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alerts, queryNames, template, texts } from './monitoringTables.ts';

test('a query never takes one metric for another: it reads each by its name', () => {
  const readings = texts.flatMap((text) => text.split('customMetrics').slice(1));
  assert.ok(readings.length > 30);
  for (const reading of readings)
    assert.match(reading, /^\s+\| where (timestamp > ago\(\w+\) and )?name == 'telehealth\.[a-z_.]+'/);
});

/** Without it a query would answer a row at all times, or with things that are well. */
const lastConditions: Readonly<Record<string, string>> = {
  appUnavailable: "| summarize answers = count() by what = 'no functions')",
  silentTimer: '| where runs == 0',
  metricsMissing: '| where runs > 0 and measured == 0',
  secretNearExpiry: '| where valueSum < {limit}',
  rotationFailing: '| where bad > 0 and good == 0',
  strangeCredential: '| summarize told = count() by target',
  feedLag: '| where valueSum > {limit} * 60',
  feedFailing: '| where bad > 0 and good == 0',
  feedStopped: '| where isnotnull(stopped) and (isnull(good) or stopped > good)',
  deadLetters: '| where valueSum > {limit}',
  replaysStill: '| where least > 0 and least == most and until - since > {limit} * 30m',
  replaysUnreadable: '| where valueSum > {limit}',
  throttled: '| where answers > {limit}',
  serverErrors: '| where answers > {limit}',
  cleanUpsOpen: '| where least > 0 and until - since > {limit} * 30m',
};

test('a query ends in the condition under which somebody is needed', () => {
  assert.deepEqual(Object.keys(lastConditions).sort(), queryNames.toSorted());
  for (const alert of alerts) {
    const lines = template(alert).split('\n');
    // What follows only says which columns are shown.
    const last = lines.at(-1)?.startsWith('| project ') ? lines.at(-2) : lines.at(-1);
    assert.equal(last?.trim(), lastConditions[alert.query], alert.name);
  }
});
