// The stand-in for ACS identity: a Teams user's Entra token becomes an ACS token only for that user and application.
import { decodeJwt } from 'jose';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import type { TokenRequest } from '../../../../local/standIns/tokens.ts';
import { assertRejected } from '../../../support/restErrors.ts';
import { cloud, codeOf, keyClient, signed, state } from './clients.ts';

const client = keyClient();
const userObjectId = demo.user.oid;
const clientId = demo.api.clientId;

function entraToken(
  claims: TokenRequest['claims'] = {},
  sign: TokenRequest['sign'] = 'valid',
): Promise<string> {
  const own = {
    aud: 'https://auth.msft.communication.azure.com',
    tid: demo.tenantId,
    oid: userObjectId,
    appid: clientId,
    scp: 'Teams.ManageCalls Teams.ManageChats',
  };
  return cloud.tokens.sign({ claims: { ...own, ...claims }, sign });
}

test('the token of the Teams user is exchanged, and the new one lives exactly as long', async () => {
  const exp = Math.floor(cloud.now() / 1000) + 4_321;
  const teamsUserAadToken = await entraToken({ exp });
  const { token, expiresOn } = await client.getTokenForTeamsUser({
    teamsUserAadToken,
    clientId,
    userObjectId,
  });
  assert.equal(expiresOn.getTime(), exp * 1000);
  assert.deepEqual([decodeJwt(token).exp, decodeJwt(token)['skypeid']], [exp, `orgid:${userObjectId}`]);
  assert.deepEqual(state().teamsTokens, [{ userId: userObjectId, expiresOn: expiresOn.toISOString() }]);
});

test('a v2 token, which names its application in azp, is exchanged too', async () => {
  const claims = { aud: '1fd5118e-2576-4263-8130-9503064c837a', appid: undefined, azp: clientId };
  const teamsUserAadToken = await entraToken(claims);
  await client.getTokenForTeamsUser({ teamsUserAadToken, clientId, userObjectId });
});

const refused: [string, () => Promise<string>][] = [
  ['of another user', () => entraToken({ oid: demo.gateway.principalId })],
  ['made for another application', () => entraToken({ appid: demo.gateway.clientId })],
  ['for another audience', () => entraToken({ aud: demo.api.audience })],
  ['without a Teams scope', () => entraToken({ scp: 'access_as_user' })],
  ['without any scope, as an application has', () => entraToken({ scp: undefined })],
  ['that has expired', () => entraToken({ exp: Math.floor(cloud.now() / 1000) - 1 })],
  ['with a foreign signature', () => entraToken({}, 'otherKey')],
  ['without a signature', () => entraToken({}, 'none')],
  ['that is no token', async () => 'abc'],
];
for (const [what, make] of refused) {
  test(`a token ${what} is refused`, async () => {
    const before = state().teamsTokens;
    const teamsUserAadToken = await make();
    const error = await assertRejected(
      client.getTokenForTeamsUser({ teamsUserAadToken, clientId, userObjectId }),
      401,
      'InvalidAccessToken',
    );
    assert.equal(error.message, 'Provided access token is not valid.');
    assert.deepEqual(state().teamsTokens, before);
  });
}

for (const missing of ['token', 'appId', 'userId']) {
  test(`an exchange without ${missing} names the field`, async () => {
    const body = { token: await entraToken(), appId: clientId, userId: userObjectId, [missing]: undefined };
    const path = '/teamsUser/:exchangeAccessToken?api-version=2023-10-01';
    const response = await signed('POST', path, JSON.stringify(body));
    assert.deepEqual([response.status, codeOf(response)], [400, 'ValidationError']);
    assert.match(response.bodyAsText ?? '', new RegExp(`"target":"${missing}"`));
  });
}
