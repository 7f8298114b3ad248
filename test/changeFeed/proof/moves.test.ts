// Moves of the cursor and the first and last words of its store, on the storage account in memory.
import type { ContainerClient } from '@azure/storage-blob';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newCursor } from '../../../src/changeFeed/cursor.ts';
import { createBlobSink } from '../../../src/changeFeed/blobSink.ts';
import { createCursorStore, type CursorStore } from '../../../src/changeFeed/cursorStore.ts';
import { createDeadLetters } from '../../../src/changeFeed/deadLetters.ts';
import { moveCursor, type Move } from '../../../src/changeFeed/moveCursor.ts';
import { FeedStop } from '../../../src/changeFeed/outcome.ts';
import { createQueueSink } from '../../../src/changeFeed/queueSink.ts';
import { createReplayStore } from '../../../src/changeFeed/replayStore.ts';
import type { FeedReport } from '../../../src/changeFeed/report.ts';
import { pullService } from '../../../src/changeFeed/service.ts';
import { isAppError } from '../../../src/platform/errors.ts';
import { toEvent, type CloudEvent } from '../../../src/changeFeed/events.ts';
import { entryOf, startTime } from '../feedWorld.ts';
import { Judge } from './judge.ts';
import { move, pull, type Scene } from './process.ts';
import { Actor, Stage } from './stage.ts';
import { containerOf, tableOf } from './storage.ts';
import { cursorPath, host, service, World } from './world.ts';

const cursor = newCursor({ committed: 2, anchor: null, crossed: [] }, 1);
const source = {
  ...{ pullService, moveCursor, createCursorStore, createReplayStore, createDeadLetters },
  ...{ createBlobSink, createQueueSink, FeedStop },
};

class Desk {
  readonly scene: Scene;
  #acts = 0;

  constructor() {
    const world = new World(['blob']);
    const stage = new Stage(startTime);
    stage.holding = false;
    this.scene = { world, stage, judge: new Judge(world, stage), source, setting: {} };
  }

  pull(): Promise<FeedReport> {
    return pull(this.scene, this.#actor('r'));
  }

  move(wanted: Move): Promise<FeedReport> {
    return move(this.scene, this.#actor('operator'), wanted);
  }

  /** The container of the state, or of the deliveries. */
  container(name: 'state' | 'changes'): ContainerClient {
    return containerOf(this.scene, this.#actor(name), name);
  }

  store(): CursorStore {
    const actor = this.#actor('store');
    const container = containerOf(this.scene, actor, 'state');
    const births = tableOf(this.scene, actor);
    const clock = this.scene.stage.clockOf(actor);
    return createCursorStore({ service, container, births, clock });
  }

  #actor(name: string): Actor {
    this.#acts += 1;
    return new Actor(`${name} ${String(this.#acts)}`);
  }
}

const refused = (code: 'conflict' | 'invalid_request') => (error: unknown) => isAppError(error, code);

test('a move goes through only where the cursor is what the operator saw, and not beyond the newest', async () => {
  const desk = new Desk();
  desk.scene.world.changes(3);
  await assert.rejects(desk.move({ sequence: 0, expect: 0 }), refused('conflict'));
  assert.equal((await desk.pull()).cursor, 3);
  for (const expect of [null, 2, 4])
    await assert.rejects(desk.move({ sequence: 1, expect }), refused('conflict'), String(expect));
  await assert.rejects(desk.move({ sequence: 4, expect: 3 }), refused('invalid_request'));
  assert.equal((await desk.move({ sequence: 1, expect: 3 })).cursor, 1);
  const report = await desk.pull();
  assert.deepEqual(
    [report.outcome, report.delivered],
    ['caught_up', 2],
    'the lease was given back each time',
  );
});

test('a move past a lost cursor raises the epoch over all that it ever had', async () => {
  const desk = new Desk();
  const { world } = desk.scene;
  world.changes(3);
  await desk.pull();
  for (const epoch of [2, 3]) {
    world.blobs.delete(cursorPath);
    assert.equal((await desk.move({ sequence: 3, expect: null })).epoch, epoch);
    assert.equal(world.births.get(host), epoch);
  }
});

test('a cursor that is made is born at once, and a second one cannot be made', async () => {
  const desk = new Desk();
  const { world } = desk.scene;
  await desk.store().create({ cursor, report: null });
  assert.equal(world.births.get(host), 1);
  await assert.rejects(desk.store().create({ cursor, report: null }), refused('conflict'));
});

test('a session writes over what it wrote itself, again and again', async () => {
  const desk = new Desk();
  await desk.store().create({ cursor, report: null });
  const opened = await desk.store().open();
  assert.ok(opened.kind === 'open');
  for (const committed of [3, 4, 5])
    await opened.session.save({ cursor: { ...cursor, committed }, report: null });
  assert.equal(desk.scene.world.cursor?.committed, 5);
});

test('a document that cannot be read holds up nobody who asks again', async () => {
  const desk = new Desk();
  const { world } = desk.scene;
  world.blobs.set(cursorPath, { text: '{"schema":2}', etag: 'e', metadata: {} });
  for (let run = 0; run < 2; run += 1) await assert.rejects(desk.store().open(), /schema 2/);
});

test('without its cursor and its birth the service starts where the settings say, and no change is lost or named anew', async () => {
  const desk = new Desk();
  const { world } = desk.scene;
  world.changes(3);
  await desk.pull();
  world.blobs.delete(cursorPath);
  world.births.clear();
  world.changes(1);
  const report = await desk.pull();
  assert.deepEqual([report.outcome, report.cursor, report.epoch], ['caught_up', 4, 1]);
  assert.equal(desk.scene.judge.violation?.report, undefined);
});

function eventOf(sequence: number, epoch: number): CloudEvent {
  const frame = { service, epoch, late: false, metadata: { kind: 'none' } } as const;
  return toEvent(entryOf(sequence, startTime), frame);
}

test('no blob swallows a change: those of another feed, of a late change and of a range that holds more lie apart', async () => {
  const desk = new Desk();
  const sink = createBlobSink(desk.container('changes'));
  const deliver = (epoch: number, sequences: readonly number[], late = false): Promise<void> => {
    const events = sequences.map((sequence) => eventOf(sequence, epoch));
    const range = late ? { from: 2, to: 2 } : { from: 1, to: 2 };
    const delivery = { signal: new AbortController().signal, guard: () => undefined };
    return sink.deliver({ host: 'h', epoch, ...range, late, events }, delivery);
  };
  const before = [1, 1, 2].map((epoch) => () => deliver(epoch, [2]));
  for (const again of [...before, () => deliver(1, [2], true), () => deliver(1, [1, 2])]) await again();
  const names = [...desk.scene.world.blobs.keys()].map((path) => path.replaceAll('000000000000000000', ''));
  assert.match(names.pop() ?? '', /^changes\/h\/1\/1-2\.[0-9a-f]{16}\.ndjson$/);
  assert.deepEqual(names, ['changes/h/1/1-2.ndjson', 'changes/h/2/1-2.ndjson', 'changes/h/late/1-2.ndjson']);
});

test('a dead letter stays as it was written first', async () => {
  const desk = new Desk();
  const letters = createDeadLetters(desk.container('state'), service);
  for (const status of [400, 413])
    await letters.put('webhook', { event: eventOf(7, 1), status }, { epoch: 1, late: false, now: startTime });
  const [key = ''] = await letters.keys('webhook');
  assert.equal((await letters.read(key))?.status, 400);
});
