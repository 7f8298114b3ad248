// The facade: what may be asked, who is recorded, several clients at once, stored reports.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { AppError } from '../../src/platform/errors.ts';
import { acquireLease } from '../../src/platform/lease.ts';
import { createRotation, failed, startOf } from '../../src/rotation/rotation.ts';
import { fault, healthy, mints, scene, stateBlobOf } from './scene.ts';
import {
  auditRecords,
  clock,
  cloud,
  container,
  platformFor,
  runRotation,
  settingsFor,
  silence,
  stateBlob,
  type Line,
} from './tenant.ts';

const unheard: Line[] = [];

test('bad requests are refused with the field they are about, before anything is asked', async () => {
  const s = scene();
  const cases = [
    [{ force: true }, 'invalid_request', /^reason: /],
    [{ force: true, reason: '  ' }, 'invalid_request', /^reason: /],
    [{ revoke: s.client.appId }, 'invalid_request', /^reason: /],
    [{ revoke: 'abc', reason: 'leaked' }, 'invalid_request', /^revoke: /],
    [{ revoke: s.client.appId, force: true, reason: 'leaked' }, 'invalid_request', /^force: /],
    [{ target: 'nobody' }, 'not_found', /^target: /],
  ] as const;
  for (const [request, code, message] of cases) {
    await assert.rejects(
      s.run(request),
      (error) => error instanceof AppError && error.code === code && message.test(error.message),
    );
  }
  const two = settingsFor(scene().client, scene().client);
  const revoke = { revoke: s.client.appId, reason: 'leaked' };
  await assert.rejects(runRotation(two, unheard, revoke), { code: 'invalid_request', message: /^target: / });
  assert.deepEqual(s.asked(), []);
});

test('a target is found by its appId or its secret name, in any case, and only it is run', async () => {
  const [one, other] = [await healthy(), await healthy()];
  const settings = settingsFor(one.s.client, other.s.client);
  for (const target of [one.s.client.appId.toUpperCase(), one.s.client.secretName.toUpperCase()]) {
    const reports = await runRotation(settings, unheard, { target });
    assert.deepEqual(
      reports.map(({ appId }) => appId),
      [one.s.client.appId],
    );
  }
});

test('each run begins with another application, and reports in the order of the settings', async () => {
  const starts = Array.from({ length: 60 }, () => startOf(randomUUID(), 3));
  assert.deepEqual([...new Set(starts)].sort(), [0, 1, 2]);
  assert.equal(startOf(randomUUID(), 0), 0);
  const clients = [(await healthy()).s.client, (await healthy()).s.client, (await healthy()).s.client];
  for (let run = 0; run < 6; run += 1) {
    const reports = await runRotation(settingsFor(...clients), unheard);
    assert.deepEqual(
      reports.map(({ appId }) => appId),
      clients.map(({ appId }) => appId),
    );
  }
});

test('one client that fails does not stop the others, and the run counts as failed', async () => {
  const [one, broken, other] = [await healthy(20), scene(), await healthy(20)];
  broken.application.owners.clear();
  const reports = await runRotation(settingsFor(one.s.client, broken.client, other.s.client), unheard);
  assert.deepEqual(
    reports.map(({ outcome }) => outcome),
    ['rotated', 'refused', 'rotated'],
  );
  assert.equal(failed({ clients: reports }), true);
  assert.equal(failed({ clients: reports.filter(({ outcome }) => outcome === 'rotated') }), false);
});

test('two secrets of one application are worked on under one lease, one after the other', async () => {
  const { s } = await healthy();
  const second = { ...s.client, secretName: `${s.client.secretName}-2` };
  const reports = await runRotation(settingsFor(s.client, second), unheard);
  assert.deepEqual(
    reports.map(({ outcome }) => outcome),
    ['noop', 'refused'],
  );
});

test('a client whose lease is held is reported as busy, and nothing is asked about it', async (t) => {
  const { s } = await healthy(20);
  const held = await acquireLease(container, `rotation/${s.client.appId}/lease`, clock, { makeAbsent: true });
  t.after(() => held?.release());
  assert.equal((await s.run()).outcome, 'busy');
  assert.deepEqual(s.asked(), []);
});

test('what the budget does not reach is reported as not started', async () => {
  const { s } = await healthy(20);
  assert.equal((await s.run({}, { budgetMs: 9_000 })).outcome, 'not_started');
  assert.equal(await stateBlob(`rotation/${s.client.appId}/lease`).exists(), false);
  assert.deepEqual(s.asked(), []);
});

