// Provokes every answer that openapi.yaml documents: over HTTP what a host, stand-ins and faults can bring about, the rest
// at the handlers with the token service of the unit tests behind them. At the end nothing documented may be left unseen.
import { BlobServiceClient } from '@azure/storage-blob';
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import * as z from 'zod/mini';
import { demo } from '../../local/demo.ts';
import { rotationContainer, stateContainer } from '../../src/platform/platform.ts';
import { leasePath } from '../../src/rotation/stateDocument.ts';
import { apiOf, assertProblem, type Reply } from '../support/api.ts';
import { provokeAtHandlers } from '../support/openapi/provoked.ts';
import { startOwnStack } from '../support/hosts.ts';
import { documented, seen } from '../support/openapi/answers.ts';
import { operationOf, operations, type Operation } from '../support/openapi/document.ts';
import { storeImages } from '../support/images.ts';
import { signInNewUser } from '../support/users.ts';

const roles = { AUTH_BACKEND_ROLE: 'Backend', AUTH_OPERATOR_ROLE: 'Operator' };
const { startHost } = await startOwnStack(roles);
const { run } = await startHost();
const api = apiOf(run);
const trusted = await api.sign({ claims: { scp: null, azp: 'backend', roles: Object.values(roles) } });
const { bearer: user } = await signInNewUser(api);
const patient = `patient-${crypto.randomUUID()}`;
const noReplay = '20260101T000000000-00000000';

