// The token refresher and the real credential classes against the running app, on good days and bad ones.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { AzureCommunicationTokenCredential as Credential24 } from 'communication-common-2.4';
import { AzureCommunicationTokenCredential as Credential25 } from 'communication-common-2.5';
import { createTokenRefresher, TokenRefreshError } from '../../client/tokenRefresher.ts';
import { apiOf } from '../support/api.ts';
import { startLocalRun } from '../support/localRun.ts';
import { claimsOf, signInNewUser } from '../support/users.ts';

const { run } = await startLocalRun();
const api = apiOf(run);
const url = `${run.host.url}/api/tokens`;
afterEach(() => api.clearFaults());

test('a user starts a call while ACS refuses twice, with credentials of 2.4 and 2.5', async (t) => {
  const { bearer } = await signInNewUser(api);
  const effect = { status: 429, headers: { 'Retry-After': '1' } };
  await api.fault({ service: 'communication', path: ':issueAccessToken$', times: 2, effect });
  const seen: number[] = [];
  const { fetch } = globalThis;
  t.mock.method(globalThis, 'fetch', async (input: string, init: RequestInit) => {
    const response = await fetch(input, init);
    seen.push(response.status);
    return response;
  });
  // Retry-After then is all of the wait.
  t.mock.method(Math, 'random', () => 0);

  const refresher = createTokenRefresher({ url, getAccessToken: async () => bearer, scopes: ['voip'] });
  const session = await refresher.session();
  assert.deepEqual(seen, [503, 503, 200]);
  assert.match(session.user.communicationUserId, /^8:acs:/);
  assert.deepEqual(session.scopes, ['voip']);

  const { exp } = claimsOf(session.token);
  assert.ok(Math.abs(session.expiresOnTimestamp - exp * 1000) < 2000);
  const old = await new Credential24({ tokenRefresher: refresher }).getToken();
  assert.equal(old.expiresOnTimestamp, claimsOf(old.token).exp * 1000);
  const recent = await new Credential25({ tokenRefresher: refresher.accessToken }).getToken();
  assert.equal((await refresher.session()).token, recent.token);
});

test('a user whose bearer has ended gets a token with the next one', async () => {
  const { bearer } = await signInNewUser(api);
  const past = Math.floor(Date.now() / 1000) - 3600;
  const ended = await api.sign({ claims: { exp: past, nbf: past - 60, iat: past - 60 } });
  const refresher = createTokenRefresher({
    url,
    getAccessToken: async ({ forceRefresh }) => (forceRefresh ? bearer : ended),
  });
  assert.ok(claimsOf(await refresher()).exp > past);
});

test('a user who is disabled is told so, with the id that the log knows', async () => {
  const { bearer, userId } = await signInNewUser(api);
  const refresher = createTokenRefresher({ url, getAccessToken: async () => bearer });
  await refresher();
  await api.operation('PUT', `users/${userId}/access`, { enabled: false });
  await assert.rejects(refresher(), (error) => {
    assert.ok(error instanceof TokenRefreshError);
    assert.deepEqual([error.code, error.status], ['disabled', 403]);
    assert.match(error.requestId ?? '', /^[0-9a-f-]{36}$/);
    return true;
  });
});
