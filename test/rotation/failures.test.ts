// Runs that go wrong after they began to change things: what is left behind, what is said, and what the next run does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault, healthy, losePublish, mints, scene, works } from './scene.ts';
import { clock, cloud, dayMs, hourMs } from './tenant.ts';

test('a publish that is refused takes the credential away again, and is not tried again before a day has passed', async (t) => {
  const s = scene();
  const id = cloud.faults.add({
    ...{ service: 'keyVault', method: 'PUT', path: s.client.secretName },
    effect: { status: 403, body: { error: { code: 'Forbidden', message: 'Caller is not authorized.' } } },
  });
  t.after(() => cloud.faults.remove(id));
  const report = await s.run();
  assert.equal(report.outcome, 'failed');
  assert.equal(report.error?.code, 'vault_denied');
  assert.match(report.error.advice, /az role assignment create/);
  assert.deepEqual(s.keyIds(), []);
  cloud.faults.remove(id);
  s.asked();
  for (const wait of [0, hourMs, 21 * hourMs]) {
    cloud.advance(wait);
    const next = await s.run();
    assert.equal(next.outcome, 'refused');
    assert.equal(next.error?.code, 'vault_denied');
    assert.match(next.error.message, /at once by a forced run/);
  }
  assert.equal(mints(s), 0);
  cloud.advance(hourMs);
  assert.equal((await s.run()).outcome, 'rotated');
});

test('a publish whose answer is lost is found in the vault and counts', async (t) => {
  const s = scene();
  const skip = 1; // The client's first request is only there to be challenged.
  fault(t, {
    service: 'keyVault',
    method: 'PUT',
    path: s.client.secretName,
    skip,
    times: 1,
    effect: { drop: 'after' },
  });
  const report = await s.run();
  assert.equal(report.outcome, 'rotated');
  assert.deepEqual(s.keyIds(), [report.newKeyId]);
  assert.equal((await s.versions()).length, 1);
});

test('after a publish that was never answered the credential stays, and is swept once it proves an orphan', async (t) => {
  const { s, keyId } = await healthy(20);
  const answerAgain = losePublish(t, s);
  const report = await s.run();
  assert.equal(report.error?.code, 'publish_unanswered');
  assert.deepEqual(s.keyIds(), [keyId, report.newKeyId]);
  answerAgain();
  cloud.advance(2 * hourMs);
  const next = await s.run();
  assert.equal(next.outcome, 'rotated');
  assert.ok(s.keyIds().includes(report.newKeyId ?? ''));
  cloud.advance(2 * hourMs);
  assert.deepEqual(
    (await s.run()).plan.map(({ kind }) => kind),
    ['sweep'],
  );
  assert.deepEqual(s.keyIds(), [keyId, next.newKeyId]);
});

for (const effect of [{ drop: 'after' }, { status: 503 }]) {
  test(`a mint that ends in ${JSON.stringify(effect)} is sent once, looked for and removed`, async (t) => {
    const { s, keyId } = await healthy(20);
    fault(t, { service: 'graph', path: `${s.client.appId}.*addPassword`, effect });
    const report = await s.run();
    assert.equal(report.error?.code, 'mint_unanswered');
    assert.deepEqual(s.keyIds(), [keyId]);
    assert.equal(mints(s), 1);
  });
}

test('a throttled mint and one refused for a concurrent change are sent again', async (t) => {
  const s = scene();
  const path = `${s.client.appId}.*addPassword`;
  const throttled = { status: 429, headers: { 'retry-after': '8' } };
  const concurrent = {
    status: 409,
    body: { error: { code: 'Directory_ConcurrencyViolation', message: 'wait' } },
  };
  fault(t, { service: 'graph', path, times: 1, effect: throttled });
  fault(t, { service: 'graph', path, times: 1, effect: concurrent });
  assert.equal((await s.run()).outcome, 'rotated');
  assert.equal(mints(s), 3);
  assert.equal(s.keyIds().length, 1);
});

test('a removal that follows an addition too closely is repeated until Graph takes it', async (t) => {
  const s = scene();
  fault(t, { service: 'graph', effect: { concurrencyWindowMs: 12_000 } });
  fault(t, { service: 'keyVault', method: 'PUT', path: s.client.secretName, effect: { status: 400 } });
  assert.equal((await s.run()).outcome, 'failed');
  assert.deepEqual(s.keyIds(), []);
});

test('a secret that Entra does not take within the deadline is never published', async (t) => {
  const { s, keyId } = await healthy(20);
  const before = await s.value();
  cloud.advance(hourMs);
  fault(t, { service: 'entra', effect: { replicas: 1, lagMs: 30 * 60_000 } });
  const report = await s.run();
  assert.equal(report.error?.code, 'verify_failed');
  assert.ok(report.verifyAttempts > 50);
  assert.deepEqual(s.keyIds(), [keyId]);
  assert.equal(await s.value(), before);
});

test('a shutdown while the secret is being proven takes the credential away', async (t) => {
  const { s, keyId } = await healthy(20);
  fault(t, { service: 'entra', effect: { replicas: 1, lagMs: 60_000 } });
  cloud.advance(120_000);
  const shutdown = new AbortController();
  const until = clock.now() + 30_000;
  const onWaited = (): void => {
    if (clock.now() > until) shutdown.abort(new Error('the process ends'));
  };
  const report = await s.run({}, { shutdown: shutdown.signal, onWaited });
  assert.equal(report.error?.code, 'stopped');
  assert.deepEqual(s.keyIds(), [keyId]);
});

