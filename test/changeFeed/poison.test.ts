// Metadata that the service cannot read: of one change, of many, of all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedReport } from '../../src/changeFeed/report.ts';
import { AnswerTooLarge } from '../../src/platform/restClient.ts';
import { cursorOf, FeedWorld } from './feedWorld.ts';

const minute = 60_000;

function worldOf(changes: number, ...poisoned: number[]): FeedWorld {
  const world = new FeedWorld({ pageSize: 10, sinks: ['blob'], metadata: true });
  for (let n = 0; n < changes; n += 1) world.change();
  for (const sequence of poisoned) world.poisoned.add(sequence);
  return world;
}

const events = (world: FeedWorld) => (world.taken.get('blob') ?? []).flatMap((batch) => batch.events);
const sequences = (world: FeedWorld): number[] => events(world).map(({ data }) => data.sequenceNumber);
const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);
const flagged = (world: FeedWorld): number[] =>
  events(world)
    .filter(({ data }) => data.metadataError === 'unreadable')
    .map(({ data }) => data.sequenceNumber);
const without = (world: FeedWorld): number[] =>
  events(world)
    .filter(({ data }) => data.metadata === undefined)
    .map(({ data }) => data.sequenceNumber);

async function runs(world: FeedWorld, count: number): Promise<FeedReport> {
  for (let n = 1; n < count; n += 1) await world.pull();
  return world.pull();
}

test('the one change whose metadata fails its page is delivered without it by the second run, all others with it', async () => {
  const world = worldOf(30, 14);
  const first = await world.pull();
  assert.deepEqual([first.outcome, first.cursor, first.fallbacks], ['upstream_failed', 13, 0]);
  assert.match(first.error?.message ?? '', /metadata of a change cannot be read/);
  const asked: number[][] = [];
  world.onPage = ({ from, to }, metadata) => {
    if (metadata && from <= 14 && to >= 14) asked.push([from, to]);
  };
  const second = await world.pull();
  assert.deepEqual(asked, [[14, 14]], 'with all patience, since nothing else can be to blame');
  assert.deepEqual([second.outcome, second.cursor, second.fallbacks], ['caught_up', 30, 1]);
  assert.deepEqual(sequences(world), upTo(30));
  assert.deepEqual([flagged(world), without(world)], [[14], [14]]);
  assert.deepEqual(cursorOf(world).reading.suspects, [], 'what is delivered is not suspected any more');
});

test('metadata of one change that is larger than any answer may be is left out in the same way', async () => {
  const world = worldOf(30);
  world.onPage = ({ from, to }, metadata) => {
    if (metadata && from <= 14 && to >= 14) throw new AnswerTooLarge();
  };
  const first = await world.pull();
  assert.deepEqual([first.outcome, first.cursor], ['upstream_failed', 13]);
  const second = await world.pull();
  assert.deepEqual([second.outcome, second.cursor, second.fallbacks], ['caught_up', 30, 1]);
  assert.deepEqual([flagged(world), without(world)], [[14], [14]]);
  assert.deepEqual(sequences(world), upTo(30));
});

test('a change that can be read in the second run is delivered with its metadata', async () => {
  const world = worldOf(30, 14);
  await world.pull();
  world.poisoned.clear();
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.fallbacks, without(world)], ['caught_up', 0, []]);
});

test('while nothing can be read no change loses its metadata, however many runs try', async () => {
  const world = worldOf(30);
  world.storeDown = true;
  const report = await runs(world, 5);
  assert.deepEqual([report.outcome, report.cursor], ['upstream_failed', 0]);
  assert.match(report.error?.message ?? '', /store of metadata .* cannot be read/);
  assert.deepEqual(cursorOf(world).reading.suspects, []);
  world.storeDown = false;
  assert.equal((await world.pull()).outcome, 'caught_up');
  assert.deepEqual([sequences(world), without(world)], [upTo(30), []]);
});

test('a store that goes down after it answered in the same run costs no change its metadata', async () => {
  const world = worldOf(60);
  for (let run = 0; run < 6; run += 1) {
    let answers = 0;
    world.storeDown = false;
    world.onPage = (_, metadata) => {
      if (metadata) answers += 1;
      world.storeDown = answers > 1;
    };
    await world.pull();
  }
  world.onPage = () => undefined;
  world.storeDown = false;
  await world.pull();
  assert.deepEqual([sequences(world), without(world)], [upTo(60), []]);
});

