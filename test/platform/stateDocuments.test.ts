// State documents in real storage: conditions, lost replies, and what may not be read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { StateDocuments, UnreadableDocument } from '../../src/platform/stateDocuments.ts';
import { startStorage, type Decide, type Fate } from '../support/azurite.ts';

const storage = await startStorage();
const shape = z.object({ schema: z.literal(1), count: z.int() });
const document = (count: number): { schema: 1; count: number } => ({ schema: 1, count });
const open = async (name: string, decide?: Decide): Promise<StateDocuments> =>
  new StateDocuments(await storage.container(name, decide));
/** Decides over the uploads of a document, one by one; what is not decided goes through. */
const uploads =
  (...fates: Fate[]): Decide =>
  ({ method, url }) =>
    method === 'PUT' && url?.includes('.json') ? fates.shift() : undefined;

test('there is no document before there is a container, and none before it is written', async () => {
  const documents = await open('absent');
  assert.equal(await documents.read('a.json', 1, shape), undefined);
  await documents.write('b.json', document(1), { kind: 'absent' });
  assert.equal(await documents.read('a.json', 1, shape), undefined);
});

test('what was written is read back, with the tag that the write answered', async () => {
  const documents = await open('roundtrip');
  const etag = await documents.write('a/b.json', document(7), { kind: 'absent' });
  assert.deepEqual(await documents.read('a/b.json', 1, shape), { value: document(7), etag });
});

test('of two who make or change the same document one wins, and the other learns of it', async () => {
  const documents = await open('conditions');
  const first = await documents.write('a.json', document(1), { kind: 'absent' });
  await assert.rejects(documents.write('a.json', document(2), { kind: 'absent' }), { code: 'conflict' });
  const second = await documents.write('a.json', document(3), { kind: 'etag', etag: first });
  assert.notEqual(second, first);
  await assert.rejects(documents.write('a.json', document(4), { kind: 'etag', etag: first }), {
    code: 'conflict',
  });
  assert.deepEqual((await documents.read('a.json', 1, shape))?.value, document(3));
  await documents.write('a.json', document(5), { kind: 'any' });
  assert.deepEqual((await documents.read('a.json', 1, shape))?.value, document(5));
});

test('of many writers at once exactly one holds', async () => {
  const documents = await open('race');
  const etag = await documents.write('a.json', document(0), { kind: 'absent' });
  const writes = Array.from({ length: 8 }, (_, index) =>
    documents.write('a.json', document(index), { kind: 'etag', etag }),
  );
  const results = await Promise.allSettled(writes);
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a change of a document that is gone is a conflict, not a new document', async () => {
  const documents = await open('gone');
  const etag = await documents.write('a.json', document(1), { kind: 'absent' });
  await (await storage.container('gone')).getBlobClient('a.json').delete();
  await assert.rejects(documents.write('a.json', document(2), { kind: 'etag', etag }), { code: 'conflict' });
  assert.equal(await documents.read('a.json', 1, shape), undefined);
});

test('a write whose reply is lost is judged as what it was: a success', async () => {
  const documents = await open('lost', uploads('lost', undefined, 'lost', undefined, 'lost'));
  await (await storage.container('lost')).create();
  const first = await documents.write('a.json', document(1), { kind: 'absent' });
  const second = await documents.write('a.json', document(2), { kind: 'etag', etag: first });
  assert.deepEqual(await documents.read('a.json', 1, shape), { value: document(2), etag: second });
  const made = await documents.write('b.json', document(3), { kind: 'absent' });
  assert.deepEqual(await documents.read('b.json', 1, shape), { value: document(3), etag: made });
});

test('a lost reply is no success when somebody else wrote meanwhile', async () => {
  const other = await open('overtaken');
  const etag = await other.write('a.json', document(1), { kind: 'absent' });
  const documents = await open('overtaken', uploads(503));
  await other.write('a.json', document(2), { kind: 'etag', etag });
  await assert.rejects(documents.write('a.json', document(3), { kind: 'etag', etag }), { code: 'conflict' });
  assert.deepEqual((await other.read('a.json', 1, shape))?.value, document(2));
});

test('a storage that fails is no conflict: its error comes as it is', async () => {
  const documents = await open('failing', (request) => (request.method === 'PUT' ? 503 : undefined));
  await assert.rejects(documents.write('a.json', document(1), { kind: 'absent' }), { statusCode: 503 });
  const unreadable = await open('failing', () => 503);
  await assert.rejects(unreadable.read('a.json', 1, shape), { statusCode: 503 });
});

test('under a lease only its holder writes', async () => {
  const documents = await open('leased');
  const etag = await documents.write('a.json', document(1), { kind: 'absent' });
  const lease = (await storage.container('leased')).getBlobClient('a.json').getBlobLeaseClient();
  await lease.acquireLease(60);
  await assert.rejects(documents.write('a.json', document(2), { kind: 'any' }), { code: 'conflict' });
  await assert.rejects(documents.write('a.json', document(2), { kind: 'etag', etag }), { code: 'conflict' });
  const next = await documents.write('a.json', document(3), { kind: 'etag', etag, leaseId: lease.leaseId });
  await documents.write('a.json', document(4), { kind: 'any', leaseId: lease.leaseId });
  assert.notEqual(next, etag);
});

test('a document of a newer release, or of no known shape, is refused and not guessed at', async () => {
  const container = await storage.container('unreadable');
  await container.create();
  const texts: Readonly<Record<string, RegExp>> = {
    '{"schema":2,"count":1}': /a\.json has schema 2; this release reads up to 1/,
    '{"count":1}': /no schema number/,
    '{"schema":"1","count":1}': /no schema number/,
    '{"schema":1,"count":"canary"}': /does not have the shape/,
    '[]': /no schema number/,
    canary: /is not JSON/,
    '': /is not JSON/,
  };
  for (const [text, message] of Object.entries(texts)) {
    await container.getBlockBlobClient('a.json').upload(text, text.length);
    const error: unknown = await (
      await open('unreadable')
    )
      .read('a.json', 1, shape)
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof UnreadableDocument, text);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /canary/);
  }
});
