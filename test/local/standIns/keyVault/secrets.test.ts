// The stand-in for Key Vault through the real SecretClient: what it keeps and how it shows it.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import { assertRejected } from '../../../support/restErrors.ts';
import { all, clientFor, cloud, otherVaultUrl, raw, apiVersion, stateText } from './clients.ts';

beforeEach(() => {
  cloud.faults.clear();
});

const client = clientFor();

test('a client meets the challenge once, then gets back what it set', async () => {
  const from = cloud.log.list().length;
  const fresh = clientFor();
  const expiresOn = new Date(Math.floor(cloud.now() / 1000) * 1000 + 86_400_000);
  const tags = { CredentialId: 'key-1', ProviderAddress: 'app-1' };
  const set = await fresh.setSecret('first', 'value-one', { expiresOn, tags, contentType: 'text/plain' });
  assert.match(
    set.properties.id ?? '',
    /^https:\/\/telehealth-demo\.vault\.azure\.net\/secrets\/first\/[0-9a-f]{32}$/,
  );

  const got = await fresh.getSecret('first');
  assert.equal(got.value, 'value-one');
  assert.deepEqual(
    [got.properties.version, got.properties.expiresOn, got.properties.contentType, got.properties.enabled],
    [set.properties.version, expiresOn, 'text/plain', true],
  );
  assert.deepEqual({ ...got.properties.tags }, tags);
  assert.deepEqual(
    cloud.log
      .list()
      .slice(from)
      .map(({ status }) => status),
    [401, 200, 200],
  );
});

test('times are whole seconds of the stand-in’s clock', async () => {
  const response = await raw(`/secrets/clocked?${apiVersion}`, { method: 'PUT', body: '{"value":"v"}' });
  const seconds = Math.floor(cloud.now() / 1000);
  assert.match(response.bodyAsText ?? '', new RegExp(`"created":${seconds},"updated":${seconds},`));
  assert.equal(Date.parse(response.headers.get('date') ?? ''), seconds * 1000);
  assert.match(response.headers.get('x-ms-request-id') ?? '', /^[0-9a-f-]{36}$/);
});

test('each set makes a version, a repeated one too, and the last one is current', async () => {
  const first = await client.setSecret('many', 'one', { tags: { a: '1' } });
  await client.setSecret('many', 'two');
  const third = await client.setSecret('many', 'two');
  const current = await client.getSecret('many');
  assert.deepEqual([current.value, current.properties.version], ['two', third.properties.version]);
  assert.equal(current.properties.tags, undefined);
  const old = await client.getSecret('many', { version: first.properties.version ?? '' });
  assert.deepEqual([old.value, { ...old.properties.tags }], ['one', { a: '1' }]);
  assert.equal((await all(client.listPropertiesOfSecretVersions('many'))).length, 3);
});

test('names ignore case', async () => {
  await client.setSecret('Mixed-Case', 'one');
  await client.setSecret('mixed-case', 'two');
  assert.equal((await client.getSecret('MIXED-CASE')).value, 'two');
  assert.equal((await all(client.listPropertiesOfSecretVersions('mixed-Case'))).length, 2);
});

test('a list that fills its page exactly has no next one', async () => {
  await client.setSecret('exact', 'one');
  await client.setSecret('exact', 'two');
  const sizes: number[] = [];
  for await (const page of client.listPropertiesOfSecretVersions('exact').byPage({ maxPageSize: 2 })) {
    sizes.push(page.length);
  }
  assert.deepEqual(sizes, [2]);
});

