// The stand-in for ACS identity on a bad day: limits of each operation, connections dropped around each effect, whole error bodies.
import { CommunicationIdentityClient } from '@azure/communication-identity';
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import { assertRejected } from '../../../support/restErrors.ts';
import {
  accessKey,
  bearerClient,
  cloud,
  endpoint,
  identityState,
  keyClient,
  signed,
  state,
} from './clients.ts';

const version = 'api-version=2023-10-01';
const zero = '00000000-0000-0000-0000-000000000000';

beforeEach(() => {
  cloud.faults.clear();
});

const clients = [
  ['an access key', keyClient()],
  ['a bearer token', bearerClient()],
] as const;

/** What can be done to an identity that has one token, and whether it was done. */
const operations: readonly {
  readonly name: 'issue' | 'revoke' | 'delete';
  readonly path: string;
  readonly perWindow: number;
  readonly act: (client: CommunicationIdentityClient, id: string) => Promise<unknown>;
  readonly done: (id: string) => boolean;
}[] = [
  {
    ...{ name: 'issue', path: ':issueAccessToken$', perWindow: 1000 },
    act: (client, id) => client.getToken({ communicationUserId: id }, ['chat']),
    done: (id) => identityState(id)?.liveTokens === 2,
  },
  {
    ...{ name: 'revoke', path: ':revokeAccessTokens$', perWindow: 500 },
    act: (client, id) => client.revokeTokens({ communicationUserId: id }),
    done: (id) => identityState(id)?.liveTokens === 0,
  },
  {
    ...{ name: 'delete', path: '/identities/[^/]+$', perWindow: 500 },
    act: (client, id) => client.deleteUser({ communicationUserId: id }),
    done: (id) => identityState(id)?.deletedAt !== undefined,
  },
];

async function newIdentity(): Promise<string> {
  const { user } = await keyClient().createUserAndToken(['chat']);
  return user.communicationUserId;
}

for (const [what, client] of clients) {
  describe(`with ${what}`, () => {
    for (const { name, path, act, done } of operations) {
      test(`a connection that drops before ${name} leaves everything as it was, after it the effect is there`, async () => {
        const id = await newIdentity();
        for (const drop of ['before', 'after'] as const) {
          cloud.faults.add({ service: 'communication', path, times: 1, effect: { drop } });
          await assert.rejects(act(client, id), { name: 'RestError', code: 'ECONNRESET' });
          assert.equal(done(id), drop === 'after', drop);
        }
      });

      test(`${name} for an identity of another resource is 401 IdentityNotOwned`, async () => {
        const error = await assertRejected(act(client, `8:acs:${zero}_${zero}`), 401, 'IdentityNotOwned');
        assert.equal(error.message, "Provided identity doesn't belong to the resource.");
      });
    }

    test('a status that is scripted for one operation comes with its body, and nothing is done', async () => {
      const id = await newIdentity();
      const body = { error: { code: 'ServiceUnavailable', message: 'Come back later.' } };
      const effect = { status: 503, headers: { 'retry-after': '3' }, body };
      cloud.faults.add({ service: 'communication', path: ':revokeAccessTokens$', effect });
      const error = await assertRejected(
        client.revokeTokens({ communicationUserId: id }),
        503,
        'ServiceUnavailable',
      );
      assert.equal(error.response?.headers.get('retry-after'), '3');
      assert.equal(identityState(id)?.liveTokens, 1);
      await client.getToken({ communicationUserId: id }, ['chat']);
    });
  });
}

test('the bodies of the recorded refusals are whole', async () => {
  const foreign = `8%3Aacs%3A${zero}_${zero}`;
  const notOwned = await signed('DELETE', `/identities/${foreign}?${version}`);
  assert.deepEqual(JSON.parse(notOwned.bodyAsText ?? ''), {
    error: { code: 'IdentityNotOwned', message: "Provided identity doesn't belong to the resource." },
  });
  const denied = await signed('POST', `/identities?${version}`, '', { sentHash: 'AAAA' });
  assert.deepEqual(JSON.parse(denied.bodyAsText ?? ''), {
    error: { code: 'Denied', message: 'Denied by the resource provider.' },
  });
  for (const { status, headers } of [notOwned, denied]) {
    assert.deepEqual([status, headers.get('content-type')], [401, 'application/json']);
    assert.match(headers.get('ms-cv') ?? '', /^[\w+/=]{22,}\.0$/);
  }
  assert.equal(notOwned.headers.get('api-supported-versions'), '2023-10-01');
});

for (const { name, perWindow, act } of operations) {
  test(`${name} is taken ${perWindow} times in thirty seconds, refused ones included, and others are not its business`, async () => {
    const client = keyClient();
    cloud.advance(30_000);
    const id = await newIdentity();
    const gone = `8:acs:${demo.communicationResourceId}_${zero}`;
    for (let n = 0; n < perWindow; n += 1) {
      await act(client, gone).catch((error: unknown) => {
        assert.equal(Reflect.get(Object(error), 'code'), 'IdentityNotOwned');
      });
    }
    const error = await assertRejected(act(client, id), 429, 'TooManyRequests');
    assert.equal(error.response?.headers.get('retry-after'), undefined);
    for (const other of operations) if (other.name !== name) await other.act(client, await newIdentity());
    cloud.advance(30_000);
    await act(client, id);
  });
}

test('the SDK of itself creates a second identity after a lost reply: the first is one that nobody can name', async () => {
  const retrying = new CommunicationIdentityClient(`endpoint=${endpoint}/;accesskey=${accessKey}`, {
    retryOptions: { maxRetries: 1, retryDelayInMs: 1 },
  });
  const before = state().identities.length;
  cloud.faults.add({
    service: 'communication',
    path: '^/identities$',
    times: 1,
    effect: { drop: 'after' },
  });
  await retrying.createUser();
  assert.equal(state().identities.length - before, 2);
});
