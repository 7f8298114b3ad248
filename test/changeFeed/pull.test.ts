// A run over one service, against a feed, a store and sinks in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pullService } from '../../src/changeFeed/service.ts';
import type { Sink } from '../../src/changeFeed/sink.ts';
import { cursorOf, FeedWorld, quiet } from './feedWorld.ts';

const ids = (world: FeedWorld, sink: 'blob' | 'queue' = 'blob'): string[] =>
  world.heldBy(sink).map(({ id }) => id);
const second = 1000;
const settle = 60 * second;

test('every change reaches every sink in order, range after range', async () => {
  const world = new FeedWorld({ pageSize: 2 });
  const expected = Array.from({ length: 47 }, () => `1.${world.change()}`);
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.cursor, report.lag, report.delivered], ['caught_up', 47, 0, 47]);
  assert.deepEqual(ids(world, 'blob'), expected);
  assert.deepEqual(ids(world, 'queue'), expected);
  const ranges = world.taken.get('blob')?.map(({ from, to }) => [from, to]);
  assert.deepEqual(
    ranges,
    [
      [1, 20],
      [21, 40],
      [41, 47],
    ],
    'ten pages a range',
  );
  assert.equal(world.writes, 4, 'one write commits a range and records the next');
});

test('an idle run delivers nothing and writes once', async () => {
  const world = new FeedWorld();
  world.change();
  await world.pull();
  const before = world.writes;
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.delivered, world.writes - before], ['caught_up', 0, 1]);
});

test('a change that commits within the settle time is waited for and delivered in its place', async () => {
  const world = new FeedWorld();
  world.change();
  world.change(30 * second);
  world.change();
  const held = await world.pull();
  assert.deepEqual([held.outcome, held.cursor, held.holes.held, held.lag], ['holding_gap', 1, 1, 2]);
  assert.deepEqual(ids(world), ['1.1']);
  world.time += 30 * second;
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.holes, report.late], ['caught_up', { held: 0, crossed: 0 }, 0]);
  assert.deepEqual(ids(world), ['1.1', '1.2', '1.3']);
});

test('a hole is crossed only by a page asked for after it came of age, counted from the first sighting', async () => {
  const world = new FeedWorld();
  world.change();
  world.gap(1);
  world.change();
  await world.pull();
  world.time += settle;
  assert.equal((await world.pull()).outcome, 'holding_gap', 'the second of the sighting is not over');
  world.time += second;
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.cursor, report.holes], ['caught_up', 3, { held: 0, crossed: 1 }]);
  assert.deepEqual(ids(world), ['1.1', '1.3']);
});

test('old holes are crossed at once, however wide, and a jump of ten thousand costs no range of its own', async () => {
  const world = new FeedWorld({ pageSize: 100 });
  world.change();
  world.gap(10_000);
  world.change();
  world.time += 10 * 60 * second;
  assert.equal((await world.pull()).outcome, 'holding_gap', 'not older than ten settle times and a second');
  world.time += second;
  assert.equal((await world.pull()).outcome, 'caught_up');
  assert.deepEqual(
    world.taken.get('blob')?.map(({ from, to }) => [from, to]),
    [
      [1, 1],
      [2, 10_002],
    ],
  );
  assert.equal(cursorOf(world).crossed.length, 1);
});

test('a change that turns up in a crossed hole is delivered late, once, and the hole leaves', async () => {
  const world = new FeedWorld();
  world.change();
  world.change(10 * 60 * second);
  world.change();
  await world.pull();
  world.time += settle + second;
  await world.pull();
  world.time += 10 * 60 * second;
  const report = await world.pull();
  assert.deepEqual([report.late, report.holes.crossed, report.cursor], [1, 0, 3]);
  assert.deepEqual(world.heldBy('blob').at(-1), { id: '1.2', late: true });
  world.time += 10 * 60 * second;
  assert.equal((await world.pull()).delivered, 0);
});