test('pages of versions follow absolute links until each was seen once', async () => {
  const made: (string | undefined)[] = [];
  for (let n = 0; n < 27; n += 1) made.push((await client.setSecret('paged', `v${n}`)).properties.version);
  const sizes: number[] = [];
  const seen: (string | undefined)[] = [];
  for await (const page of client.listPropertiesOfSecretVersions('paged').byPage({ maxPageSize: 10 })) {
    sizes.push(page.length);
    seen.push(...page.map(({ version }) => version));
  }
  assert.deepEqual(sizes, [10, 10, 7]);
  assert.deepEqual(seen.toSorted(), made.toSorted());
  assert.equal((await all(client.listPropertiesOfSecretVersions('paged'))).length, 27);
  const listed = await raw(`/secrets/paged/versions?${apiVersion}`);
  assert.match(
    listed.bodyAsText ?? '',
    /"nextLink":"https:\/\/telehealth-demo\.vault\.azure\.net\/secrets\/paged/,
  );
  assert.doesNotMatch(listed.bodyAsText ?? '', /"value":"v\d/);
});

test('an update keeps what it does not name and replaces the tags', async () => {
  const { properties } = await client.setSecret('updated', 'v', {
    contentType: 'a',
    tags: { a: '1', b: '2' },
  });
  cloud.advance(5_000);
  const tagged = await client.updateSecretProperties('updated', properties.version ?? '', {
    tags: { c: '3' },
  });
  assert.deepEqual([tagged.contentType, tagged.enabled, { ...tagged.tags }], ['a', true, { c: '3' }]);
  assert.ok((tagged.updatedOn?.getTime() ?? 0) > (properties.updatedOn?.getTime() ?? 0));
  assert.equal((await client.getSecret('updated')).value, 'v');
});

test('a disabled current version is forbidden and does not fall back to the one before', async () => {
  const first = await client.setSecret('disabled', 'one');
  const second = await client.setSecret('disabled', 'two');
  await client.updateSecretProperties('disabled', second.properties.version ?? '', { enabled: false });
  const error = await assertRejected(client.getSecret('disabled'), 403, 'Forbidden');
  assert.match(error.message, /Operation get is not allowed on a disabled secret/);
  assert.match(JSON.stringify(error.details), /SecretDisabled/);
  assert.equal(
    (await client.getSecret('disabled', { version: first.properties.version ?? '' })).value,
    'one',
  );
  await client.updateSecretProperties('disabled', second.properties.version ?? '', { enabled: true });
  assert.equal((await client.getSecret('disabled')).value, 'two');
});

test('a deleted secret keeps its name until it is recovered or purged', async () => {
  await client.setSecret('gone', 'v');
  const poller = await client.beginDeleteSecret('gone', { intervalInMs: 1 });
  const deleted = await poller.pollUntilDone();
  assert.equal(deleted.recoveryId, `${demo.vaultUrl}/deletedsecrets/gone`);
  await assertRejected(client.getSecret('gone'), 404, 'SecretNotFound');
  const conflict = await assertRejected(client.setSecret('gone', 'w'), 409, 'Conflict');
  assert.match(JSON.stringify(conflict.details), /ObjectIsDeletedButRecoverable/);
  assert.deepEqual(
    (await all(client.listDeletedSecrets())).map(({ name }) => name),
    ['gone'],
  );

  await (await client.beginRecoverDeletedSecret('gone', { intervalInMs: 1 })).pollUntilDone();
  assert.equal((await client.getSecret('gone')).value, 'v');
  await assertRejected(client.getDeletedSecret('gone'), 404, 'SecretNotFound');

  await (await client.beginDeleteSecret('gone', { intervalInMs: 1 })).pollUntilDone();
  await client.purgeDeletedSecret('gone');
  await assertRejected(client.getDeletedSecret('gone'), 404, 'SecretNotFound');
  await client.setSecret('gone', 'new');
  assert.equal((await all(client.listPropertiesOfSecretVersions('gone'))).length, 1);
});

test('soft delete ends after ninety days', async () => {
  const other = clientFor(otherVaultUrl);
  await other.setSecret('short', 'v');
  await (await other.beginDeleteSecret('short', { intervalInMs: 1 })).pollUntilDone();
  const day = 24 * 60 * 60 * 1000;
  cloud.advance(90 * day - 1_000);
  await clientFor(otherVaultUrl).getDeletedSecret('short');
  cloud.advance(1_000);
  await assertRejected(clientFor(otherVaultUrl).getDeletedSecret('short'), 404, 'SecretNotFound');
});

test('vaults share nothing, and state shows no value', async () => {
  const own = clientFor();
  await own.setSecret('secretive', 'p4ssw0rd-never-shown', { tags: { CredentialId: 'k' } });
  await assertRejected(clientFor(otherVaultUrl).getSecret('secretive'), 404, 'SecretNotFound');
  assert.ok((await all(own.listPropertiesOfSecrets())).some(({ name }) => name === 'secretive'));
  assert.match(stateText(), /"name":"secretive"/);
  assert.doesNotMatch(stateText(), /p4ssw0rd/);
});

test('a set whose answer was lost has made its version', async () => {
  const own = clientFor();
  await own.setSecret('ambiguous', 'one');
  cloud.faults.add({ service: 'keyVault', method: 'PUT', times: 1, effect: { drop: 'after' } });
  await assert.rejects(own.setSecret('ambiguous', 'two'));
  assert.equal((await own.getSecret('ambiguous')).value, 'two');
  cloud.faults.add({ service: 'keyVault', method: 'PUT', times: 1, effect: { drop: 'before' } });
  await assert.rejects(own.setSecret('ambiguous', 'three'));
  assert.equal((await own.getSecret('ambiguous')).value, 'two');
});
