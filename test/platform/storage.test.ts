// The clients of a storage account and the audit, against real storage.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createAudit, type Audit, type AuditEntry } from '../../src/platform/audit.ts';
import { createStorage, once, storageFailure, withCreate } from '../../src/platform/storage.ts';
import { startStorage, type Fate } from '../support/azurite.ts';
import { ManualClock } from '../support/clock.ts';

const real = await startStorage();
const storage = createStorage(real.settings, () => assert.fail('no credential is needed'));
const failed = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(() => assert.fail('it went well'), storageFailure);

test('tables, containers and queues are made at the first 404, and only then', async () => {
  const table = storage.table('things');
  const container = storage.container('things');
  const queue = storage.queue('things');
  const kinds: Readonly<Record<string, readonly [() => Promise<unknown>, () => Promise<unknown>]>> = {
    table: [() => table.createTable(), () => table.upsertEntity({ partitionKey: 'a', rowKey: 'b' })],
    container: [() => container.create(), () => container.getBlockBlobClient('a').upload('x', 1)],
    queue: [() => queue.create(), () => queue.sendMessage('x')],
  };
  for (const [kind, [create, operation]] of Object.entries(kinds)) {
    let made = 0;
    const counted = (): Promise<unknown> => {
      made += 1;
      return create();
    };
    await Promise.all([
      withCreate(counted, operation),
      withCreate(counted, operation),
      withCreate(counted, operation),
    ]);
    assert.ok(made >= 1 && made <= 3, kind);
    await withCreate(() => assert.fail('it is there'), operation);
  }
});

test('a missing blob or row is the business of who asked', async () => {
  const never = (): Promise<never> => assert.fail('nothing is to be made');
  const blob = storage.container('things').getBlobClient('none');
  assert.deepEqual(await failed(withCreate(never, () => blob.download())), {
    status: 404,
    code: 'BlobNotFound',
  });
  const row = (): Promise<unknown> => storage.table('things').getEntity('a', 'none');
  assert.deepEqual(await failed(withCreate(never, row)), { status: 404, code: 'ResourceNotFound' });
});

test('what else goes wrong while making comes through', async () => {
  const failure = new Error('no permission');
  const operation = (): Promise<unknown> => storage.container('never').getBlockBlobClient('a').upload('x', 1);
  await assert.rejects(
    withCreate(() => Promise.reject(failure), operation),
    failure,
  );
});

test("status and code of each client's refusals are read", async () => {
  const table = storage.table('absent');
  assert.deepEqual(await failed(table.upsertEntity({ partitionKey: 'a', rowKey: 'b' })), {
    ...{ status: 404, code: 'TableNotFound' },
  });
  assert.deepEqual(await failed(storage.queue('absent').sendMessage('x')), {
    status: 404,
    code: 'QueueNotFound',
  });
  const container = storage.container('absent');
  assert.deepEqual(await failed(container.getBlobClient('a').download()), {
    status: 404,
    code: 'ContainerNotFound',
  });
  await container.create();
  const upload = (): Promise<unknown> =>
    container.getBlockBlobClient('a').upload('x', 1, { conditions: { ifNoneMatch: '*' } });
  await upload();
  assert.deepEqual(await failed(upload()), { status: 409, code: 'BlobAlreadyExists' });
});

test('what is no storage error has neither status nor code', () => {
  for (const error of [undefined, null, 'x', { statusCode: 404, code: 'BlobNotFound' }, new Error('x')])
    assert.deepEqual(storageFailure(error), { status: undefined, code: undefined });
});

test('the code of a table’s refusal is read from its body too, and that of a batch from the error itself', () => {
  const read = (properties: object): unknown => storageFailure(Object.assign(new Error('x'), properties));
  const absent = { status: 404, code: 'TableNotFound' };
  assert.deepEqual(read({ statusCode: 404, details: { odataError: { code: 'TableNotFound' } } }), absent);
  assert.deepEqual(read({ statusCode: 404, code: 'TableNotFound' }), absent);
  assert.equal(storageFailure(Object.assign(new Error('x'), { statusCode: '404' })).status, undefined);
});

test('an identity is asked for only where there is no connection string, and only when a client is made', () => {
  let asked = 0;
  const credential = { getToken: () => Promise.resolve(null) };
  const uris = {
    blobUri: 'https://c.blob.example',
    queueUri: 'https://c.queue.example',
    tableUri: 'https://c.table.example',
  };
  const byIdentity = createStorage({ kind: 'identity', ...uris }, () => {
    asked += 1;
    return credential;
  });
  assert.equal(asked, 0);
  assert.equal(byIdentity.container('abc').url, 'https://c.blob.example/abc');
  assert.equal(byIdentity.container('def').url, 'https://c.blob.example/def');
  assert.equal(byIdentity.queue('abc').url, 'https://c.queue.example/abc');
  assert.equal(byIdentity.table('abc').url, 'https://c.table.example');
  assert.equal(asked, 3);
});