test('nothing is retired while the current version contradicts its tag', async () => {
  const { s, keyId } = await healthy(20);
  const { newKeyId } = await s.run();
  const other = await s.addCredential('made in the portal', 90);
  await s.setSecret(other.secret, { CredentialId: newKeyId ?? '', 'rotation-app': s.client.appId });
  cloud.advance(12 * 24 * hourMs);
  const report = await s.run();
  assert.deepEqual(report.plan, []);
  assert.ok(s.keyIds().includes(keyId));
});

test('an operator’s rollback to an untagged older value is adopted, and the newer credential retired after the overlap', async () => {
  const { s, keyId } = await healthy(40);
  const before = await s.value();
  const { newKeyId } = await s.run({ force: true, reason: 'try' });
  await s.setSecret(before);
  assert.equal((await s.run()).outcome, 'adopted');
  cloud.advance(7 * 24 * hourMs);
  assert.equal((await s.run()).outcome, 'cleaned');
  assert.deepEqual(s.keyIds(), [keyId]);
  assert.notEqual(newKeyId, keyId);
});

test('a version that an operator sets between plan and removal saves the credential it carries', async (t) => {
  const { s, keyId } = await healthy(20);
  const before = await s.value();
  await s.run();
  cloud.advance(8 * 24 * hourMs);
  fault(t, {
    service: 'keyVault',
    method: 'GET',
    path: `${s.client.secretName}/versions`,
    effect: { delayMs: 150 },
  });
  const since = cloud.log.list().length;
  const running = s.run();
  const asked = (): boolean =>
    cloud.log.list('keyVault', since).some(({ path }) => path.endsWith('/versions'));
  while (!asked()) await new Promise((resolve) => setTimeout(resolve, 5));
  await s.setSecret(before, { CredentialId: keyId });
  assert.equal((await running).error?.code, 'overtaken');
  assert.ok(s.keyIds().includes(keyId));
});

test('a credential that somebody removes before it is published is not published', async (t) => {
  const { s, keyId } = await healthy(20);
  const before = await s.value();
  // Replicas take the secret two seconds after its mint, and still two seconds after its removal.
  cloud.advance(10_000);
  fault(t, { service: 'entra', effect: { replicas: 1, lagMs: 2_000 } });
  let waits = 0;
  const onWaited = (): void => {
    waits += 1;
    if (waits !== 4) return;
    const [fresh] = s.application.passwordCredentials.splice(1, 1);
    if (fresh) s.application.removedCredentials.push({ credential: fresh, removedAt: cloud.now() });
  };
  assert.equal((await s.run({}, { onWaited })).error?.code, 'credential_gone');
  assert.deepEqual(s.keyIds(), [keyId]);
  assert.equal(await s.value(), before);
});

test('what a stale read shows once more and is gone already counts as removed', async (t) => {
  const { s } = await healthy(20);
  await s.run();
  cloud.advance(8 * 24 * hourMs);
  assert.equal((await s.run()).outcome, 'cleaned');
  fault(t, { service: 'graph', effect: { staleReads: 1 } });
  const again = await s.run();
  assert.deepEqual([again.outcome, again.plan[0]?.kind], ['cleaned', 'retire']);
});

test('a leaked credential stays when another version overtakes the new one before it is read back', async (t) => {
  const { s, keyId } = await healthy();
  const other = await s.addCredential('made in the portal', 60);
  // The first two reads of the current version are the observation and its challenge.
  const path = `/secrets/${s.client.secretName}/$`;
  fault(t, { service: 'keyVault', method: 'GET', path, skip: 2, effect: { delayMs: 200 } });
  const running = s.run({ revoke: keyId, reason: 'leaked' });
  while ((await s.versions()).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await s.setSecret(other.secret, { CredentialId: keyId });
  assert.equal((await running).error?.code, 'overtaken');
  assert.ok(s.keyIds().includes(keyId));
});

test('a tag that Key Vault refuses fails a run that only adopts, and keeps no due secret from being replaced', async (t) => {
  const s = scene();
  const { keyId, secret } = await s.addCredential('made in the portal', 31);
  await s.setSecret(secret);
  fault(t, {
    service: 'keyVault',
    method: 'PATCH',
    path: s.client.secretName,
    effect: { status: 403 },
  });
  assert.equal((await s.run()).outcome, 'failed');
  cloud.advance(2 * dayMs);
  const report = await s.run();
  assert.equal(report.outcome, 'rotated');
  assert.match(report.warnings.join(), new RegExp(`could not be tagged with ${keyId}`));
  assert.ok(works(s, await s.value()));
  assert.ok(s.keyIds().includes(keyId));
});

test('a revocation that ends before the removal says that no later run goes on with it', async (t) => {
  const { s, keyId } = await healthy();
  const failing = fault(t, { service: 'graph', path: '/removePassword', effect: { status: 400 } });
  const report = await s.run({ revoke: keyId, reason: 'found in a ticket' });
  assert.equal(report.outcome, 'failed');
  assert.match(
    report.warnings.join(),
    new RegExp(`may still work.* --target ${s.client.secretName} --revoke ${keyId}`),
  );
  failing();
  assert.equal((await s.run({ revoke: keyId, reason: 'again' })).outcome, 'revoked');
  assert.ok(!s.keyIds().includes(keyId));
});
