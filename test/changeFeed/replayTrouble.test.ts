// What stops a replay: others that change it, that take the lease or cancel it, another feed, slices and sinks that fail.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pullService } from '../../src/changeFeed/service.ts';
import type { Sink } from '../../src/changeFeed/sink.ts';
import type { Log } from '../../src/platform/log.ts';
import { UnreadableDocument } from '../../src/platform/stateDocuments.ts';
import { quiet } from './feedWorld.ts';
import { hour, replayed, ReplayWorld, settled } from './replayWorld.ts';

const second = 1000;
const frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };

test('a run that finds its replay changed by somebody else writes over nothing and leaves it to them', async () => {
  const world = await settled(50);
  const { desk } = world;
  const id = await desk.start({ from: 1 });
  let other: Promise<unknown> | undefined;
  world.onDeliver = () => {
    const { replay, etag } = world.shelf.all[0] ?? assert.fail();
    other ??= world.shelf.store().write({ ...replay, delivered: 7 }, etag);
  };
  const lines: string[] = [];
  const log: Log = {
    ...quiet,
    info: (event, fields) => void lines.push(`${event} ${String(fields?.['outcome'])}`),
  };
  assert.equal((await pullService(world.parts(), frame, log)).outcome, 'caught_up');
  await other;
  assert.deepEqual(lines, ['feed_replayed lost_lease', 'feed_pulled caught_up']);
  const { delivered, lastRun } = await desk.look(id);
  assert.deepEqual([delivered, lastRun], [7, undefined]);
  await world.pull();
  assert.equal((await desk.look(id)).state, 'done');
});

test('a feed that is replaced while the live cursor delivers is not read for a replay', async () => {
  for (const changes of [0, 30]) {
    const world = await settled(20);
    const { desk } = world;
    const id = await desk.start({ from: 1 });
    world.change();
    world.onDeliver = () => {
      world.rows.length = 0;
      world.last = 0;
      world.time += second;
      for (let n = 0; n < changes; n += 1) world.change();
    };
    assert.equal((await world.pull()).outcome, 'caught_up');
    const { state, lastRun } = await desk.look(id);
    assert.deepEqual([state, lastRun?.outcome, replayed(world, id)], ['running', 'feed_reset', []]);
  }
});

test('nothing is sent for a replay once another run has the lease', async () => {
  const world = await settled(20);
  const id = await world.desk.start({ from: 1, sinks: ['blob'] });
  const sends: string[] = [];
  const sink: Sink = {
    name: 'blob',
    deliver: async (_, { guard, signal }) => {
      guard();
      sends.push('before');
      await world.parts().store.open();
      world.lease.abort(new Error('gone'));
      if (signal.aborted) sends.push('told');
      guard();
      sends.push('after');
    },
  };
  await pullService({ ...world.parts(), sinks: [sink] }, frame, quiet);
  assert.deepEqual(sends, ['before', 'told']);
  assert.deepEqual((await world.desk.look(id)).lastRun, undefined);
});

test('a lane that sees that the replay is cancelled stops the sends of the other', async () => {
  const world = await settled(20, { pageSize: 1 });
  const { desk } = world;
  const id = await world.replay({ from: 1, to: 20, sinks: ['blob'] }, 10);
  let asked = 0;
  let [aborted, sentAfter] = [false, false];
  const sink: Sink = {
    name: 'blob',
    deliver: async (_, { guard, signal }) => {
      asked += 1;
      guard();
      if (asked > 1) return;
      await desk.cancel(id);
      for (let turns = 0; turns < 1000 && !signal.aborted; turns += 1) await setImmediate();
      aborted = signal.aborted;
      guard();
      sentAfter = true;
    },
  };
  const lines: string[] = [];
  const note = (event: string): void => void lines.push(event);
  await pullService({ ...world.parts(), sinks: [sink] }, frame, { info: note, warn: note, error: note });
  assert.deepEqual([asked <= 2, aborted, sentAfter], [true, true, false]);
  assert.deepEqual(lines, ['feed_pulled'], 'nothing more is said of it');
  assert.equal((await desk.look(id)).state, 'cancelled');
});

test('a replay that is cancelled while the live cursor delivers sends nothing more, not even the ranges that it had begun', async () => {
  const world = await settled(20);
  const { desk } = world;
  const id = await world.replay({ from: 1, to: 20 }, 10);
  world.down.add('blob');
  await world.pull();
  const begun = world.shelf.all[0]?.replay.lanes.map(({ pending }) => pending?.from);
  assert.deepEqual(begun, [1, 11]);
  world.down.clear();
  world.change();
  let cancelled: Promise<unknown> | undefined;
  world.onDeliver = () => {
    cancelled ??= desk.cancel(id);
  };
  assert.equal((await world.pull()).delivered, 1);
  await cancelled;
  assert.deepEqual([(await desk.look(id)).state, replayed(world, id)], ['cancelled', []]);
});

test('a hole across the end of a slice is passed however short the pages are and however young the newest change is', async () => {
  const world = new ReplayWorld({ pageSize: 2 });
  world.change();
  world.gap(2_000);
  world.change();
  world.time += hour;
  await world.pull();
  const id = await world.replay({ from: 1, to: 2_002 }, 10);
  world.change();
  await world.pull();
  assert.deepEqual([(await world.desk.look(id)).state, replayed(world, id)], ['done', [1, 2_002]]);
});

