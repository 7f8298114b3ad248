// The clients of a storage account, against real storage.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { once } from '../../src/platform/once.ts';
import { createStorage, storageFailure, withCreate } from '../../src/platform/storage.ts';
import { startStorage } from '../support/azurite.ts';

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

test('somebody else may have made it at the same moment', async () => {
  for (const [absent, there] of [
    ['ContainerNotFound', 'ContainerAlreadyExists'],
    ['TableNotFound', 'TableAlreadyExists'],
    ['QueueNotFound', 'QueueAlreadyExists'],
  ] as const) {
    const says = (code: string): Promise<never> => Promise.reject(Object.assign(new Error('x'), { code }));
    let asked = 0;
    const operation = (): Promise<unknown> => ((asked += 1) === 1 ? says(absent) : Promise.resolve('done'));
    assert.equal(await withCreate(() => says(there), operation), 'done');
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
