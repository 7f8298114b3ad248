// What the adapters of the change feed hold to on their own, in memory, so that each rule of theirs can be taken out and missed.
import { createHttpHeaders } from '@azure/core-rest-pipeline';
import type { TableClient } from '@azure/data-tables';
import type { ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBlobSink } from '../../../src/changeFeed/blobSink.ts';
import { createCursorStore } from '../../../src/changeFeed/cursorStore.ts';
import { createDeadLetters } from '../../../src/changeFeed/deadLetters.ts';
import { createReader } from '../../../src/changeFeed/dicomChangeFeed.ts';
import { toEvent, type CloudEvent } from '../../../src/changeFeed/events.ts';
import { createQueueSink } from '../../../src/changeFeed/queueSink.ts';
import type { Batch } from '../../../src/changeFeed/sink.ts';
import { judgeAnswer, portionsOf } from '../../../src/changeFeed/webhookRequests.ts';
import { feedQueueMessageBytes } from '../../../src/platform/limits.ts';
import type { MetadataChoice } from '../../../src/platform/settings/types.ts';
import { entryOf, startTime } from '../feedWorld.ts';
import { service } from './world.ts';

const { signal } = new AbortController();
const free = { signal, guard: () => undefined };
const lost = (): never => {
  throw new Error('the lease is gone');
};

function eventOf(sequence: number, text = ''): CloudEvent {
  const metadata = { '00204000': text };
  return toEvent(
    { ...entryOf(sequence, startTime), metadata },
    { service, epoch: 2, late: false, metadata: { kind: 'full' } },
  );
}

function batchOf(...events: CloudEvent[]): Batch {
  const [from = 0, to = from] = [events[0], events.at(-1)].map((event) => event?.data.sequenceNumber);
  return { host: 'h', epoch: 2, from, to, late: false, events };
}

interface Message {
  readonly text: string;
  readonly timeToLive: unknown;
}

/** A queue and a container that keep what they are given. */
function account(): { queue: QueueClient; container: ContainerClient; messages: Message[]; blobs: string[] } {
  const messages: Message[] = [];
  const blobs: string[] = [];
  const queue = {
    sendMessage: async (text: string, options: { messageTimeToLive?: number }) => {
      messages.push({ text, timeToLive: options.messageTimeToLive });
    },
  };
  const container = {
    getBlockBlobClient: (path: string) => ({
      url: `https://account/${path}`,
      upload: async () => {
        blobs.push(path);
        return { etag: 'one' };
      },
    }),
  };
  return {
    ...{ messages, blobs, queue: queue as unknown as QueueClient },
    container: container as unknown as ContainerClient,
  };
}

test('a message is base64, never expires, and is small enough for the queue however many bytes its letters have', async () => {
  const { queue, container, messages, blobs } = account();
  const bytes = (event: CloudEvent): number => Buffer.byteLength(JSON.stringify(event));
  const room = feedQueueMessageBytes - bytes(eventOf(1));
  const [whole, above, letters] = [
    eventOf(1, 'x'.repeat(room)),
    eventOf(2, 'x'.repeat(room + 1)),
    eventOf(3, 'ä'.repeat(room - 9)),
  ];
  assert.equal(bytes(whole), feedQueueMessageBytes);
  await createQueueSink(queue, container).deliver(batchOf(whole, above, letters), free);
  assert.ok(messages.every(({ timeToLive }) => timeToLive === -1));
  const told = messages.map(({ text }) => JSON.parse(Buffer.from(text, 'base64').toString()) as object);
  assert.deepEqual(told[0], whole);
  assert.deepEqual(
    told.map((event) => 'data' in event),
    [true, false, false],
  );
  assert.deepEqual(
    blobs,
    [2, 3].map((n) => `h/claims/2-000000000000000000${String(n)}.json`),
  );
});

test('nothing reaches a store once the guard refuses, neither message nor claim nor blob', async () => {
  const { queue, container, messages, blobs } = account();
  for (const text of ['', 'x'.repeat(feedQueueMessageBytes)])
    await assert.rejects(
      createQueueSink(queue, container).deliver(batchOf(eventOf(1, text)), { signal, guard: lost }),
    );
  await assert.rejects(createBlobSink(container).deliver(batchOf(eventOf(1)), { signal, guard: lost }));
  assert.deepEqual([messages, blobs], [[], []]);
  let asked = 0;
  const guard = (): void => {
    asked += 1;
    if (asked > 1) lost();
  };
  await assert.rejects(createQueueSink(queue, container).deliver(batchOf(eventOf(1)), { signal, guard }));
  assert.deepEqual(messages, [], 'the guard is asked again after what may have taken its time');
});

test('an event has of the metadata what the settings chose', () => {
  const entry = { ...entryOf(1, startTime), metadata: { '00100010': 'a name', '00080060': 'CT' } };
  const keys = (metadata: MetadataChoice): string[] =>
    Object.keys(toEvent(entry, { service, epoch: 1, late: false, metadata }).data.metadata ?? {}).sort();
  assert.deepEqual(keys({ kind: 'none' }), []);
  assert.deepEqual(keys({ kind: 'selected', tags: ['00080060'] }), ['00080060']);
  assert.deepEqual(keys({ kind: 'full' }), ['00080060', '00100010']);
});

