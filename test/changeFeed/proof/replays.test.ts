// What is kept and delivered for replays, on the storage account in memory.
import type { ContainerClient } from '@azure/storage-blob';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBlobSink } from '../../../src/changeFeed/blobSink.ts';
import { toEvent } from '../../../src/changeFeed/events.ts';
import { createQueueSink } from '../../../src/changeFeed/queueSink.ts';
import { ended } from '../../../src/changeFeed/replay.ts';
import { createReplayStore, type ReplayStore } from '../../../src/changeFeed/replayStore.ts';
import type { Batch } from '../../../src/changeFeed/sink.ts';
import { isAppError } from '../../../src/platform/errors.ts';
import { feedQueueMessageBytes } from '../../../src/platform/limits.ts';
import { UnreadableDocument } from '../../../src/platform/stateDocuments.ts';
import { entryOf, startTime } from '../feedWorld.ts';
import { fullReplay } from '../replayShelf.ts';
import { Judge } from './judge.ts';
import { Actor, Stage } from './stage.ts';
import { containerOf, queueOf, type Place } from './storage.ts';
import { host, service, World } from './world.ts';

const replay = fullReplay(service);
const none = { readable: [], unreadable: [] };
const conflict = (error: unknown): boolean => isAppError(error, 'conflict');

function place(): Place {
  const world = new World(['blob', 'queue']);
  const stage = new Stage(startTime);
  stage.holding = false;
  return { world, stage, judge: new Judge(world, stage) };
}

/** As another process in each call. */
function storeIn(account: Place, url = service): ReplayStore {
  return createReplayStore(containerOf(account, new Actor('r'), 'state'), url);
}

test('a replay comes back as it was written, and is written only over the version that was read', async () => {
  const account = place();
  const store = storeIn(account);
  await store.create(replay);
  await assert.rejects(store.create(replay), conflict);
  const [found] = (await store.list()).readable;
  assert.deepEqual(found?.replay, replay);
  const etag = await store.write({ ...replay, delivered: 6 }, found.etag);
  await assert.rejects(store.write({ ...replay, delivered: 7 }, found.etag), conflict);
  await store.write(ended(replay, 'done', replay.startedAt), etag);
  assert.equal((await storeIn(account).read(replay.id))?.replay.endedAt, replay.startedAt);
});

test('what others write is seen until the replay has ended, and one that ended is read once', async () => {
  const account = place();
  const [ours, theirs] = [storeIn(account), storeIn(account)];
  await ours.create(replay);
  const found = (await ours.read(replay.id)) ?? assert.fail();
  await theirs.write(ended(found.replay, 'cancelled', replay.startedAt), found.etag);
  assert.equal((await ours.read(replay.id))?.replay.state, 'cancelled');
  account.stage.calls = 0;
  assert.equal((await ours.list()).readable[0]?.replay.state, 'cancelled');
  assert.equal(account.stage.calls, 0);
  await ours.remove(replay.id);
  assert.equal(await ours.read(replay.id), undefined);
});

test('a service has the replays of its own, without one that is removed while they are read', async () => {
  const account = place();
  await storeIn(account, 'https://other.dicom.azurehealthcareapis.com').create(replay);
  assert.deepEqual(await storeIn(account).list(), none);
  const container = containerOf(account, new Actor('r'), 'state');
  const vanishing = Object.assign(container, {
    async *listBlobsFlat() {
      yield { name: `change-feed/${host}/replays/${replay.id}.json` };
    },
  });
  assert.deepEqual(await createReplayStore(vanishing, service).list(), none);
});

test('one that a newer release wrote, or that is damaged, is named and hides none of the others', async () => {
  const account = place();
  const store = storeIn(account);
  await store.create(replay);
  const [path, blob] = [...account.world.blobs].find(([at]) => at.includes(replay.id)) ?? assert.fail();
  const damaged = { newer: blob.text.replace('"schema":1', '"schema":2'), damaged: '{' };
  for (const [name, text] of Object.entries(damaged))
    account.world.blobs.set(path.replace(replay.id, name), { ...blob, text });
  const { readable, unreadable } = await storeIn(account).list();
  assert.deepEqual([readable.map((one) => one.replay.id), unreadable], [[replay.id], ['damaged', 'newer']]);
  await assert.rejects(store.read('newer'), UnreadableDocument);
});

test('without their container there are no replays; what cannot be listed is not taken for none', async () => {
  const failing = (code: string): ReplayStore => {
    const listBlobsFlat = (): never => {
      throw Object.assign(new Error(code), { statusCode: 404, details: { errorCode: code } });
    };
    return createReplayStore({ listBlobsFlat } as unknown as ContainerClient, service);
  };
  assert.deepEqual(await failing('ContainerNotFound').list(), none);
  await assert.rejects(failing('ResourceNotFound').list(), /ResourceNotFound/);
});

test('what a replay delivers is not swallowed by a blob of the live cursor, nor is a claim', async () => {
  const account = place();
  const container = containerOf(account, new Actor('r'), 'changes');
  const sinks = [createBlobSink(container), createQueueSink(queueOf(account, new Actor('r')), container)];
  const frame = { service, epoch: 1, late: false, metadata: { kind: 'full' } } as const;
  const batch = (replayed: string | undefined, metadata: string): Batch => {
    const entry = {
      ...entryOf(7, startTime),
      metadata: { '00204000': metadata.repeat(feedQueueMessageBytes) },
    };
    const range = { from: 7, to: 7, late: false, replay: replayed };
    return { host, epoch: 1, ...range, events: [toEvent(entry, frame)] };
  };
  const { signal } = new AbortController();
  for (const sink of sinks) {
    await sink.deliver(batch(undefined, 'x'), { signal, guard: () => undefined });
    await sink.deliver(batch(replay.id, 'y'), { signal, guard: () => undefined });
  }
  const again = [...account.world.blobs].filter(([, { text }]) => text.includes('yy'));
  assert.deepEqual(
    again.map(([path]) => path),
    ['1/0000000000000000007-0000000000000000007.ndjson', 'claims/1-0000000000000000007.json'].map(
      (path) => `changes/${host}/replay/${replay.id}/${path}`,
    ),
  );
  const { messages } = account.world;
  assert.deepEqual(
    messages.map((message) => 'dataref' in message && String(message.dataref).includes('/replay/')),
    [false, true],
  );
});