interface Asked {
  readonly bearer?: string;
  readonly userId?: string;
  readonly replay?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** A good call of the operation, but for what is asked otherwise. */
function ask(id: string, { userId = patient, replay = noReplay, ...asked }: Asked = {}): Promise<Reply> {
  const operation = operationOf(id);
  const expected = operation.body?.required ? operation.body.example : undefined;
  const { body = expected } = asked;
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  return api.plain(
    operation.method,
    operation.path.slice(1).replace('{userId}', userId).replace('{id}', replay),
    {
      headers: headersOf(operation, body, asked),
      ...sent,
    },
  );
}

function headersOf(
  { key, bearer }: Operation,
  body: unknown,
  { headers, bearer: given = bearer === 'userToken' ? user : trusted }: Asked,
): Record<string, string> {
  return {
    ...(key ? { 'x-functions-key': run.keys.function } : {}),
    ...(bearer === undefined || given === '' ? {} : { authorization: `Bearer ${given}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  };
}

async function expect(status: number, id: string, asked?: Asked): Promise<Reply> {
  const reply = await ask(id, asked);
  assert.equal(reply.status, status, `${id}: ${reply.text}`);
  return reply;
}

async function refuse(status: number, code: string, id: string, asked?: Asked): Promise<void> {
  assertProblem(await ask(id, asked), status, code);
}

const cursors = z.looseObject({ services: z.array(z.looseObject({ cursor: z.nullable(z.number()) })) });
async function cursor(): Promise<number | null | undefined> {
  return (await ask('getChangeFeed')).json(cursors).services[0]?.cursor;
}

describe('a good call', () => {
  test('of a signed-in user', async () => {
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const { oid } = z
      .looseObject({ oid: z.string() })
      .parse(JSON.parse(Buffer.from(user.split('.')[1] ?? '', 'base64url').toString()));
    const teams = {
      ...{
        aud: 'https://auth.msft.communication.azure.com',
        appid: demo.teamsClientId,
        azp: demo.teamsClientId,
      },
      ...{ scp: 'Teams.ManageCalls Teams.ManageChats', oid, sub: oid, exp },
    };
    await expect(200, 'exchangeTeamsToken', { body: { teamsToken: await api.sign({ claims: teams }) } });
    await expect(200, 'issueToken', { body: { scopes: ['chat'], expiresInMinutes: 60 } });
    await expect(200, 'issueToken');
    await expect(200, 'getIdentity');
    await expect(204, 'revokeTokens');
    await expect(204, 'eraseIdentity');
    await refuse(404, 'not_found', 'getIdentity');
  });

  test('of a trusted backend', async () => {
    await expect(200, 'issueUserToken');
    await expect(200, 'getUser');
    await expect(200, 'setUserAccess');
    await refuse(403, 'disabled', 'issueUserToken');
    await expect(204, 'revokeUserTokens');
    await expect(200, 'setUserAccess', { body: { enabled: true } });
    await expect(204, 'eraseUser');
    await refuse(404, 'not_found', 'getUser');
  });

  test('of an operator', async () => {
    for (const id of ['health', 'healthDetails']) await expect(200, id);
    // A real rotation waits for Entra's replicas.
    await expect(200, 'runRotation', { body: { dryRun: true } });
    await storeImages(run, ['an image']);
    await expect(200, 'runChangeFeed');
    const wanted = { service: demo.dicomUrl, from: 1, reason: 'a drill' };
    const { id: replay } = (await expect(202, 'startReplay', { body: wanted })).json(
      z.object({ id: z.string() }),
    );
    await refuse(409, 'conflict', 'startReplay', { body: wanted });
    for (const id of ['getReplay', 'cancelReplay']) await expect(200, id, { replay });
    const done = (await expect(202, 'startReplay', { body: wanted })).json(z.object({ id: z.string() }));
    await expect(200, 'runChangeFeed');
    await refuse(409, 'conflict', 'cancelReplay', { replay: done.id });
    for (const id of ['getRotations', 'getChangeFeed']) await expect(200, id);
    const body = { service: demo.dicomUrl, sequence: 0, expect: await cursor(), reason: 'a drill' };
    await expect(200, 'setCursor', { body });
    await expect(200, 'redriveDeadLetters', { body: { reason: 'a drill' } });
  });
});

describe('a refused call', () => {
  const each = async (
    of: (one: Operation) => boolean,
    work: (id: string) => Promise<void>,
  ): Promise<void> => {
    const some = operations.filter(of);
    assert.ok(some.length > 3);
    for (const { id } of some) await work(id);
  };
  const secured = ({ bearer }: Operation): boolean => bearer !== undefined;
  const named = ({ path }: Operation): boolean => path.includes('{userId}');
  const withBody = ({ body }: Operation): boolean => body !== undefined;

  test('without a bearer, or with one that lacks what is needed', async () => {
    const poor = await api.sign({ claims: { scp: 'other', roles: ['Other'] } });
    await each(secured, (id) => refuse(401, 'unauthenticated', id, { bearer: '' }));
    await each(secured, (id) => refuse(403, 'forbidden', id, { bearer: poor }));
  });

  test('without the function key', async () => {
    await each(
      ({ key }) => key,
      async (id) => {
        const reply = await ask(id, { headers: { 'x-functions-key': 'other' } });
        assert.deepEqual([reply.status, reply.text], [401, '']);
      },
    );
  });

  test('with another body or user id than is described', async () => {
    await each(withBody, (id) => refuse(400, 'invalid_request', id, { body: { other: 1 } }));
    await each(withBody, (id) =>
      refuse(415, 'unsupported_media_type', id, { headers: { 'content-type': 'text/plain' }, body: '{}' }),
    );
    await each(named, (id) => refuse(400, 'invalid_request', id, { userId: 'a%2Fb' }));
    for (const id of ['getReplay', 'cancelReplay'])
      await refuse(400, 'invalid_request', id, { replay: 'latest' });
  });

  test('that names what is not configured', async () => {
    await refuse(404, 'not_found', 'runRotation', { body: { target: 'no-such-secret' } });
    await refuse(404, 'not_found', 'setCursor');
    await refuse(404, 'not_found', 'redriveDeadLetters');
    for (const id of ['startReplay', 'getReplay', 'cancelReplay']) await refuse(404, 'not_found', id);
  });
});

describe('on a bad day', () => {
  const bearer = signInNewUser(api);
  after(() => api.clearFaults());

  test('ACS fails, throttles, and leaves an erasure unconfirmed', async () => {
    const asked = { bearer: (await bearer).bearer };
    await expect(200, 'issueToken', asked);
    const fault = async (effect: object, method = 'POST'): Promise<void> => {
      await api.clearFaults();
      await api.fault({ service: 'communication', method, effect });
    };
    await fault({ status: 403, body: { error: { code: 'Denied', message: 'no' } } });
    for (const id of ['issueToken', 'revokeTokens']) await refuse(502, 'upstream_failed', id, asked);
    await fault({ status: 429, headers: { 'Retry-After': '0' } });
    for (const id of ['issueToken', 'revokeTokens']) await refuse(503, 'upstream_throttled', id, asked);
    await fault({ status: 403, body: { error: { code: 'Denied', message: 'no' } } }, 'DELETE');
    await expect(202, 'eraseIdentity', asked);
    await refuse(409, 'conflict', 'issueToken', asked);
  });

  test('the DICOM service refuses, throttles, and its cursor is not where it is expected', async () => {
    const body = { service: demo.dicomUrl, sequence: 0, expect: await cursor(), reason: 'a drill' };
    await api.fault({ service: 'dicom', effect: { status: 403 } });
    const since = { service: demo.dicomUrl, since: '2026-01-01T00:00:00Z', reason: 'a drill' };
    await refuse(502, 'upstream_failed', 'setCursor', { body });
    await refuse(502, 'upstream_failed', 'startReplay', { body: since });
    await api.clearFaults();
    await api.fault({ service: 'dicom', effect: { status: 429, headers: { 'Retry-After': '90' } } });
    await refuse(503, 'upstream_throttled', 'setCursor', { body });
    await refuse(503, 'upstream_throttled', 'startReplay', { body: since });
    await api.clearFaults();
    const other = { ...body, expect: 999_999 };
    await refuse(409, 'conflict', 'setCursor', { body: other });
  });

  test('somebody else holds the leases', async () => {
    const body = { service: demo.dicomUrl, sequence: 0, expect: await cursor(), reason: 'a drill' };
    const blobs = BlobServiceClient.fromConnectionString(run.azure.storage);
    const held = [
      {
        container: rotationContainer,
        path: leasePath(demo.serviceClient.appId),
        calls: { runRotation: {} },
      },
      {
        container: stateContainer,
        path: `change-feed/${new URL(demo.dicomUrl).host}/cursor.json`,
        calls: { runChangeFeed: {}, setCursor: { body } },
      },
    ];
    for (const { container, path, calls } of held) {
      const lease = blobs.getContainerClient(container).getBlobClient(path).getBlobLeaseClient();
      await lease.acquireLease(60);
      for (const [id, asked] of Object.entries(calls)) await refuse(409, 'busy', id, asked);
      await lease.releaseLease();
    }
  });
});

provokeAtHandlers();

test('nothing that is documented was left unseen', () => {
  assert.ok(documented.length > 150);
  assert.deepEqual(
    documented.filter((answer) => !seen.has(answer)),
    [],
  );
});