test('a crossed hole is watched until a read asked for after the watch finds it empty', async () => {
  const world = new FeedWorld({ auditMs: 3_600 * second });
  world.change();
  world.gap(1);
  world.change();
  await world.pull();
  world.time += settle + second;
  await world.pull();
  world.time += 3_600 * second - second;
  assert.equal((await world.pull()).holes.crossed, 1);
  world.time += second;
  assert.equal((await world.pull()).holes.crossed, 0);
});

test('a crash repeats the recorded range with the same changes, and what turned up inside goes the late way', async () => {
  const world = new FeedWorld();
  world.change();
  world.change(20 * 60 * second);
  world.change();
  await world.pull();
  world.time += settle + second;
  // Four calls: the record's two, the guard, and the blob sink's first; it dies once that sink has taken the range.
  assert.equal((await world.pull(4)).outcome, 'failed');
  assert.deepEqual(cursorOf(world).pending?.holes, [{ from: 2, to: 2 }]);
  world.time += 20 * 60 * second;
  world.change();
  const report = await world.pull();
  assert.equal(report.repeated, 1);
  const batches = world.taken.get('blob')?.map(({ from, to, events }) => [from, to, events.length]);
  assert.deepEqual(batches, [
    [1, 1, 1],
    [2, 3, 1],
    [2, 3, 1],
    [4, 4, 1],
  ]);
  world.time += 2 * 60 * second;
  assert.equal((await world.pull()).late, 1);
  assert.deepEqual([...new Set(ids(world))].sort(), ['1.1', '1.2', '1.3', '1.4']);
});

test('a sink that is down stops the cursor; the other keeps what it took and is not asked again', async () => {
  const world = new FeedWorld();
  world.change();
  world.down.add('queue');
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.cursor, report.error?.code], ['sink_down', 0, 'upstream_failed']);
  await world.pull();
  await world.pull();
  const paused = await world.pull();
  assert.match(paused.error?.advice ?? '', /asked again in 60 s/);
  world.down.clear();
  world.time += 60 * second;
  assert.equal((await world.pull()).outcome, 'caught_up');
  assert.equal(world.taken.get('blob')?.length, 1);
  assert.equal(world.taken.get('queue')?.length, 1);
  assert.equal(cursorOf(world).pending, null);
  world.down.add('queue');
  world.change();
  assert.equal((await world.pull()).outcome, 'sink_down');
  assert.equal(world.taken.get('blob')?.length, 1, 'the one that failed last is asked first');
  await world.pull();
  const again = await world.pull();
  assert.match(
    again.error?.message ?? '',
    /^The queue sink did not take/,
    'failures count anew after a success',
  );
});

test('another feed halts the run and moves nothing, also when it has grown past the cursor', async () => {
  const world = new FeedWorld();
  world.change();
  world.change();
  await world.pull();
  world.rows.length = 0;
  world.last = 0;
  world.change();
  assert.equal((await world.pull()).outcome, 'feed_reset', 'behind the cursor');
  world.time += second;
  world.change();
  world.change();
  const report = await world.pull();
  assert.deepEqual(
    [report.outcome, report.cursor, report.delivered],
    ['feed_reset', 2, 0],
    'past the cursor',
  );
  assert.match(report.error?.advice ?? '', /PUT \/api\/change-feed\/cursor/);
});

test('an entry of the recorded range that is gone halts the run, though latest and anchor are as they were', async () => {
  const world = new FeedWorld();
  world.change();
  await world.pull();
  for (let n = 0; n < 3; n += 1) world.change();
  await world.pull(4);
  world.rows.splice(2, 1);
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.cursor, report.delivered], ['feed_reset', 1, 0]);
});

test('a lease that is lost in the middle of a send stops it, and no sink is blamed', async () => {
  const world = new FeedWorld();
  world.change();
  const sink: Sink = {
    name: 'blob',
    deliver: (_, { signal }) => {
      world.lease.abort(new Error('gone'));
      signal.throwIfAborted();
      return Promise.resolve();
    },
  };
  const frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };
  const report = await pullService({ ...world.parts(), sinks: [sink] }, frame, quiet);
  assert.deepEqual([report.outcome, report.cursor], ['lost_lease', 0]);
  assert.equal(cursorOf(world).failure, null);
});
