// What a report tells besides its outcome: request ids, the next rotation, the last success; and older reports stay readable.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsMark } from '../../src/rotation/refusals.ts';
import { createRotation, type RotationReport } from '../../src/rotation/rotation.ts';
import { fault, healthy, scene, stateBlobOf, type Scene } from './scene.ts';
import { cloud, dayMs, hourMs, platformFor, settingsFor, silence } from './tenant.ts';

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function stored(s: Scene): Promise<RotationReport | undefined> {
  const rotation = createRotation(settingsFor(s.client), platformFor());
  const [report] = await rotation.reports({ log: silence, signal: new AbortController().signal });
  return report;
}

function summary(s: Scene): Record<string, unknown> {
  const line = s.lines.findLast(({ text }) => text.includes('"rotation_client"'));
  return JSON.parse(line?.text ?? '{}') as Record<string, unknown>;
}

test('a rotation tells the request ids of its mint and its publish, in the report, the state and the log', async () => {
  const { s } = await healthy(20);
  const report = await s.run();
  const { mint, publish } = report.requestIds ?? {};
  assert.match(mint ?? '', guid);
  assert.match(publish ?? '', guid);
  assert.notEqual(mint, publish);
  assert.deepEqual(report.requestIds, { mint, publish });
  assert.deepEqual((await stored(s))?.requestIds, { mint, publish });
  const { mintRequestId, publishRequestId, requestIds } = summary(s);
  assert.deepEqual([mintRequestId, publishRequestId, requestIds], [mint, publish, undefined]);
});

test('removals and token requests that proved nothing are found again at Graph and Entra', async (t) => {
  const { s } = await healthy(20);
  cloud.advance(hourMs);
  const mend = fault(t, { service: 'entra', effect: { replicas: 1, lagMs: 30 * 60_000 } });
  const { requestIds } = await s.run();
  mend();
  assert.match(requestIds?.removals?.[0] ?? '', guid);
  assert.match(requestIds?.probeTrace ?? '', guid);
  assert.match(requestIds?.probeCorrelation ?? '', guid);
  const told = summary(s);
  assert.deepEqual(told['removalRequestIds'], requestIds?.removals);
  assert.equal(told['probeTraceId'], requestIds?.probeTrace);
});

test('the answer that ended a run is found again', async (t) => {
  const { s } = await healthy();
  const headers = { 'request-id': '0c5b2f5e-6b0f-4f0e-9d55-3c1b8f1f7f10' };
  fault(t, { service: 'graph', effect: { status: 404, headers } });
  assert.deepEqual((await s.run()).requestIds, { failed: headers['request-id'] });
});

test('what is in a header and is no id is told nowhere', async (t) => {
  const { s } = await healthy();
  const headers = { 'request-id': 'eyJhbGciOi and more' };
  fault(t, { service: 'graph', effect: { status: 404, headers } });
  assert.equal((await s.run()).requestIds, undefined);
  assert.ok(!s.lines.some(({ text }) => text.includes('eyJhbGciOi')));
});

test('a run with nothing to do has no ids to tell', async () => {
  const { s } = await healthy();
  assert.equal((await s.run()).requestIds, undefined);
});

test('the next rotation is due so many days before the end as the settings say, and moves with each rotation', async () => {
  const { s } = await healthy(60, { beforeDays: 20 });
  const end = Date.parse(s.application.passwordCredentials[0]?.endDateTime ?? '');
  const first = await s.run();
  assert.equal(first.nextRotation, new Date(end - 20 * dayMs).toISOString());
  const rotated = await s.run({ force: true, reason: 'drill' });
  const newEnd = Date.parse(s.application.passwordCredentials[1]?.endDateTime ?? '');
  assert.equal(rotated.nextRotation, new Date(newEnd - 20 * dayMs).toISOString());
});

test('the last success outlives later failures, and is as late as the last good run', async (t) => {
  const { s } = await healthy();
  const good = await s.run();
  assert.equal(good.lastSuccess, good.time);
  cloud.advance(hourMs);
  const mend = fault(t, { service: 'graph', effect: { status: 404 } });
  for (let n = 0; n < 2; n += 1) {
    const bad = await s.run();
    assert.equal(bad.outcome, 'failed');
    assert.equal(bad.lastSuccess, good.time);
  }
  mend();
  assert.equal((await stored(s))?.lastSuccess, good.time);
  const again = await s.run();
  assert.equal(again.lastSuccess, again.time);
  assert.notEqual(again.time, good.time);
});

test('a secret that Entra rejects is no success', async () => {
  const { s } = await healthy();
  await s.setSecret('revoked-by-somebody', { CredentialId: s.keyIds()[0] ?? '' });
  const report = await s.run();
  assert.equal(report.outcome, 'waiting');
  assert.equal(report.lastSuccess, undefined);
  assert.match(report.requestIds?.probeTrace ?? '', guid);
});

test('the state of an earlier release is read, and its report shown as it is', async () => {
  const { s } = await healthy();
  const { appId, secretName } = s.client;
  const lastReport = {
    ...{ appId, secretName, outcome: 'noop', plan: [], time: '2026-01-01T00:00:00.000Z' },
    ...{ daysToExpiry: 61, verifyAttempts: 0, durations: { total: 1 }, warnings: [] },
    counts: { owned: 1, orphan: 0, foreign: 0 },
  };
  const text = JSON.stringify({ schema: 1, intents: [], adopted: [], lastReport });
  await stateBlobOf(s).upload(text, text.length);
  assert.deepEqual(await stored(s), lastReport);
  assert.equal((await s.run()).outcome, 'noop');
});

test('an obstacle that only a newer release knows by name stops nothing', async () => {
  const s = scene();
  const obstacle = { code: 'not_invented_yet', time: cloud.now(), settings: settingsMark(s.client) };
  const text = JSON.stringify({ schema: 1, intents: [], adopted: [], obstacle });
  await stateBlobOf(s).upload(text, text.length);
  assert.equal((await s.run()).outcome, 'rotated');
});
