// The cursor in Azurite: its lease, its birth, and what each write is conditional on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newCursor, type Cursor } from '../../src/changeFeed/cursor.ts';
import { createCursorStore, type CursorSession, type CursorStore } from '../../src/changeFeed/cursorStore.ts';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import { isAppError } from '../../src/platform/errors.ts';
import { feedScene, stateBlobs, storage } from './feedScene.ts';

const cursor: Cursor = {
  ...newCursor({ committed: 7, anchor: null, crossed: [{ from: 2, to: 3, crossedAt: 5, readAt: 6 }] }, 1),
  pending: { from: 8, to: 9, holes: [{ from: 8, to: 8 }], late: false, accepted: ['blob'], through: 8 },
  failure: { sink: 'queue', count: 2, notBefore: 4, why: 'The queue is full.' },
  refusals: 3,
  holes: [{ from: 11, to: 12, firstSeen: 3 }],
};

function scene(): {
  store: () => CursorStore;
  blob: ReturnType<typeof stateBlobs.getBlobClient>;
  host: string;
  time: { ms: number };
} {
  const { services, cursorPath } = feedScene();
  const service = services[0] ?? assert.fail();
  const time = { ms: 0 };
  const clock = {
    now: () => 0,
    monotonic: () => time.ms,
    sleep: (_: number, signal?: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      }),
  };
  const store = (): CursorStore =>
    createCursorStore({ service, clock, container: stateBlobs, births: storage.table('cursors') });
  return { store, time, blob: stateBlobs.getBlobClient(cursorPath), host: new URL(service).host };
}

async function opened(store: CursorStore): Promise<CursorSession> {
  const found = await store.open();
  assert.ok(found.kind === 'open', found.kind);
  return found.session;
}

const lostLease = (error: unknown): boolean => error instanceof FeedStop && error.outcome === 'lost_lease';

test('every field of the cursor comes back as it was written', async () => {
  const { store } = scene();
  assert.deepEqual(await store().open(), { kind: 'absent' });
  await store().create({ cursor, report: null });
  const session = await opened(store());
  assert.deepEqual(session.stored.cursor, cursor);
  await session.save({ cursor: { ...cursor, committed: 8 }, report: null });
  await session.close();
  assert.deepEqual(await store().find(), {
    kind: 'present',
    cursor: { ...cursor, committed: 8 },
    report: null,
  });
  await assert.rejects(store().create({ cursor, report: null }), (error) => isAppError(error, 'conflict'));
});

test('the birth is on record as soon as the cursor is made, and is repaired before anything is delivered', async () => {
  const { store, blob, host } = scene();
  await store().create({ cursor, report: null });
  await storage.table('cursors').deleteEntity(host, 'cursor');
  await (await opened(store())).close();
  await blob.delete();
  assert.deepEqual(await store().open(), { kind: 'lost', epoch: 1 });
  const other = scene();
  await other.store().create({ cursor, report: null });
  await other.blob.delete();
  assert.deepEqual(await other.store().find(), { kind: 'lost', epoch: 1 });
});

test('a raised epoch is on record before the cursor that uses it', async () => {
  const { store, blob } = scene();
  await store().create({ cursor, report: null });
  const session = await opened(store());
  await session.save({ cursor: { ...cursor, epoch: 2 }, report: null });
  await session.close();
  await blob.delete();
  assert.deepEqual(await store().find(), { kind: 'lost', epoch: 2 });
  await store().create({ cursor: { ...cursor, epoch: 3 }, report: null });
  await blob.delete();
  assert.deepEqual(await store().find(), { kind: 'lost', epoch: 3 });
});

test('nothing is written or sent once the lease no longer vouches, or when somebody else wrote', async () => {
  const { store, time, blob } = scene();
  await store().create({ cursor, report: null });
  const first = await opened(store());
  assert.deepEqual(await store().open(), { kind: 'busy' });
  time.ms = 51_000;
  assert.throws(first.guard, lostLease);
  await assert.rejects(first.save({ cursor: { ...cursor, committed: 99 }, report: null }), lostLease);
  time.ms = 0;
  await blob.getBlobLeaseClient().breakLease(0);
  const second = await opened(store());
  await second.save({ cursor: { ...cursor, committed: 8 }, report: null });
  await assert.rejects(first.save({ cursor: { ...cursor, committed: 99 }, report: null }), lostLease);
  await second.close();
  await first.close();
  const found = await store().find();
  assert.equal(found.kind === 'present' && found.cursor.committed, 8);
});

test('a cursor that another run makes between our looks at blob and birth is not taken for a lost one', async () => {
  const { services } = feedScene();
  const service = services[0] ?? assert.fail();
  const clock = { now: () => 0, monotonic: () => 0, sleep: () => new Promise<void>(() => undefined) };
  const births = storage.table('cursors');
  const store = createCursorStore({ service, clock, container: stateBlobs, births });
  const racing = createCursorStore({
    ...{ service, clock, container: stateBlobs },
    births: new Proxy(births, {
      get: (table, key) =>
        key === 'getEntity'
          ? async (...given: Parameters<typeof table.getEntity>) => {
              await store.create({ cursor, report: null });
              return table.getEntity(...given);
            }
          : (Reflect.get(table, key) as unknown),
    }),
  });
  assert.equal((await racing.find()).kind, 'present');
});
