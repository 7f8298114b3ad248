// The blob and queue sinks on their own: the guard before each send, and what a repetition does.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createBlobSink } from '../../src/changeFeed/blobSink.ts';
import { toEvent } from '../../src/changeFeed/events.ts';
import { createQueueSink } from '../../src/changeFeed/queueSink.ts';
import type { Batch } from '../../src/changeFeed/sink.ts';
import { eachAtOnce } from '../../src/platform/concurrency.ts';
import { feedQueueMessageBytes } from '../../src/platform/limits.ts';
import { startStorage } from '../support/azurite.ts';
import { storage } from './feedScene.ts';
import { entryOf, service, startTime } from './feedWorld.ts';

const watched = await startStorage();
const { signal } = new AbortController();
const free = { signal, guard: () => undefined };

function batchOf(...sequences: number[]): Batch {
  const frame = { service, epoch: 1, late: false, metadata: { kind: 'none' } } as const;
  const events = sequences.map((sequence) => toEvent(entryOf(sequence, startTime), frame));
  return { host: 'h', epoch: 1, from: sequences[0] ?? 0, to: sequences.at(-1) ?? 0, late: false, events };
}

function guardedFor(sends: number): typeof free {
  let left = sends;
  return {
    signal,
    guard: () => {
      if (left === 0) throw new Error('the lease is gone');
      left -= 1;
      return undefined;
    },
  };
}

test('neither sink sends anything once the guard refuses', async () => {
  const name = `sink-${randomUUID().slice(0, 8)}`;
  const container = storage.container(name);
  const queue = storage.queue(name);
  const [blobs, messages] = [createBlobSink(container), createQueueSink(queue, container)];
  await assert.rejects(blobs.deliver(batchOf(1), guardedFor(0)), /lease is gone/);
  assert.equal(await container.exists(), false);
  await messages.deliver(batchOf(1), free);
  await assert.rejects(messages.deliver(batchOf(2), guardedFor(1)), /lease is gone/);
  assert.equal(await messages.backlog?.(signal), 1);
});

test('a repeated range leaves the blob that is there, though the service tells its states differently by then', async () => {
  const container = storage.container(`sink-${randomUUID().slice(0, 8)}`);
  const sink = createBlobSink(container);
  const batch = batchOf(1, 2);
  await sink.deliver(batch, free);
  const path = 'h/1/0000000000000000001-0000000000000000002.ndjson';
  const before = await container.getBlobClient(path).getProperties();
  await sink.deliver(
    {
      ...batch,
      events: batch.events.map((event) => ({ ...event, data: { ...event.data, state: 'Deleted' } })),
    },
    free,
  );
  assert.equal((await container.getBlobClient(path).getProperties()).etag, before.etag);
  const names: string[] = [];
  for await (const { name } of container.listBlobsFlat()) names.push(name);
  assert.deepEqual(names, [path]);
});

/** A container whose client may add blobs and read them, and replace none. */
const addOnly = (name: string): ReturnType<typeof watched.container> => {
  const there = new Set<string>();
  return watched.container(name, ({ method, url = '' }) => {
    const isBlob = method === 'PUT' && url.includes('.ndjson');
    if (isBlob && there.has(url)) return { status: 403, code: 'UnauthorizedBlobOverwrite' };
    if (isBlob) there.add(url);
    return undefined;
  });
};

test('a repeated range goes on where the role may add blobs and not replace them', async () => {
  const name = `sink-${randomUUID().slice(0, 8)}`;
  const container = await addOnly(name);
  await container.create();
  for (let times = 0; times < 2; times += 1) await createBlobSink(container).deliver(batchOf(1, 2), free);
  // One that holds other changes does not swallow these.
  await createBlobSink(container).deliver({ ...batchOf(1), to: 2 }, free);
  const names: string[] = [];
  for await (const blob of container.listBlobsFlat()) names.push(blob.name);
  assert.equal(names.length, 2);
  const nobody = await watched.container(name, () => ({ status: 403, code: 'AuthorizationFailure' }));
  await assert.rejects(createBlobSink(nobody).deliver(batchOf(1, 2), free), { statusCode: 403 });
});

test('lines of every length and alphabet lie whole and in order in the blob', async () => {
  const container = storage.container(`sink-${randomUUID().slice(0, 8)}`);
  const batch = batchOf(...Array.from({ length: 40 }, (_, n) => n + 1));
  const names = ['', 'a', 'é'.repeat(300), '山田^太郎'.repeat(2000), '\u{1f600}'.repeat(50)];
  const events = batch.events.map((event, n) => {
    const metadata = { '00100010': { vr: 'PN', Value: [{ Ideographic: names[n % names.length] }] } };
    return { ...event, data: { ...event.data, metadata } };
  });
  await createBlobSink(container).deliver({ ...batch, events }, free);
  const path = 'h/1/0000000000000000001-0000000000000000040.ndjson';
  const text = (await container.getBlobClient(path).downloadToBuffer()).toString();
  assert.equal(text, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
});

test('the largest event that goes whole is one that the queue takes', async () => {
  const name = `sink-${randomUUID().slice(0, 8)}`;
  const [event = assert.fail()] = batchOf(1).events;
  const eventWith = (text: string): typeof event => ({
    ...event,
    data: { ...event.data, metadata: { '00204000': { vr: 'LT', Value: [text] } } },
  });
  const room = feedQueueMessageBytes - Buffer.byteLength(JSON.stringify(eventWith('')));
  const largest = eventWith('x'.repeat(room));
  assert.equal(Buffer.byteLength(JSON.stringify(largest)), 48 * 1024);
  await createQueueSink(storage.queue(name), storage.container(name)).deliver(
    { ...batchOf(1), events: [largest] },
    free,
  );
  const { receivedMessageItems } = await storage.queue(name).receiveMessages();
  const text = Buffer.from(receivedMessageItems[0]?.messageText ?? '', 'base64').toString();
  assert.deepEqual(JSON.parse(text), largest);
  assert.equal(await storage.container(name).exists(), false);
});

test('a queue that does not exist yet has no backlog', async () => {
  const name = `sink-${randomUUID().slice(0, 8)}`;
  assert.equal(await createQueueSink(storage.queue(name), storage.container(name)).backlog?.(signal), 0);
});

test('work is done by a bounded number of hands, and none begins after a failure', async () => {
  let [busy, most] = [0, 0];
  const begun: number[] = [];
  const work = eachAtOnce([...Array(20).keys()], 3, async (item) => {
    begun.push(item);
    busy += 1;
    most = Math.max(most, busy);
    await Promise.resolve();
    busy -= 1;
    if (item === 6) throw new Error('item 6');
  });
  await assert.rejects(work, /item 6/);
  assert.equal(most, 3);
  assert.equal(busy, 0);
  assert.ok(begun.length < 12);
});
