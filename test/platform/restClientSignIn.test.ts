// Signed requests: when the credential is asked, and what never leaves with a token.
import type { TokenCredential } from '@azure/core-auth';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRestClient, type RestRequest } from '../../src/platform/restClient.ts';
import { FakeTransport, type Scripted } from './transport.ts';

const get: RestRequest = { method: 'GET', url: 'https://graph.microsoft.com/v1.0/things' };
const always = (answer: Scripted): FakeTransport => new FakeTransport(async () => answer);

function counting(): TokenCredential & { asked: number } {
  const credential = {
    asked: 0,
    async getToken(scopes: string | string[]) {
      credential.asked += 1;
      assert.deepEqual(scopes, ['https://graph.microsoft.com/.default']);
      return { token: `token-${String(credential.asked)}`, expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  return credential;
}
const scope = 'https://graph.microsoft.com/.default';

test('requests are signed with one token until it is forgotten', async () => {
  const credential = counting();
  const httpClient = always({ status: 200 });
  const client = createRestClient({ auth: { credential, scope }, maxRetries: 0, httpClient });
  await client.send(get);
  await client.send(get);
  client.forgetToken();
  await client.send(get);
  await client.send(get);
  assert.deepEqual(
    httpClient.requests.map(({ headers }) => headers.get('authorization')),
    ['Bearer token-1', 'Bearer token-1', 'Bearer token-2', 'Bearer token-2'],
  );
});

test('without a credential requests go out unsigned, and forgetting changes nothing', async () => {
  const httpClient = always({ status: 200 });
  const client = createRestClient({ maxRetries: 0, httpClient });
  client.forgetToken();
  await client.send({ ...get, headers: { 'x-own': '1' } });
  const sent = httpClient.requests.map(({ headers }) =>
    ['authorization', 'x-own', 'accept'].map((name) => headers.get(name)),
  );
  assert.deepEqual(sent, [[undefined, '1', 'application/json']]);
});

test('a token never goes over plain http', async () => {
  const httpClient = always({ status: 200 });
  const client = createRestClient({ auth: { credential: counting(), scope }, maxRetries: 0, httpClient });
  await assert.rejects(client.send({ ...get, url: 'http://graph.microsoft.com/' }), {
    code: 'upstream_failed',
  });
  assert.equal(httpClient.requests.length, 0);
});

test('a sign-in that fails is a failing upstream with its cause', async () => {
  const failure = new Error('not signed in');
  const credential = {
    getToken: async (): Promise<never> => {
      throw failure;
    },
  };
  const client = createRestClient({
    auth: { credential, scope },
    maxRetries: 3,
    httpClient: always({ status: 200 }),
  });
  await assert.rejects(client.send(get), { code: 'upstream_failed', cause: failure });
});
