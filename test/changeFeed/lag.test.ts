// How old the first change is that waits, as reports tell it, however a run ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedReport } from '../../src/changeFeed/report.ts';
import { pullService } from '../../src/changeFeed/service.ts';
import { FeedWorld, quiet } from './feedWorld.ts';

const minute = 60_000;

/** A run over the world, in which the service or the time may fail. */
function pull(world: FeedWorld, remainingMs = () => minute, silent = false): Promise<FeedReport> {
  const { reader, ...parts } = world.parts();
  const asked = silent ? { ...reader, latest: () => Promise.reject(new Error('no answer')) } : reader;
  const frame = { signal: new AbortController().signal, remainingMs };
  return pullService({ ...parts, reader: asked }, frame, quiet);
}

function told({ outcome, lag, lagSeconds }: FeedReport): unknown {
  return [outcome, lag, lagSeconds];
}

function worldWith(changes: number): FeedWorld {
  const world = new FeedWorld();
  for (let n = 0; n < changes; n += 1) {
    world.change();
    world.time += minute;
  }
  return world;
}

test('it is nothing once all is delivered', async () => {
  assert.deepEqual(told(await worldWith(5).pull()), ['caught_up', 0, 0]);
});

test('it is that of the first change of the range that a sink did not take, also while the sink is left alone', async () => {
  const world = worldWith(5);
  world.down.add('queue');
  for (let run = 0; run < 3; run += 1)
    assert.deepEqual(
      told(await world.pull()),
      ['sink_down', 5, 300 + 10 * run],
      String((world.time += 10_000)),
    );
  const requests = world.requests;
  const paused = await world.pull();
  assert.match(
    paused.error?.message ?? '',
    /3 times in a row, the last time so: The queue sink did not take a range\.$/,
  );
  assert.deepEqual(told(paused), ['sink_down', 5, 330]);
  assert.ok(world.requests - requests <= 2, 'no page is read for it');
});

test('it grows while the service cannot be asked', async () => {
  const world = worldWith(5);
  world.down.add('blob');
  await world.pull();
  world.time += minute;
  assert.deepEqual(told(await pull(world, undefined, true)), ['failed', null, 360]);
});

test('it is that of the first change behind a hole', async () => {
  const world = worldWith(2);
  world.change(minute);
  world.change();
  world.time += 30_000;
  assert.deepEqual(told(await world.pull()), ['holding_gap', 2, 30]);
});

test('where time is up between two ranges, it is that of the last change that was delivered', async () => {
  const world = worldWith(40);
  let left = minute;
  world.onDeliver = () => {
    left = 0;
  };
  const report = await pull(world, () => left);
  assert.equal(report.outcome, 'budget');
  assert.equal(report.lagSeconds, (40 - report.delivered + 1) * 60);
});

test('after a move of the cursor, and of a feed that was caught up, nothing is carried over', async () => {
  const world = worldWith(5);
  world.down.add('blob');
  await world.pull();
  const { stored } = world;
  assert.ok(stored);
  world.stored = { ...stored, cursor: { ...stored.cursor, committed: 2, pending: null } };
  world.change();
  assert.deepEqual(told(await pull(world, undefined, true)), ['failed', null, undefined]);
});