test('deleted instances, which show no metadata, do not vouch for the store', async () => {
  const world = worldOf(20);
  for (let sequence = 1; sequence <= 20; sequence += 1) if (sequence !== 14) world.deleted.add(sequence);
  world.storeDown = true;
  const report = await runs(world, 3);
  assert.deepEqual([report.outcome, report.cursor, flagged(world)], ['upstream_failed', 13, []]);
});

test('among deleted instances the one that is left is found', async () => {
  const world = new FeedWorld({ pageSize: 1, sinks: ['blob'], metadata: true });
  for (let sequence = 1; sequence <= 20; sequence += 1) {
    world.change();
    if (sequence !== 1 && sequence !== 7) world.deleted.add(sequence);
  }
  world.poisoned.add(1);
  await world.pull();
  assert.deepEqual([(await world.pull()).outcome, flagged(world)], ['caught_up', [1]]);
});

test('the newest change, alone on its page, is judged by those before it', async () => {
  const world = worldOf(10);
  await world.pull();
  world.poisoned.add(world.change());
  assert.equal((await world.pull()).outcome, 'upstream_failed');
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.cursor, flagged(world)], ['caught_up', 11, [11]]);
});

test('many in a row are told from an outage, even at the beginning of the feed, and none holds up the rest for long', async () => {
  const world = new FeedWorld({ pageSize: 100, sinks: ['blob'], metadata: true });
  for (let n = 0; n < 1100; n += 1) world.change();
  for (const sequence of upTo(210)) world.poisoned.add(sequence);
  let report = await world.pull();
  let count = 1;
  for (; report.outcome !== 'caught_up' && count < 20; count += 1) report = await world.pull();
  assert.deepEqual([sequences(world), flagged(world)], [upTo(1100), upTo(210)]);
  assert.ok(count <= 12, `${count} runs`);
});

test('more in a row than are looked beyond are told from an outage by the last change that could be read', async () => {
  const world = new FeedWorld({ pageSize: 100, sinks: ['blob'], metadata: true });
  for (let n = 0; n < 320; n += 1) world.change();
  for (let sequence = 21; sequence <= 320; sequence += 1) world.poisoned.add(sequence);
  await world.pull();
  assert.equal(cursorOf(world).reading.suspects.length, 25, 'no run is busy with more than it can deliver');
  await runs(world, 13);
  assert.deepEqual([sequences(world), flagged(world).length], [upTo(320), 300]);
});

test('a change that answers after all does not vouch for the store by itself', async () => {
  const world = worldOf(1);
  // Recorded, and so read once.
  await world.pull(3);
  assert.equal(cursorOf(world).reading.witness, 1);
  for (let run = 0; run < 3; run += 1) {
    world.storeDown = true;
    world.onPage = (_, metadata) => {
      // It fails once in each run, and would answer from then on.
      if (!metadata) world.storeDown = false;
    };
    assert.equal((await world.pull()).outcome, 'upstream_failed');
  }
  assert.deepEqual([flagged(world), cursorOf(world).reading.suspects], [[], []]);
});

test('without metadata nobody asks for it, and unreadable metadata is no obstacle', async () => {
  const world = new FeedWorld({ pageSize: 10, sinks: ['blob'] });
  world.poisoned.add(world.change());
  const report = await world.pull();
  assert.deepEqual([report.outcome, flagged(world)], ['caught_up', []]);
});

test('a range that was recorded before its metadata broke is repeated whole, and so is a change that came late', async () => {
  const world = worldOf(5);
  // The record's two calls and the guard; it dies before the sink takes anything.
  assert.equal((await world.pull(3)).outcome, 'failed');
  world.poisoned.add(3);
  assert.equal((await world.pull()).outcome, 'upstream_failed');
  assert.deepEqual(
    [(await world.pull()).outcome, sequences(world), flagged(world)],
    ['caught_up', upTo(5), [3]],
  );
  world.poisoned.add(world.change(30 * minute));
  world.change();
  await world.pull();
  world.time += 2 * minute;
  await world.pull();
  world.time += 30 * minute;
  assert.equal((await world.pull()).outcome, 'upstream_failed');
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.late, flagged(world)], ['caught_up', 1, [3, 6]]);
});
