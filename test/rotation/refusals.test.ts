// What stops a run before anything is minted, and how it says which command or page mends it.
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline';
import { SecretClient } from '@azure/keyvault-secrets';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../local/demo.ts';
import { displayNameOf } from '../../src/rotation/target.ts';
import { fault, healthy, losePublish, mints, scene, type Scene } from './scene.ts';
import { cloud, hourMs } from './tenant.ts';

async function softDeleted(s: Scene): Promise<void> {
  const vault = new SecretClient(demo.vaultUrl, cloud.credentialFor(demo.managedIdentity));
  await s.setSecret('some value');
  const poller = await vault.beginDeleteSecret(s.client.secretName, { intervalInMs: 1 });
  await poller.pollUntilDone();
}

test('a soft-deleted secret stops the run before the mint', async () => {
  const s = scene();
  await softDeleted(s);
  const report = await s.run();
  assert.equal(report.outcome, 'refused');
  assert.equal(report.error?.code, 'secret_deleted');
  assert.match(report.error.advice, /az keyvault secret recover/);
  assert.equal(mints(s), 0);
});

test('a first secret is not made where the deleted secrets cannot be read', async (t) => {
  const s = scene();
  fault(t, { service: 'keyVault', path: `/deletedsecrets/${s.client.secretName}`, effect: { status: 403 } });
  assert.equal((await s.run()).error?.code, 'deleted_unreadable');
  assert.equal(mints(s), 0);
});

test('a vault that is not the one the application was rotated into gets no secret', async () => {
  const s = scene();
  await s.addCredential(displayNameOf('0123456789ab', '20260101T000000Z-abcdef'), 60);
  const report = await s.run({ force: true, reason: 'try' });
  assert.equal(report.error?.code, 'other_target');
  assert.match(report.error.message, /0123456789ab/);
  assert.equal(mints(s), 0);
});

test('a published secret that vanished from the vault is not replaced without an operator', async () => {
  const s = scene();
  await s.addCredential(s.ownName('abcdef'), 60);
  assert.equal((await s.run()).error?.code, 'own_credentials_left');
  assert.equal((await s.run({ force: true, reason: 'the vault was purged' })).outcome, 'rotated');
});

test('a secret that was published and then purged is not replaced either', async () => {
  const s = scene();
  assert.equal((await s.run()).outcome, 'rotated');
  await softDeleted(s);
  await new SecretClient(demo.vaultUrl, cloud.credentialFor(demo.managedIdentity)).purgeDeletedSecret(
    s.client.secretName,
  );
  cloud.advance(hourMs);
  assert.equal((await s.run()).error?.code, 'own_credentials_left');
});

test('a first mint that was never published is followed by another one', async (t) => {
  const s = scene();
  const answerAgain = losePublish(t, s);
  assert.equal((await s.run()).error?.code, 'publish_unanswered');
  answerAgain();
  cloud.advance(hourMs);
  assert.equal((await s.run()).outcome, 'rotated');
});

test('a 404 that is not Key Vault’s own word does not look like an empty vault', async (t) => {
  const { s } = await healthy();
  fault(t, {
    service: 'keyVault',
    method: 'GET',
    path: s.client.secretName,
    effect: { status: 404, body: 'proxy' },
  });
  assert.equal((await s.run({ force: true, reason: 'try' })).outcome, 'failed');
  assert.equal(mints(s), 0);
});

test('a missing role on the vault leaves nothing behind', async (t) => {
  const s = scene();
  fault(t, { service: 'keyVault', effect: { revokePermission: 'Key Vault Secrets Officer' } });
  assert.equal((await s.run()).error?.code, 'vault_denied');
  assert.deepEqual(s.keyIds(), []);
});

test('the wrong tenant is seen before the mint', async () => {
  const s = scene({ tenantId: '7e1e4ea1-7000-4000-8000-0000000000ff' });
  const report = await s.run();
  assert.equal(report.error?.code, 'wrong_tenant');
  assert.equal(mints(s), 0);
});