test('what is wrong with one slice does not stop the other, and is told', async () => {
  const world = await settled(90, { pageSize: 2 });
  const id = await world.replay({ from: 1, to: 90, sinks: ['blob'] }, 30);
  world.onPage = ({ from }) => {
    if (from > 10 && from < 30) throw new Error('a page that fails');
  };
  await world.pull();
  const { state, passed, lastRun } = await world.desk.look(id);
  assert.deepEqual([state, passed, lastRun?.outcome], ['running', 10 + 60, 'failed']);
  world.onPage = () => undefined;
  await world.pull();
  assert.equal((await world.desk.look(id)).delivered, 90);
});

test('refusals in a row are counted from run to run: a receiver that refuses everything buries ten at most', async () => {
  const world = await settled(30, { pageSize: 1, sinks: ['webhook'] });
  const id = await world.desk.start({ from: 1 });
  for (let sequence = 1; sequence <= 30; sequence += 1) world.refused.add(sequence);
  // Ten changes are a range: five requests of two, and each is halved.
  world.webhookTakes = world.offers.length + 15;
  await world.pull();
  assert.equal(world.letters.size, 10);
  world.webhookTakes = Infinity;
  await world.pull();
  assert.equal(world.letters.size, 10);
  const { passed, lastRun } = await world.desk.look(id);
  assert.deepEqual([passed, lastRun?.outcome], [10, 'sink_down']);
  assert.match(lastRun?.error?.message ?? '', /more than 10 changes in a row/);
});

test('replays that cannot be listed hold up nothing: the live cursor delivers, and the log says so', async () => {
  const world = await settled(5);
  world.change();
  const parts = world.parts();
  const replays = { ...parts.replays, list: () => Promise.reject(new Error('no storage')) };
  const lines: string[] = [];
  const log: Log = { ...quiet, warn: (event) => void lines.push(event) };
  const report = await pullService({ ...parts, replays }, frame, log);
  assert.deepEqual([report.outcome, report.delivered, report.replays], ['caught_up', 1, []]);
  assert.deepEqual(lines, ['feed_replays_unknown', 'feed_replays_unknown']);
});

test('a replay that cannot be read is named, and stops none of the others', async () => {
  const world = await settled(5);
  const { desk, shelf } = world;
  shelf.unreadable.push('20260101T000000000-0f8c2a6d');
  const warned: unknown[] = [];
  const log: Log = { ...quiet, warn: (event, fields) => void warned.push([event, fields?.['replays']]) };
  const id = await desk.start({ from: 1 });
  const { replays, unreadableReplays } = await pullService(world.parts(), frame, log);
  assert.deepEqual([replays[0]?.id, replays[0]?.state, unreadableReplays], [id, 'done', shelf.unreadable]);
  assert.deepEqual(warned, [['feed_replays_unreadable', shelf.unreadable]]);
  const store = {
    ...shelf.store(),
    read: () => Promise.reject(new UnreadableDocument('it has schema 2')),
  };
  for (const ask of [() => desk.look(id, store), () => desk.cancel(id, store)])
    await assert.rejects(ask, { code: 'conflict', message: /cannot be read: .* Deploy that release/ });
});

test('a run whose time is up leaves the replays behind the first for the next one', async () => {
  const world = await settled(80, { pageSize: 2 });
  const first = await world.desk.start({ from: 1 });
  world.time += second;
  const next = await world.desk.start({ from: 2 });
  world.onDeliver = () => {
    world.time += 7 * second;
  };
  await world.pull();
  assert.equal((await world.desk.look(first)).lastRun?.outcome, 'budget');
  assert.equal((await world.desk.look(next)).lastRun, undefined);
});

test('a change whose metadata alone cannot be read comes without it in the second run, as from the live cursor', async () => {
  const world = await settled(20, { metadata: true, pageSize: 5 });
  world.poisoned.add(7);
  const id = await world.desk.start({ from: 1, sinks: ['blob'] });
  await world.pull();
  const { lastRun, passed } = await world.desk.look(id);
  assert.deepEqual([lastRun?.outcome, passed], ['upstream_failed', 6]);
  await world.pull();
  assert.equal((await world.desk.look(id)).state, 'done');
  const events = world.batchesOf('blob', id).flatMap((batch) => batch.events);
  const without = events.filter(({ data }) => data.metadataError === 'unreadable');
  assert.deepEqual([events.length, without.map(({ id: event }) => event)], [20, ['1.7']]);
});

test('a process that is asked to stop ends its replay after the range at hand, and the next one goes on', async () => {
  const world = await settled(60, { pageSize: 1 });
  const id = await world.desk.start({ from: 1 });
  const shutdown = new AbortController();
  world.onDeliver = () => {
    shutdown.abort(new Error('stop'));
  };
  const remainingMs = (): number => (shutdown.signal.aborted ? 0 : 60_000);
  await pullService(world.parts(), { signal: shutdown.signal, remainingMs }, quiet);
  const { state, lastRun, passed } = await world.desk.look(id);
  assert.deepEqual([state, lastRun?.outcome, passed <= 20], ['running', 'budget', true]);
  world.onDeliver = () => undefined;
  await world.pull();
  assert.equal((await world.desk.look(id)).delivered, 60);
  assert.deepEqual(new Set(replayed(world, id)).size, 60);
});
