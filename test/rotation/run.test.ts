// Whole runs in the ordinary case: the real adapters against Graph, Key Vault and Entra as stand-ins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayNameOf, targetOf } from '../../src/rotation/target.ts';
import { demo } from '../../local/demo.ts';
import { healthy, scene, works } from './scene.ts';
import { cloud, dayMs, hourMs, stateBlob } from './tenant.ts';

test('a vault without the secret gets its first one, proven and tagged', async () => {
  const s = scene();
  const report = await s.run();
  assert.equal(report.outcome, 'rotated');
  assert.deepEqual(s.keyIds(), [report.newKeyId]);
  assert.equal(report.verifyAttempts, 4);
  assert.ok(works(s, await s.value()));
  const [version] = await s.versions();
  assert.equal(version?.versionId, report.versionId);
  const { 'rotation-id': attempt, 'rotation-verified': verified, ...tags } = version?.tags ?? {};
  assert.deepEqual(tags, {
    CredentialId: report.keyId,
    ProviderAddress: s.application.id,
    ValidityPeriodDays: '90',
    'rotation-app': s.client.appId,
  });
  assert.match(attempt ?? '', /^\d{8}T\d{6}Z-[0-9a-f]{6}$/);
  assert.ok(Date.parse(verified ?? '') > 0);
  assert.equal(
    s.application.passwordCredentials[0]?.displayName,
    displayNameOf(targetOf(s.client, demo.vaultUrl).id, attempt ?? ''),
  );
});

test('a run with nothing to do writes nothing and asks four questions', async () => {
  const { s, keyId } = await healthy();
  await s.run();
  s.asked();
  const report = await s.run();
  assert.equal(report.outcome, 'noop');
  assert.equal(report.keyId, keyId);
  assert.equal(report.daysToExpiry, 60);
  const asked = s.asked().sort();
  assert.deepEqual(asked, [
    `GET /secrets/${s.client.secretName}/`,
    `GET /secrets/${s.client.secretName}/versions`,
    `GET /v1.0/applications(appId='${s.client.appId}')`,
    `POST /${demo.tenantId}/oauth2/v2.0/token`,
  ]);
});

test('a secret near its end is followed by a new one, and the old one stays valid through the overlap', async () => {
  const { s, keyId } = await healthy(20);
  const before = await s.value();
  const report = await s.run();
  assert.equal(report.outcome, 'rotated');
  assert.equal(report.previousKeyId, keyId);
  assert.deepEqual(s.keyIds(), [keyId, report.newKeyId]);
  assert.notEqual(await s.value(), before);
  assert.ok(works(s, await s.value()));
  s.asked();
  assert.equal((await s.run()).outcome, 'noop');
  assert.deepEqual(s.writes(), []);
});

test('the previous credential is removed by a later run after the overlap, then its version is disabled', async () => {
  const { s, keyId } = await healthy(20);
  const { newKeyId } = await s.run();
  cloud.advance(7 * dayMs - hourMs);
  assert.equal((await s.run()).outcome, 'noop');
  cloud.advance(2 * hourMs);
  const retiring = await s.run();
  assert.equal(retiring.outcome, 'cleaned');
  assert.deepEqual(
    retiring.plan.map(({ kind }) => kind),
    ['retire'],
  );
  assert.deepEqual(s.keyIds(), [newKeyId]);
  assert.deepEqual(
    (await s.run()).plan.map(({ kind }) => kind),
    ['disableVersion'],
  );
  const enabled = (await s.versions()).filter((version) => version.enabled);
  assert.deepEqual(
    enabled.map(({ tags }) => tags['CredentialId']),
    [newKeyId],
  );
  assert.notEqual(keyId, newKeyId);
  assert.equal((await s.run()).outcome, 'noop');
});

test('with ROTATION_RETIRE=expire the previous credential stays until it is over and is removed then', async () => {
  const { s, keyId } = await healthy(20, { retire: 'expire' });
  await s.run();
  cloud.advance(8 * dayMs);
  assert.equal((await s.run()).outcome, 'noop');
  assert.ok(s.keyIds().includes(keyId));
  cloud.advance(13 * dayMs);
  assert.deepEqual(
    (await s.run()).plan.map(({ kind }) => kind),
    ['removeExpired'],
  );
  assert.ok(!s.keyIds().includes(keyId));
});

test('a credential of ours that no version names is swept after two hours and not before', async () => {
  const { s, keyId } = await healthy();
  const orphan = await s.addCredential(s.ownName('orphan'), 90);
  cloud.advance(2 * hourMs - 60_000);
  assert.equal((await s.run()).outcome, 'noop');
  cloud.advance(2 * 60_000);
  assert.deepEqual(
    (await s.run()).plan.map(({ kind }) => kind),
    ['sweep'],
  );
  assert.deepEqual(s.keyIds(), [keyId]);
  assert.notEqual(orphan.keyId, keyId);
});

test('foreign credentials are left alone, whatever a version tag says, and a new one is reported', async () => {
  const { s } = await healthy(20);
  const foreign = await s.addCredential('made in the portal', 90);
  const claimed = await s.addCredential('another portal secret', 90);
  await s.setSecret(claimed.secret, { CredentialId: claimed.keyId, 'rotation-app': s.client.appId });
  const current = await s.addCredential(s.ownName('second'), 90);
  await s.setSecret(current.secret, { CredentialId: current.keyId, 'rotation-app': s.client.appId });
  await s.run();
  const late = await s.addCredential('appeared later', 90);
  const report = await s.run();
  assert.ok(report.warnings.some((text) => text.includes(late.keyId)));
  cloud.advance(30 * dayMs);
  await s.run();
  for (const { keyId } of [foreign, claimed, late]) assert.ok(s.keyIds().includes(keyId));
});

