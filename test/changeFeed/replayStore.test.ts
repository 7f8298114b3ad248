// Replays through the real clients: their documents in Azurite, two services at once, and where their blobs lie.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ended, type Replay } from '../../src/changeFeed/replay.ts';
import { createReplayStore, type ReplayStore } from '../../src/changeFeed/replayStore.ts';
import { isAppError } from '../../src/platform/errors.ts';
import { createStorage } from '../../src/platform/storage.ts';
import { feedScene, stateBlobs, storage } from './feedScene.ts';
import { fullReplay } from './replayShelf.ts';

const frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };
const conflict = (error: unknown): boolean => isAppError(error, 'conflict');

const none = { readable: [], unreadable: [] };

function scene(): { store: () => ReplayStore; replay: Replay } {
  const service = feedScene().services[0] ?? assert.fail();
  return { store: () => createReplayStore(stateBlobs, service), replay: fullReplay(service) };
}

test('every field of a replay comes back as it was written, and no write goes over one that was not read', async () => {
  const { store, replay } = scene();
  assert.deepEqual([await store().list(), await store().read(replay.id)], [none, undefined]);
  await store().create(replay);
  const [found] = (await store().list()).readable;
  assert.deepEqual(found?.replay, replay);
  await assert.rejects(store().create(replay), conflict);
  const etag = await store().write({ ...replay, delivered: 6 }, found.etag);
  await assert.rejects(store().write({ ...replay, delivered: 7 }, found.etag), conflict);
  await store().write({ ...replay, delivered: 8 }, etag);
  assert.equal((await store().read(replay.id))?.replay.delivered, 8);
  await store().remove(replay.id);
  assert.deepEqual(await store().list(), none);
});

test('what another process writes is seen until the replay has ended', async () => {
  const { store, replay } = scene();
  const [ours, theirs] = [store(), store()];
  await ours.create(replay);
  const found = (await ours.read(replay.id)) ?? assert.fail();
  await theirs.write(ended(found.replay, 'cancelled', replay.startedAt), found.etag);
  assert.equal((await ours.read(replay.id))?.replay.state, 'cancelled');
  await ours.remove(replay.id);
  assert.equal(await ours.read(replay.id), undefined);
});

test('an account without the container has no replay', async () => {
  const { replay } = scene();
  const { state } = feedScene().settings;
  const other = createStorage(state, () => assert.fail()).container('no-such-container');
  assert.deepEqual(await createReplayStore(other, replay.service).list(), none);
});

test('each service has replays of its own, whose blobs and messages lie beside those of the live cursor', async () => {
  const scene = feedScene({ services: 2, settings: { sinks: ['blob', 'queue'] } });
  await scene.store(['a', 'b', 'c'], 0);
  await scene.store(['d', 'e'], 1);
  await scene.pullAll();
  await scene.messages();
  const ids: string[] = [];
  for (const service of scene.services) {
    const request = { service, from: 2, reason: 'a drill' };
    ids.push((await scene.puller().startReplay(request, 'key', { requestId: 'test', ...frame })).id);
  }
  const before = Object.keys(await scene.blobs());
  const reports = await scene.pullAll();
  assert.deepEqual(
    reports.map(({ outcome, replays: [replay] }) => [outcome, replay?.state, replay?.delivered]),
    [
      ['caught_up', 'done', 2],
      ['caught_up', 'done', 1],
    ],
  );
  const added = Object.keys(await scene.blobs()).filter((path) => !before.includes(path));
  const expected = scene.services.map((service, n) => {
    const [from, to] = [2, n === 0 ? 3 : 2].map((sequence) => String(sequence).padStart(19, '0'));
    return `${new URL(service).host}/replay/${ids[n] ?? ''}/1/${from ?? ''}-${to ?? ''}.ndjson`;
  });
  assert.deepEqual(added.sort(), expected.sort());
  const messages = (await scene.messages()).map(({ id }) => id);
  assert.deepEqual(messages.sort(), ['1.2', '1.2', '1.3']);
  const documents = storage.container('state').listBlobsFlat({ prefix: `change-feed/` });
  const names: string[] = [];
  for await (const { name } of documents) names.push(name);
  for (const [n, service] of scene.services.entries())
    assert.ok(names.includes(`change-feed/${new URL(service).host}/replays/${ids[n] ?? ''}.json`));
});