test('dead letters of two feeds with the same number lie side by side', async () => {
  const { container, blobs } = account();
  const event = eventOf(7);
  for (const epoch of [1, 2])
    await createDeadLetters(container, service).put(
      'webhook',
      { event, status: 422 },
      { epoch, late: false, now: startTime },
    );
  assert.equal(new Set(blobs).size, 2);
});

test('what a receiver answers is taken, refused, tried again or a sign that it is down', () => {
  const reply = (status: number, text = '', header?: string) =>
    judgeAnswer({ ...{ status, text, serverTime: undefined }, header: () => header });
  const kinds = (...statuses: number[]) => new Set(statuses.map((status) => reply(status).kind));
  assert.deepEqual(kinds(200, 201, 202, 204, 299), new Set(['taken']));
  assert.deepEqual(kinds(400, 413, 422), new Set(['refused']));
  assert.deepEqual(kinds(401), new Set(['unauthorized']));
  assert.deepEqual(kinds(408, 429, 500, 502, 503, 504), new Set(['again']));
  assert.deepEqual(kinds(100, 301, 302, 307, 308, 402, 403, 404, 405, 409, 410, 415, 451), new Set(['down']));
  assert.equal(reply(200, '<!doctype html><title>Sign in</title>').kind, 'down');
  assert.deepEqual(reply(429, '', '7'), { kind: 'again', why: 'it answered 429', pauseMs: 7000 });
});

test('a structured request has one event, a batched one as many as there is room for', () => {
  const sizes = (events: readonly CloudEvent[], mode: 'structured' | 'batched'): number[] =>
    portionsOf(events, mode).map((portion) => portion.length);
  const small = Array.from({ length: 250 }, (_, n) => eventOf(n + 1));
  assert.deepEqual(sizes(small.slice(0, 3), 'structured'), [1, 1, 1]);
  assert.deepEqual(sizes(small, 'batched'), [100, 100, 50]);
  const large = Array.from({ length: 4 }, (_, n) => eventOf(n + 1, 'x'.repeat(200_000)));
  assert.deepEqual(sizes(large, 'batched'), [2, 2]);
});

test('a refused token is replaced once, a missing role and a lasting failure are not tried again', async () => {
  for (const [statuses, tokens] of [
    [[401, 200], 2],
    [[401, 401], 2],
    [[403], 1],
    [[503], 1],
  ] as const) {
    const answers = [...statuses] as number[];
    let asked = 0;
    const getToken = async () => {
      asked += 1;
      return { token: `t${String(asked)}`, expiresOnTimestamp: 9e15 };
    };
    const given: (string | undefined)[] = [];
    const reader = createReader({
      ...{ service, auth: { credential: { getToken }, scope: 's' }, random: () => 0.5 },
      clock: { now: () => 0, monotonic: () => 0, sleep: () => Promise.resolve() },
      httpClient: {
        sendRequest: async (request) => {
          given.push(request.headers.get('authorization'));
          const headers = createHttpHeaders({ date: 'Thu, 01 Jan 2026 00:00:10 GMT' });
          const status = answers.shift() ?? assert.fail('a request too many');
          return { ...{ request, status, headers }, bodyAsText: '[]' };
        },
      },
    });
    const work = reader.page(
      { from: 1, to: 1 },
      { metadata: false, once: true },
      { signal, remainingMs: () => 60_000 },
    );
    if (statuses.at(-1) === 200) await work;
    else await assert.rejects(work);
    assert.deepEqual([given.length, asked, new Set(given).size], [statuses.length, tokens, tokens]);
  }
});

test('only a blob or a row that certainly is not there is absent: an outage never looks like a first run', async () => {
  const failing = (statusCode: number, errorCode: string) => async () => {
    throw Object.assign(new Error(errorCode), { statusCode, details: { errorCode } });
  };
  const storeOf = (blob: () => Promise<never>, row: () => Promise<never>) =>
    createCursorStore({
      ...{ service, births: { getEntity: row } as unknown as TableClient },
      container: {
        getBlobClient: () => ({ getBlobLeaseClient: () => ({ acquireLease: blob }) }),
        getBlockBlobClient: () => ({ download: blob }),
      } as unknown as ContainerClient,
      clock: { now: () => 0, monotonic: () => 0, sleep: () => new Promise(() => undefined) },
    });
  const [noBlob, noRow] = [failing(404, 'BlobNotFound'), failing(404, 'ResourceNotFound')];
  assert.deepEqual(await storeOf(noBlob, noRow).open(), { kind: 'absent' });
  assert.deepEqual(await storeOf(failing(404, 'ContainerNotFound'), failing(404, 'TableNotFound')).open(), {
    kind: 'absent',
  });
  for (const outage of [
    failing(403, 'AuthorizationFailure'),
    failing(503, 'ServerBusy'),
    failing(404, 'ResourceNotFound'),
  ]) {
    await assert.rejects(storeOf(outage, noRow).open());
    await assert.rejects(storeOf(outage, noRow).find());
  }
  for (const outage of [failing(403, 'AuthorizationFailure'), failing(503, 'ServerBusy')])
    await assert.rejects(storeOf(noBlob, outage).open());
});
