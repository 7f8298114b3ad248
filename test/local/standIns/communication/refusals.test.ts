// The stand-in for ACS identity: whom it refuses, what it refuses, and how often it may be asked.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import { assertRejected } from '../../../support/restErrors.ts';
import {
  bearerClient,
  cloud,
  codeOf,
  identityState,
  keyClient,
  signed,
  state,
  type Signed,
} from './clients.ts';

const minute = 60_000;
const client = keyClient();
const create = '/identities?api-version=2023-10-01';

beforeEach(() => {
  cloud.faults.clear();
});

test('a wrong key, another resource and a caller without the role are denied with one answer', async () => {
  const wrongKey = keyClient(Buffer.from('another key').toString('base64'));
  const elsewhere = keyClient(undefined, 'https://other.communication.azure.com');
  const before = state().identities.length;
  for (const denied of [wrongKey, elsewhere, bearerClient(cloud.credentialFor(demo.gateway))]) {
    const error = await assertRejected(denied.createUser(), 401, 'Denied');
    assert.equal(error.message, 'Denied by the resource provider.');
  }
  const restore = cloud.directory.suspend('Communication and Email Service Owner');
  await assertRejected(bearerClient().createUser(), 401, 'Denied');
  restore();
  assert.equal(state().identities.length, before);
});

test('bearer tokens that are expired, foreign or not signed are denied', async () => {
  const claims = {
    aud: 'https://communication.azure.com/',
    tid: demo.tenantId,
    oid: demo.managedIdentity.principalId,
  };
  const { tokens } = cloud;
  const past = Math.floor(cloud.now() / 1000) - 60;
  const ask = (token: string): Promise<unknown> => {
    const credential = { getToken: async () => ({ token, expiresOnTimestamp: cloud.now() + 60 * minute }) };
    return bearerClient(credential).createUser();
  };
  for (const token of [
    await tokens.sign({ claims: { ...claims, exp: past } }),
    await tokens.sign({ claims: { ...claims, aud: 'https://vault.azure.net' } }),
    await tokens.sign({ claims: { ...claims, tid: demo.user.oid } }),
    await tokens.sign({ claims, sign: 'otherKey' }),
    await tokens.sign({ claims, sign: 'none' }),
  ]) {
    await assertRejected(ask(token), 401, 'Denied');
  }
  await ask(await tokens.sign({ claims: { ...claims, aud: 'https://communication.azure.com' } }));
});

const spoilt: [string, Signed][] = [
  ['signed six minutes ago', { date: new Date(cloud.now() - 6 * minute).toUTCString() }],
  ['signed for six minutes ahead', { date: new Date(cloud.now() + 6 * minute).toUTCString() }],
  ['without a readable date', { date: 'yesterday' }],
  ['with another body than was signed', { sentBody: '{"expiresInMinutes":60}' }],
  ['with another content hash than was signed', { sentHash: 'AAAA' }],
  ['with another path than was signed', { sentPath: `${create}&more=1` }],
];
for (const [what, how] of spoilt) {
  test(`a request ${what} is denied`, async () => {
    const response = await signed('POST', create, '{}', how);
    assert.deepEqual([response.status, codeOf(response)], [401, 'Denied']);
  });
}

test('a clock that is off by less than five minutes does no harm', async () => {
  const date = new Date(cloud.now() - 4 * minute).toUTCString();
  assert.equal((await signed('POST', create, '', { date })).status, 201);
});

test('an identity that was never made here is not owned, for issue, revoke and delete', async () => {
  const zero = '00000000-0000-0000-0000-000000000000';
  for (const communicationUserId of [
    `8:acs:${zero}_${zero}`,
    `8:acs:${demo.communicationResourceId}_${zero}`,
    'someone',
  ]) {
    const user = { communicationUserId };
    for (const ask of [client.getToken(user, ['chat']), client.revokeTokens(user), client.deleteUser(user)]) {
      await assertRejected(ask, 401, 'IdentityNotOwned');
    }
  }
});

const badTokens: [string, string[], number | undefined, string][] = [
  ['no scopes', [], undefined, 'scopes'],
  ['an unknown scope', ['chat', 'pstn'], undefined, 'scopes'],
  ['a lifetime of 59 minutes', ['chat'], 59, 'expiresInMinutes'],
  ['a lifetime of 1441 minutes', ['chat'], 1441, 'expiresInMinutes'],
  ['a lifetime of half minutes', ['chat'], 60.5, 'expiresInMinutes'],
];
for (const [what, scopes, expiresInMinutes, target] of badTokens) {
  test(`a token with ${what} is refused, at creation too, and nothing is made`, async () => {
    const { communicationUserId: id } = await client.createUser();
    const before = state().identities.length;
    const path = `/identities/${encodeURIComponent(id)}/:issueAccessToken?api-version=2023-10-01`;
    const issued = await signed('POST', path, JSON.stringify({ scopes, expiresInMinutes }));
    assert.deepEqual([issued.status, codeOf(issued)], [400, 'ValidationError']);
    assert.match(issued.bodyAsText ?? '', new RegExp(`"target":"${target}"`));
    const created = await signed(
      'POST',
      create,
      JSON.stringify({ createTokenWithScopes: scopes, expiresInMinutes }),
    );
    assert.deepEqual([created.status, codeOf(created)], [400, 'ValidationError']);
    assert.equal(identityState(id)?.liveTokens, 0);
    assert.equal(state().identities.length, before);
  });
}

test('the shortest and the longest lifetime are taken', async () => {
  for (const tokenExpiresInMinutes of [60, 1440]) {
    const { expiresOn } = await client.createUserAndToken(['chat'], { tokenExpiresInMinutes });
    assert.equal(expiresOn.getTime(), cloud.now() + tokenExpiresInMinutes * minute);
  }
});

const badRequests: [string, string, string, number, string | undefined][] = [
  ['without an api-version', '/identities', '', 400, 'ApiVersionUnspecified'],
  ['with another api-version', '/identities?api-version=2021-03-07', '', 400, 'UnsupportedApiVersion'],
  ['with a body that is no JSON', create, '{', 400, 'ValidationError'],
  ['with a body that is no object', create, '[]', 400, 'ValidationError'],
  ['for an unknown path', '/chat?api-version=2023-10-01', '', 404, undefined],
];
for (const [what, path, body, status, code] of badRequests) {
  test(`a request ${what} is refused`, async () => {
    const response = await signed('POST', path, body);
    assert.equal(response.status, status);
    if (code !== undefined) assert.equal(codeOf(response), code);
  });
}

test('the thousand and first creation within thirty seconds is too many, the next window is free', async () => {
  cloud.advance(30_000);
  for (let n = 0; n < 1000; n += 1) assert.equal((await signed('POST', create)).status, 201);
  const refused = await signed('POST', create);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), undefined);
  await client.createUserAndToken(['chat']);
  cloud.advance(30_000);
  assert.equal((await signed('POST', create)).status, 201);
});

test('a rule lowers the limit of one operation and may promise a time to come back', async () => {
  const user = await client.createUser();
  cloud.advance(30_000);
  const limit = { operation: 'issue', perWindow: 1, retryAfterSeconds: 7 };
  const rule = cloud.faults.add({ service: 'communication', effect: { limit } });
  await client.getToken(user, ['chat']);
  const error = await assertRejected(client.getToken(user, ['chat']), 429, 'TooManyRequests');
  assert.equal(error.response?.headers.get('retry-after'), '7');
  await client.revokeTokens(user);
  cloud.faults.remove(rule);
  await client.getToken(user, ['chat']);
});
