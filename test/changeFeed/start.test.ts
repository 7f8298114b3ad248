// Where a new cursor stands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '../../src/changeFeed/dicomChangeFeed.ts';
import { startPosition } from '../../src/changeFeed/start.ts';
import type { ChangeFeedStart } from '../../src/platform/settings/types.ts';
import { entryOf, FeedWorld, startTime } from './feedWorld.ts';

const frame: Frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };
const at = (world: FeedWorld, start: ChangeFeedStart) =>
  startPosition(start, { reader: world.reader(), pageSize: 10, frame });

test('a start by time comes before every change from then on, thousands of equal timestamps and earlier numbers included', async () => {
  const world = new FeedWorld();
  for (let n = 0; n < 5; n += 1) world.change();
  world.time += 60_000;
  const time = new Date(world.time).toISOString();
  // A transaction that began first but got its number last: by time it is the first, by sequence it is not.
  for (let n = 0; n < 450; n += 1) world.change();
  // The lowest number is the last by time, three pages on.
  const seconds = (sequence: number): number => (sequence === 455 ? 0 : sequence === 6 ? 21 : 20);
  for (const row of world.rows.slice(5)) {
    const { sequence } = row.entry;
    Object.assign(row, { entry: entryOf(sequence, world.time + seconds(sequence) * 1000) });
  }
  world.time += 30_000;
  assert.equal((await at(world, { kind: 'time', time })).committed, 5);
  assert.equal((await at(world, { kind: 'time', time: '2020-01-01T00:00:00Z' })).committed, 0);
  assert.equal((await at(world, { kind: 'time', time: '2099-01-01T00:00:00Z' })).committed, 455);
});

test('a start at the newest change watches the numbers just below that have not committed', async () => {
  const world = new FeedWorld();
  for (let n = 0; n < 20; n += 1) world.change();
  world.change(5000);
  world.change();
  const position = await at(world, { kind: 'latest' });
  assert.deepEqual(position.crossed, [{ from: 21, to: 21, crossedAt: startTime, readAt: startTime }]);
  assert.deepEqual([position.committed, position.anchor?.sequence], [22, 22]);
});

test('an empty feed starts at its beginning', async () => {
  const world = new FeedWorld();
  for (const start of [{ kind: 'latest' }, { kind: 'beginning' }, { kind: 'sequence', sequence: 1 }] as const)
    assert.deepEqual(await at(world, start), { committed: 0, anchor: null, crossed: [] });
});

test('a start at a sequence that the feed has not reached is refused', async () => {
  const world = new FeedWorld();
  for (let n = 0; n < 3; n += 1) world.change();
  assert.equal((await at(world, { kind: 'sequence', sequence: 4 })).committed, 3);
  await assert.rejects(at(world, { kind: 'sequence', sequence: 5 }), /beyond the newest, 3/);
});
