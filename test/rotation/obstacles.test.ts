// What definitely refused a mint or a publish is not met again every hour: it is remembered until something changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotationObstacleMs } from '../../src/platform/limits.ts';
import type { ServiceClientSettings } from '../../src/platform/settings/types.ts';
import type { RotationReport } from '../../src/rotation/rotation.ts';
import { fault, healthy, mints, scene, type Scene } from './scene.ts';
import { cloud, hourMs, runRotation, settingsFor } from './tenant.ts';

const forbidden = (message: string): object => ({
  status: 403,
  body: { error: { code: 'Forbidden', message } },
});
const denied = forbidden('Caller is not authorized to perform action on resource.');

const putOf = ({ client }: Scene): object => ({
  service: 'keyVault',
  method: 'PUT',
  path: client.secretName,
});

/** As after a deployment with other settings. */
async function rerun(s: Scene, changes: Partial<ServiceClientSettings>): Promise<RotationReport> {
  const [report] = await runRotation(settingsFor({ ...s.client, ...changes }), s.lines);
  assert.ok(report);
  return report;
}

/** Until an hour before it is tried again, every run is refused with `code`, and none of them mints. */
async function refusedForADay(s: Scene, code: string): Promise<void> {
  s.asked();
  for (const hours of [1, 1, 10, 10]) {
    cloud.advance(hours * hourMs);
    const report = await s.run();
    assert.deepEqual([report.outcome, report.error?.code], ['refused', code]);
  }
  assert.equal(mints(s), 0);
}

test('a publish that is refused costs one mint a day, and says when it is tried again', async (t) => {
  const { s, keyId } = await healthy(20);
  const mend = fault(t, { ...putOf(s), effect: denied });
  const first = await s.run();
  assert.equal(first.outcome, 'failed');
  assert.equal(first.error?.code, 'vault_denied');
  assert.deepEqual(s.keyIds(), [keyId]);
  await refusedForADay(s, 'vault_denied');
  mend();
  cloud.advance(hourMs);
  assert.equal((await s.run()).outcome, 'rotated');
});

test('a forced run tries it at once, and is followed by ordinary ones', async (t) => {
  const { s } = await healthy(20);
  const mend = fault(t, { ...putOf(s), effect: denied });
  await s.run();
  const forced = await s.run({ force: true, reason: 'is it mended?' });
  assert.equal(forced.outcome, 'failed');
  mend();
  assert.equal((await s.run()).outcome, 'refused');
  assert.equal((await s.run({ force: true, reason: 'the role is there now' })).outcome, 'rotated');
  assert.equal((await s.run()).outcome, 'noop');
});

test('a new version in the vault is a reason to try it again', async (t) => {
  const { s, keyId } = await healthy(20);
  const mend = fault(t, { ...putOf(s), effect: denied });
  await s.run();
  mend();
  cloud.advance(hourMs);
  await s.setSecret(await s.value(), { CredentialId: keyId, 'rotation-app': s.client.appId });
  assert.equal((await s.run()).outcome, 'rotated');
});

const policies = [
  ['a lifetime policy', { maxLifetimeDays: 30 }, 'lifetime_policy', /ROTATION_VALIDITY_DAYS/],
  ['a policy against secrets', { passwordAddition: 'denied' }, 'secret_policy', /federated credential/],
] as const;
for (const [what, effect, code, advice] of policies) {
  test(`${what} refuses one mint a day, and leaves nothing behind`, async (t) => {
    const { s, keyId } = await healthy(20);
    fault(t, { service: 'graph', effect });
    const report = await s.run();
    assert.deepEqual([report.outcome, report.error?.code], ['failed', code]);
    assert.match(report.error?.advice ?? '', advice);
    assert.deepEqual(s.keyIds(), [keyId]);
    await refusedForADay(s, code);
  });
}

test('a shorter life in the settings is tried at once where a policy refused the longer one', async (t) => {
  const { s } = await healthy(20);
  fault(t, { service: 'graph', effect: { maxLifetimeDays: 60 } });
  assert.equal((await s.run()).error?.code, 'lifetime_policy');
  cloud.advance(hourMs);
  assert.equal((await s.run()).error?.code, 'lifetime_policy');
  assert.equal((await rerun(s, { validityDays: 45 })).outcome, 'rotated');
});

test('an application at its size limit refuses one mint a day', async (t) => {
  const { s } = await healthy(20);
  const message = 'The size of the object has exceeded its limit. Please reduce the number of values.';
  const body = { error: { code: 'Directory_QuotaExceeded', message } };
  fault(t, { service: 'graph', path: `${s.client.appId}.*addPassword`, effect: { status: 400, body } });
  const report = await s.run();
  assert.equal(report.error?.code, 'application_full');
  assert.match(report.error.advice, new RegExp(`az ad app credential list --id ${s.client.appId}`));
  await refusedForADay(s, 'application_full');
});

test('a refusal that Key Vault does not explain is remembered under a name of its own, with its request id', async (t) => {
  const { s, keyId } = await healthy(20);
  const headers = { 'x-ms-request-id': '6b0f4f0e-9d55-4c1b-8f1f-7f100c5b2f5e' };
  fault(t, { ...putOf(s), skip: 1, effect: { status: 400, headers } });
  const report = await s.run();
  assert.equal(report.error?.code, 'publish_refused');
  assert.equal(report.requestIds?.publish, headers['x-ms-request-id']);
  assert.deepEqual(s.keyIds(), [keyId]);
  await refusedForADay(s, 'publish_refused');
});

test('an obstacle stops no cleaning up', async (t) => {
  const { s, keyId } = await healthy(20);
  fault(t, { ...putOf(s), effect: denied });
  await s.run();
  const orphan = await s.addCredential(s.ownName('orphan'), 90);
  cloud.advance(3 * hourMs);
  const report = await s.run();
  assert.equal(report.error?.code, 'vault_denied');
  assert.deepEqual(
    report.plan.map(({ kind }) => kind),
    ['sweep'],
  );
  assert.deepEqual(s.keyIds(), [keyId]);
  assert.notEqual(orphan.keyId, keyId);
});

test('what may pass by itself is no obstacle: throttling, no answer, a secret that Entra does not take in time', async (t) => {
  const passing = [
    { service: 'graph', path: 'addPassword', effect: { status: 429, headers: { 'retry-after': '60' } } },
    { service: 'keyVault', method: 'PUT', effect: { status: 503 } },
    { service: 'entra', effect: { replicas: 1, lagMs: 30 * 60_000 } },
  ];
  for (const rule of passing) {
    const { s } = await healthy(20);
    cloud.advance(hourMs);
    const mend = fault(t, rule);
    assert.equal((await s.run()).outcome, 'failed', JSON.stringify(rule));
    mend();
    cloud.advance(hourMs);
    assert.equal((await s.run()).outcome, 'rotated', JSON.stringify(rule));
  }
});

test('a first secret that was refused is tried again by a daily run that comes early', async (t) => {
  const s = scene();
  const mend = fault(t, { ...putOf(s), effect: denied });
  assert.equal((await s.run()).error?.code, 'vault_denied');
  mend();
  cloud.advance(rotationObstacleMs - 60_000);
  assert.equal((await s.run()).outcome, 'refused');
  cloud.advance(60_000);
  assert.equal((await s.run()).outcome, 'rotated');
});