test('with a clock three hours fast nothing is changed, and a run with nothing to do only warns', async () => {
  const { s } = await healthy(20);
  const due = await s.run({}, { localOffsetMs: 3 * hourMs });
  assert.equal(due.error?.code, 'clocks_disagree');
  assert.equal(mints(s), 0);
  const idle = await healthy(60);
  const report = await idle.s.run({}, { localOffsetMs: 3 * hourMs });
  assert.equal(report.outcome, 'noop');
  assert.match(report.warnings.join(), /clocks/);
});

test('a forced run over HTTP has time enough, and a run with too little time mints nothing', async () => {
  const { s } = await healthy();
  const late = await s.run({ force: true, reason: 'try' }, { budgetMs: 89_000 });
  assert.equal(late.error?.code, 'no_time');
  assert.equal(mints(s), 0);
  assert.equal((await s.run({ force: true, reason: 'try' }, { budgetMs: 180_000 })).outcome, 'rotated');
});

test('what looking at everything took is not counted on for the proof of a new secret', async () => {
  const { s } = await healthy(20);
  const client = createDefaultHttpClient();
  const slow: HttpClient = {
    sendRequest(request) {
      if (request.url.includes('/versions')) cloud.advance(31_000);
      return client.sendRequest(request);
    },
  };
  const report = await s.run({}, { budgetMs: 120_000, httpClient: slow });
  assert.equal(report.error?.code, 'no_time');
  assert.equal(mints(s), 0);
});

test('forced again and again, no more than four credentials ever exist', async () => {
  const { s } = await healthy();
  for (let n = 0; n < 3; n += 1)
    assert.equal((await s.run({ force: true, reason: 'again' })).outcome, 'rotated');
  assert.equal((await s.run({ force: true, reason: 'again' })).error?.code, 'max_owned');
  assert.equal(s.keyIds().length, 4);
});

test('stale reads of Graph do not lead to more credentials than allowed', async (t) => {
  const { s } = await healthy();
  for (let n = 0; n < 3; n += 1) await s.run({ force: true, reason: 'again' });
  fault(t, { service: 'graph', effect: { staleReads: 10 } });
  assert.equal((await s.run({ force: true, reason: 'again' })).error?.code, 'max_owned');
});

test('first mints that never got published make room for another one, and the youngest of them stays', async (t) => {
  const s = scene();
  const losing = losePublish(t, s);
  for (let n = 0; n < 4; n += 1) {
    assert.equal((await s.run()).error?.code, 'publish_unanswered');
    cloud.advance(hourMs);
  }
  losing();
  const youngest = s.keyIds().slice(-1);
  const report = await s.run();
  assert.deepEqual([report.outcome, report.error?.code], ['refused', 'max_owned']);
  assert.deepEqual(s.keyIds(), youngest);
  assert.equal((await s.run()).outcome, 'rotated');
});

test('what is in the way of a first secret is not removed while a deleted one of that name may come back', async (t) => {
  const s = scene();
  const losing = losePublish(t, s);
  for (let n = 0; n < 4; n += 1) {
    await s.run();
    cloud.advance(hourMs);
  }
  losing();
  cloud.advance(hourMs);
  fault(t, { service: 'keyVault', path: `/deletedsecrets/${s.client.secretName}`, effect: { status: 403 } });
  await s.run();
  assert.equal(s.keyIds().length, 4);
});

test('reads that do not show the new credential yet neither give up a proven secret nor leave an unanswered mint', async (t) => {
  const { s, keyId } = await healthy(20);
  const stale = (): (() => void) => fault(t, { service: 'graph', effect: { staleReads: 3 } });
  const shown = stale();
  const lost = fault(t, {
    service: 'graph',
    path: `${s.client.appId}.*addPassword`,
    effect: { drop: 'after' },
  });
  assert.equal((await s.run()).error?.code, 'mint_unanswered');
  assert.deepEqual(s.keyIds(), [keyId]);
  for (const end of [lost, shown]) end();
  stale();
  assert.equal((await s.run({ force: true, reason: 'again' })).outcome, 'rotated');
});
