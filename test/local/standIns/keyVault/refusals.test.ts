// The stand-in for Key Vault: whom and what it refuses, and with which answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import { assertRejected } from '../../../support/restErrors.ts';
import { apiVersion, clientFor, cloud, errorOf, raw, type RawRequest } from './clients.ts';

const client = clientFor();

test('a request without a token is told where to get one, before anything else is looked at', async () => {
  const response = await raw('/secrets/anything', { authorization: undefined });
  assert.equal(response.status, 401);
  assert.equal(
    response.headers.get('www-authenticate'),
    `Bearer authorization="https://login.microsoftonline.com/${demo.tenantId}", resource="https://vault.azure.net"`,
  );
  assert.match(errorOf(response).message, /AKV10000/);
});

test('tokens that are malformed, expired, foreign or not signed are refused', async () => {
  const { tokens } = cloud;
  const claims = {
    aud: 'https://vault.azure.net',
    iss: `https://sts.windows.net/${demo.tenantId}/`,
    oid: demo.managedIdentity.principalId,
  };
  const past = Math.floor(cloud.now() / 1000) - 60;
  const bad: [RegExp, string][] = [
    [/BearerReadAccessTokenFailed/, 'abc'],
    [/TokenExpired/, await tokens.sign({ claims: { ...claims, exp: past } })],
    [
      /AKV10022.*https:\/\/graph/,
      await tokens.sign({ claims: { ...claims, aud: 'https://graph.microsoft.com' } }),
    ],
    [/BearerReadAccessTokenFailed/, await tokens.sign({ claims, sign: 'otherKey' })],
    [/BearerReadAccessTokenFailed/, await tokens.sign({ claims, sign: 'none' })],
    [/AKV10032/, await tokens.sign({ claims: { ...claims, iss: 'https://sts.windows.net/other/' } })],
  ];
  for (const [message, token] of bad) {
    const response = await raw(`/secrets?${apiVersion}`, { authorization: `Bearer ${token}` });
    assert.deepEqual([response.status, errorOf(response).code], [401, 'Unauthorized']);
    assert.match(errorOf(response).message, message);
  }
  const good = `Bearer ${await tokens.sign({ claims })}`;
  assert.equal((await raw(`/secrets?${apiVersion}`, { authorization: good })).status, 200);
});

test('a caller without the role is forbidden, and told which action on what', async () => {
  const stranger = clientFor(demo.vaultUrl, demo.gateway);
  const read = await assertRejected(stranger.getSecret('private'), 403, 'Forbidden');
  assert.match(read.message, /Caller is not authorized to perform action on resource/);
  assert.match(read.message, new RegExp(`oid=${demo.gateway.principalId}`));
  assert.match(read.message, /Action: 'Microsoft.KeyVault\/vaults\/secrets\/getSecret\/action'/);
  const write = await assertRejected(stranger.setSecret('private', 'v'), 403, 'Forbidden');
  assert.match(write.message, /setSecret\/action/);
  const restore = cloud.directory.suspend('Key Vault Secrets Officer');
  await assertRejected(client.getSecret('private'), 403, 'Forbidden');
  restore();
  await assertRejected(client.getSecret('private'), 404, 'SecretNotFound');
});

test('a host that is no vault of the tenant is refused, and not as a missing secret', async () => {
  const error = await assertRejected(
    clientFor('https://unknown.vault.azure.net').getSecret('x'),
    421,
    'VaultNotFound',
  );
  assert.match(error.message, /unknown\.vault\.azure\.net/);
});

const absent: [string, () => Promise<unknown>][] = [
  ['a secret', () => client.getSecret('nothing')],
  ['a version', () => client.getSecret('present', { version: '0'.repeat(32) })],
  ['the versions', () => client.listPropertiesOfSecretVersions('nothing').next()],
  ['a deletion', () => client.beginDeleteSecret('nothing')],
  ['a deleted secret', () => client.getDeletedSecret('present')],
  ['a purge', () => client.purgeDeletedSecret('present')],
];
for (const [what, ask] of absent) {
  test(`${what} that is not there is not found`, async () => {
    await client.setSecret('present', 'v');
    await assertRejected(ask(), 404, 'SecretNotFound');
  });
}

const put = (body: unknown): RawRequest => ({ method: 'PUT', body: JSON.stringify(body) });
const tags = (count: number, length = 1): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`t${n}`, 'x'.repeat(length)]));

const bad: [string, string, RawRequest, number, RegExp][] = [
  ['no api-version', '/secrets/a', {}, 400, /api-version must be specified/],
  ['an unknown api-version', '/secrets/a?api-version=1', {}, 400, /not recognized/],
  ['a name with an underscore', `/secrets/a_b?${apiVersion}`, put({ value: 'v' }), 400, /invalid name/],
  [
    'a name of 128 characters',
    `/secrets/${'a'.repeat(128)}?${apiVersion}`,
    put({ value: 'v' }),
    400,
    /invalid name/,
  ],
  ['no value', `/secrets/a?${apiVersion}`, put({}), 400, /value/],
  ['a body that is no JSON', `/secrets/a?${apiVersion}`, { method: 'PUT', body: '{' }, 400, /JSON/],
  ['a value over 25 kB', `/secrets/a?${apiVersion}`, put({ value: 'é'.repeat(12_801) }), 400, /25600/],
  ['a sixteenth tag', `/secrets/a?${apiVersion}`, put({ value: 'v', tags: tags(16) }), 400, /tags/],
  [
    'a tag over 512 characters',
    `/secrets/a?${apiVersion}`,
    put({ value: 'v', tags: tags(1, 513) }),
    400,
    /tags/,
  ],
  [
    'a content type over 255',
    `/secrets/a?${apiVersion}`,
    put({ value: 'v', contentType: 'x'.repeat(256) }),
    400,
    /contentType/,
  ],
  [
    'a fraction of a second',
    `/secrets/a?${apiVersion}`,
    put({ value: 'v', attributes: { exp: 1.5 } }),
    400,
    /attributes\.exp/,
  ],
  ['a page of 26', `/secrets?maxresults=26&${apiVersion}`, {}, 400, /maxresults/],
  ['a page token of its own making', `/secrets?$skiptoken=xyz&${apiVersion}`, {}, 400, /skiptoken/],
  ['a method that is not offered', `/secrets/a?${apiVersion}`, { method: 'POST', body: '{}' }, 405, /POST/],
  ['an unknown path', `/keys/a?${apiVersion}`, {}, 400, /URI/],
];
for (const [what, path, request, status, message] of bad) {
  test(`${what} is refused`, async () => {
    const response = await raw(path, request);
    assert.equal(response.status, status);
    assert.match(errorOf(response).message, message);
  });
}

test('what is just within the limits is taken', async () => {
  const value = 'é'.repeat(12_800);
  await client.setSecret('a'.repeat(127), value, { tags: tags(15, 512), contentType: 'x'.repeat(255) });
  assert.equal((await client.getSecret('a'.repeat(127))).value, value);
});
