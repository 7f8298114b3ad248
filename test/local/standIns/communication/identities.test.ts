// The stand-in for ACS identity through the real CommunicationIdentityClient: identities and their tokens.
import { decodeJwt } from 'jose';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import { assertRejected } from '../../../support/restErrors.ts';
import { bearerClient, cloud, identityState, keyClient, signed, state } from './clients.ts';

const minute = 60_000;
const clients = [
  ['an access key', keyClient()],
  ['a bearer token', bearerClient()],
] as const;

for (const [what, client] of clients) {
  test(`with ${what}, an identity lives through create, issue, revoke and delete`, async () => {
    const user = await client.createUser();
    const id = user.communicationUserId;
    assert.match(id, new RegExp(`^8:acs:${demo.communicationResourceId}_[0-9a-f-]{36}$`));
    assert.equal(identityState(id)?.liveTokens, 0);

    const { token, expiresOn } = await client.getToken(user, ['chat', 'voip'], { tokenExpiresInMinutes: 60 });
    assert.equal(expiresOn.getTime(), cloud.now() + 60 * minute);
    const claims = decodeJwt(token);
    assert.equal(claims.exp, Math.floor(expiresOn.getTime() / 1000));
    assert.deepEqual([claims['skypeid'], claims['acsScope']], [id.slice(2), 'chat,voip']);
    assert.deepEqual(identityState(id)?.tokens, [
      { scopes: ['chat', 'voip'], expiresOn: expiresOn.toISOString() },
    ]);

    await client.revokeTokens(user);
    assert.equal(identityState(id)?.liveTokens, 0);
    assert.equal(identityState(id)?.revokedAt, new Date(cloud.now()).toISOString());
    await client.getToken(user, ['chat']);
    assert.equal(identityState(id)?.liveTokens, 1);

    await client.deleteUser(user);
    assert.ok(identityState(id)?.deletedAt);
    assert.equal(identityState(id)?.liveTokens, 0);
    const error = await assertRejected(client.getToken(user, ['chat']), 404, 'IdentityNotFound');
    assert.equal(error.message, "Provided identity doesn't exist.");
    await assertRejected(client.revokeTokens(user), 404, 'IdentityNotFound');
    await assertRejected(client.deleteUser(user), 404, 'IdentityNotFound');
  });
}

const client = keyClient();

test('an identity can be created together with its first token, which lives for a day unless told otherwise', async () => {
  const { user, token, expiresOn } = await client.createUserAndToken(['voip.join']);
  assert.equal(expiresOn.getTime(), cloud.now() + 24 * 60 * minute);
  assert.equal(decodeJwt(token)['acsScope'], 'voip.join');
  assert.equal(identityState(user.communicationUserId)?.liveTokens, 1);
});

test('two creations make two identities, and two tokens of one identity differ and both live', async () => {
  const [one, other] = [await client.createUser(), await client.createUser()];
  assert.notEqual(one.communicationUserId, other.communicationUserId);
  const [first, second] = [await client.getToken(one, ['chat']), await client.getToken(one, ['chat'])];
  assert.notEqual(first.token, second.token);
  assert.equal(identityState(one.communicationUserId)?.liveTokens, 2);
  assert.equal(identityState(other.communicationUserId)?.liveTokens, 0);
});

test('a token stops counting as live when it expires', async () => {
  const { user } = await client.createUserAndToken(['chat'], { tokenExpiresInMinutes: 60 });
  cloud.advance(60 * minute - 1);
  assert.equal(identityState(user.communicationUserId)?.liveTokens, 1);
  cloud.advance(1);
  assert.equal(identityState(user.communicationUserId)?.liveTokens, 0);
  cloud.advance(-60 * minute);
});

test('state shows no token', async () => {
  const { token } = await client.createUserAndToken(['chat']);
  assert.ok(!JSON.stringify(state()).includes(token.split('.')[2] ?? token));
});

test('a token of ACS is no token of the tenant’s services', async () => {
  const { token } = await client.createUserAndToken(['chat']);
  const judged = await cloud.tokens.judge(`Bearer ${token}`, 'https://communication.azure.com/');
  assert.equal(judged.ok, false);
});

test('the expiry is written with seven digits and an offset, as the service writes it', async () => {
  const body = JSON.stringify({ createTokenWithScopes: ['chat'], expiresInMinutes: 60 });
  const response = await signed('POST', '/identities?api-version=2023-10-01', body);
  assert.equal(response.status, 201);
  assert.match(response.bodyAsText ?? '', /"expiresOn":"[^"]+\.\d{7}\+00:00"/);
});

test('a creation whose answer was lost leaves an identity that nobody knows', async () => {
  const count = (): number => state().identities.length;
  const before = count();
  cloud.faults.add({ service: 'communication', times: 1, effect: { drop: 'before' } });
  await assert.rejects(client.createUser());
  assert.equal(count(), before);
  cloud.faults.add({ service: 'communication', times: 1, effect: { drop: 'after' } });
  await assert.rejects(client.createUser());
  assert.equal(count(), before + 1);
});