test('a forced rotation and a revocation are recorded with who, what and why; a dry run is not', async () => {
  const { s, keyId } = await healthy();
  await s.run({ force: true, dryRun: true, reason: 'only looking' });
  await s.run({ force: true, reason: 'drill' });
  await s.run({ revoke: keyId, reason: 'found in a ticket' });
  const records = (await auditRecords()).filter(({ subject }) => String(subject).startsWith(s.client.appId));
  const told = records.map(({ action, outcome, reason, actor }) =>
    [action, outcome, reason, actor].join(' '),
  );
  assert.deepEqual(told.sort(), [
    'rotation.force asked drill key',
    'rotation.force done drill key',
    'rotation.revoke asked found in a ticket key',
    'rotation.revoke done found in a ticket key',
  ]);
});

test('a forced rotation that is refused is recorded as failed', async () => {
  const s = scene();
  s.application.owners.clear();
  assert.equal((await s.run({ force: true, reason: 'drill' })).outcome, 'refused');
  const records = (await auditRecords()).filter(({ subject }) => String(subject).startsWith(s.client.appId));
  assert.deepEqual(records.map(({ outcome }) => outcome).sort(), ['asked', 'failed']);
});

test('a forced rotation that the budget does not reach is not recorded as done', async () => {
  const { s } = await healthy();
  const report = await s.run({ force: true, reason: 'drill' }, { budgetMs: 9_000 });
  assert.equal(report.outcome, 'not_started');
  const records = (await auditRecords()).filter(({ subject }) => String(subject).startsWith(s.client.appId));
  assert.deepEqual(records.map(({ outcome }) => outcome).sort(), ['asked', 'failed']);
});

test('without its record a forced rotation does not happen', async () => {
  const { s } = await healthy();
  const refused = new AppError('upstream_failed', 'The audit record could not be written.');
  const audit = () => ({ record: () => Promise.reject(refused) });
  await assert.rejects(s.run({ force: true, reason: 'drill' }, { audit }), refused);
  assert.equal(mints(s), 0);
});

test('the last report of each client is stored and read without asking Graph, Key Vault or Entra', async () => {
  const { s } = await healthy(20);
  const never = scene();
  const report = await s.run();
  s.asked();
  const rotation = createRotation(settingsFor(s.client, never.client), platformFor());
  const reports = await rotation.reports({ log: silence, signal: new AbortController().signal });
  assert.deepEqual(reports[0], report);
  assert.equal(reports[1]?.outcome, 'not_started');
  assert.equal(reports[1].time, undefined);
  assert.deepEqual(s.asked(), []);
});

test('a state that a newer release wrote is refused, and its client is neither changed nor read further', async () => {
  const { s } = await healthy(20);
  const text = JSON.stringify({ schema: 2, intents: [], adopted: [] });
  await stateBlobOf(s).upload(text, text.length);
  const report = await s.run();
  assert.equal(report.error?.code, 'state_unreadable');
  assert.deepEqual(s.asked(), []);
  const rotation = createRotation(settingsFor(s.client), platformFor());
  const [stored] = await rotation.reports({ log: silence, signal: new AbortController().signal });
  assert.equal(stored?.error?.code, 'state_unreadable');
});

test('no written intent, no mint: a run whose state was changed meanwhile stops', async (t) => {
  const { s } = await healthy(20);
  fault(t, { service: 'entra', effect: { delayMs: 150 } });
  const since = cloud.log.list().length;
  const running = s.run();
  const text = JSON.stringify({ schema: 1, intents: [], adopted: [] });
  while (cloud.log.list('entra', since).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await stateBlobOf(s).upload(text, text.length);
  assert.equal((await running).error?.code, 'conflict');
  assert.equal(mints(s), 0);
});

test('the intent is in the state before Graph is asked for a credential', async (t) => {
  const s = scene();
  fault(t, { service: 'graph', path: 'addPassword', effect: { status: 400 } });
  await s.run();
  const state = JSON.parse((await stateBlobOf(s).downloadToBuffer()).toString()) as {
    intents: { published: boolean }[];
  };
  assert.deepEqual(
    state.intents.map(({ published }) => published),
    [false],
  );
  assert.equal(await stateBlob(`rotation/${s.client.appId}/lease`).exists(), true);
});