test('what is made once is made at the first call, and a failure is not remembered', () => {
  let made = 0;
  const get = once(() => {
    made += 1;
    if (made === 1) throw new Error('x');
    return undefined;
  });
  assert.throws(get);
  get();
  get();
  assert.equal(made, 2);
});

const entry: AuditEntry = {
  ...{ actor: 'app:client', action: 'identity.erase', subject: '0123456789abcdef' },
  ...{ reason: 'asked by the patient', requestId: 'request-1' },
};
let ids = 0;
const audit = async (name: string, fate?: () => Fate): Promise<Audit> => {
  const decide = fate && (({ method }: IncomingMessage) => (method === 'PUT' ? fate() : undefined));
  const uuid = (): string => `uuid-${String((ids += 1))}`;
  return createAudit(await real.container(name, decide), new ManualClock(), uuid);
};

async function records(name: string): Promise<readonly (readonly [path: string, record: unknown])[]> {
  const container = await real.container(name);
  const found: (readonly [string, unknown])[] = [];
  for await (const blob of container.listBlobsFlat()) {
    const text = await container.getBlobClient(blob.name).downloadToBuffer();
    found.push([blob.name, JSON.parse(text.toString())]);
  }
  return found.sort(([left], [right]) => (left < right ? -1 : 1));
}

async function outcomesOf(name: string): Promise<readonly string[]> {
  return (await records(name)).map(([, record]) => (record as { outcome: string }).outcome).sort();
}

test('an action is recorded before and after it, with the time of the server', async () => {
  ids = 0;
  assert.equal(await (await audit('audit-done')).record(entry, async () => 'result'), 'result');
  const time = '2026-03-01T12:00:00.000Z';
  assert.deepEqual(await records('audit-done'), [
    [`2026/03/01/${time}-uuid-1-identity.erase-asked.json`, { schema: 1, time, outcome: 'asked', ...entry }],
    [`2026/03/01/${time}-uuid-2-identity.erase-done.json`, { schema: 1, time, outcome: 'done', ...entry }],
  ]);
});

test('an action that others have to finish is recorded as pending', async () => {
  const result = (await audit('audit-pending')).record(
    entry,
    async () => 202,
    (status) => (status === 202 ? 'pending' : 'done'),
  );
  assert.equal(await result, 202);
  assert.deepEqual(await outcomesOf('audit-pending'), ['asked', 'pending']);
});

test('an action that fails is recorded as failed, and its error comes through', async () => {
  const failure = new Error('x');
  await assert.rejects(
    (await audit('audit-failed')).record(entry, () => Promise.reject(failure)),
    failure,
  );
  assert.deepEqual(await outcomesOf('audit-failed'), ['asked', 'failed']);
});

test('nothing happens when the first record cannot be written', async () => {
  const action = (): Promise<never> => assert.fail('it must not happen');
  await assert.rejects((await audit('audit-down', () => 503)).record(entry, action), {
    code: 'upstream_failed',
  });
});

test('the call fails when its outcome cannot be recorded, though the action happened', async () => {
  let happened = false;
  await (await real.container('audit-late')).create();
  let writes = 0;
  const late = await audit('audit-late', () => ((writes += 1) === 1 ? undefined : 503));
  const action = async (): Promise<void> => {
    happened = true;
  };
  await assert.rejects(late.record(entry, action), { code: 'upstream_failed' });
  assert.ok(happened);
});

test('an action that fails is told as it is when that cannot be recorded', async () => {
  await (await real.container('audit-both')).create();
  let writes = 0;
  const late = await audit('audit-both', () => ((writes += 1) === 1 ? undefined : 503));
  const failure = new Error('x');
  await assert.rejects(
    late.record(entry, () => Promise.reject(failure)),
    failure,
  );
  assert.ok(writes > 1);
});

test('a record whose reply is lost counts as written, and is there once', async () => {
  await (await real.container('audit-lost')).create();
  let writes = 0;
  const lossy = await audit('audit-lost', () => ((writes += 1) % 2 === 1 ? 'lost' : undefined));
  assert.equal(await lossy.record(entry, async () => 1), 1);
  assert.equal(writes, 4);
  assert.equal((await records('audit-lost')).length, 2);
});

test('a role that may only add is told in other words that its own record is there already', async () => {
  for (const [status, code] of [
    [403, 'UnauthorizedBlobOverwrite'],
    [409, 'BlobImmutableDueToPolicy'],
  ] as const) {
    const name = `audit-added-${status}`;
    await (await real.container(name)).create();
    let writes = 0;
    const lossy = await audit(name, () => ((writes += 1) % 2 === 1 ? 'lost' : { status, code }));
    assert.equal(await lossy.record(entry, async () => 1), 1);
    assert.equal((await records(name)).length, 2);
  }
  const barred = await audit('audit-barred', () => ({
    status: 403,
    code: 'AuthorizationPermissionMismatch',
  }));
  await assert.rejects(
    barred.record(entry, () => assert.fail('it must not happen')),
    { code: 'upstream_failed' },
  );
});