test('an untagged secret is adopted by its hint and a token, and nothing is minted', async () => {
  const s = scene();
  const { keyId, secret } = await s.addCredential('made in the portal', 60);
  await s.addCredential('another one', 60);
  await s.setSecret(secret, { team: 'imaging' });
  const report = await s.run();
  assert.equal(report.outcome, 'adopted');
  const [version] = await s.versions();
  assert.equal(version?.tags['CredentialId'], keyId);
  assert.equal(version.tags['team'], 'imaging');
  assert.equal(s.keyIds().length, 2);
  assert.equal((await s.run()).outcome, 'noop');
});

test('an adopted credential is ours: it is retired after its successor outlived the overlap', async () => {
  const s = scene();
  const { keyId, secret } = await s.addCredential('made in the portal', 20);
  await s.setSecret(secret);
  const first = await s.run();
  assert.deepEqual(
    first.plan.map(({ kind }) => kind),
    ['adopt', 'mint'],
  );
  assert.equal(first.previousKeyId, keyId);
  cloud.advance(8 * dayMs);
  assert.equal((await s.run()).outcome, 'cleaned');
  assert.deepEqual(s.keyIds(), [first.newKeyId]);
});

test('an untagged value that belongs to another target is not adopted', async () => {
  const s = scene();
  const { secret } = await s.addCredential(displayNameOf('0123456789ab', '20260101T000000Z-abcdef'), 60);
  await s.setSecret(secret);
  const report = await s.run();
  assert.equal(report.outcome, 'noop');
  assert.equal((await s.versions())[0]?.tags['CredentialId'], undefined);
});

test('a dry run prints the plan that a run carries out, and changes nothing', async () => {
  const { s } = await healthy(20);
  const dry = await s.run({ dryRun: true });
  assert.equal(dry.outcome, 'planned');
  assert.deepEqual(s.writes(), []);
  const target = targetOf(s.client, demo.vaultUrl);
  assert.equal(await stateBlob(`rotation/${s.client.appId}/${target.id}.json`).exists(), false);
  const done = await s.run();
  assert.deepEqual(done.plan, dry.plan);
  assert.equal(done.outcome, 'rotated');
});

test('a rejected secret is replaced only after the second rejection, ten minutes later', async () => {
  const { s } = await healthy();
  await s.setSecret('revoked-by-somebody', { CredentialId: s.keyIds()[0] ?? '' });
  assert.equal((await s.run()).outcome, 'waiting');
  cloud.advance(9 * 60_000);
  assert.equal((await s.run()).outcome, 'waiting');
  cloud.advance(2 * 60_000);
  const report = await s.run();
  assert.equal(report.outcome, 'rotated');
  assert.match(report.plan[0]?.text ?? '', /rejected the current one twice/);
});

test('a token in between makes the next rejection a first one again', async (t) => {
  const { s } = await healthy();
  const rejected = { status: 401, body: { error: 'invalid_client', error_codes: [7000215] } };
  for (let n = 0; n < 2; n += 1) {
    const id = cloud.faults.add({ service: 'entra', effect: rejected });
    t.after(() => cloud.faults.remove(id));
    assert.equal((await s.run()).outcome, 'waiting');
    cloud.faults.remove(id);
    cloud.advance(hourMs);
    assert.equal((await s.run()).outcome, 'noop');
  }
});

test('an unknown answer of Entra never causes a rotation, however often', async (t) => {
  const { s } = await healthy();
  const id = cloud.faults.add({ service: 'entra', effect: { status: 503 } });
  t.after(() => cloud.faults.remove(id));
  for (let n = 0; n < 3; n += 1) {
    const report = await s.run();
    assert.equal(report.outcome, 'noop');
    assert.match(report.warnings.join(), /could not be learnt/);
    cloud.advance(hourMs);
  }
  assert.equal(s.keyIds().length, 1);
});

test('a new secret is proven by four tokens in a row while replicas flap', async (t) => {
  const s = scene();
  const id = cloud.faults.add({ service: 'entra', effect: { replicas: 3, lagMs: 20_000 } });
  t.after(() => cloud.faults.remove(id));
  const report = await s.run();
  assert.equal(report.outcome, 'rotated');
  assert.ok(report.verifyAttempts > 4, `${report.verifyAttempts} attempts`);
  assert.ok((report.durations['verify'] ?? 0) >= 20_000);
});

test('a leaked current secret is replaced and its credential removed in the same run', async () => {
  const { s, keyId } = await healthy();
  const report = await s.run({ revoke: keyId.toUpperCase(), reason: 'found in a ticket' });
  assert.equal(report.outcome, 'revoked');
  assert.deepEqual(s.keyIds(), [report.newKeyId]);
  assert.ok(works(s, await s.value()));
});

test('a leaked credential that is not current goes at once, without a mint', async () => {
  const { s, keyId } = await healthy();
  const foreign = await s.addCredential('made in the portal', 60);
  const report = await s.run({ revoke: foreign.keyId, reason: 'found in a ticket' });
  assert.equal(report.outcome, 'revoked');
  assert.deepEqual(s.keyIds(), [keyId]);
  const again = await s.run({ revoke: foreign.keyId, reason: 'found in a ticket' });
  assert.equal(again.error?.code, 'revoke_unknown');
});
