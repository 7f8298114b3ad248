// How large pages are: what makes them smaller, and how they grow again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nothingLearnt } from '../../src/changeFeed/cursor.ts';
import type { Frame } from '../../src/changeFeed/dicomChangeFeed.ts';
import { PageSize } from '../../src/changeFeed/pageSize.ts';
import { pullService } from '../../src/changeFeed/service.ts';
import { cursorOf, FeedWorld, quiet } from './feedWorld.ts';
import { settled } from './replayWorld.ts';

/** What the reader is given for each request of a run with this budget, which every range uses up by a tenth. */
async function requestTimes(world: FeedWorld, budgetMs: number): Promise<Set<number | undefined>> {
  const times = new Set<number | undefined>();
  const reader = world.reader();
  const note = ({ requestMs }: Frame): void => void times.add(requestMs);
  const heard: typeof reader = {
    latest: (frame) => (note(frame), reader.latest(frame)),
    page: (range, options, frame) => (note(frame), reader.page(range, options, frame)),
    answer: (range, options, frame) => (note(frame), reader.answer(range, options, frame)),
    window: () => assert.fail('nothing is looked up by time'),
  };
  let left = budgetMs;
  world.onDeliver = () => {
    left *= 0.9;
    world.time += budgetMs / 100;
  };
  const frame = { signal: new AbortController().signal, remainingMs: () => left };
  await pullService({ ...world.parts(), reader: heard }, frame, quiet);
  return times;
}

test('a request has a third of the run at most, so that two silences fit in, however late it is', async () => {
  for (const [budgetMs, expected] of [
    [30_000, 10_000],
    [600_000, 90_000],
  ] as const) {
    const world = new FeedWorld({ pageSize: 1 });
    for (let n = 0; n < 50; n += 1) world.change();
    assert.deepEqual([...(await requestTimes(world, budgetMs))], [expected]);
  }
});

test('a request of a replay has a third of the part of the run that replays have, in its last slice as well', async () => {
  const world = await settled(100, { pageSize: 1 });
  await world.replay({ from: 1, to: 100 }, 20);
  assert.deepEqual([...(await requestTimes(world, 240_000))], [60_000, 20_000]);
});

test('a page with a large answer makes the next ones half as long, a single change does not', () => {
  const size = new PageSize(100, null);
  size.answered({ from: 1, to: 100 }, 4 * 1024 * 1024);
  assert.equal(size.now, 100);
  size.answered({ from: 1, to: 100 }, 4 * 1024 * 1024 + 1);
  assert.equal(size.now, 50);
  size.answered({ from: 7, to: 7 }, 9_000_000);
  assert.equal(size.now, 50);
});

test('a page that is too much is halved down to one; two silences in a row end the run, and the next one begins smaller', async () => {
  const world = new FeedWorld({ pageSize: 40, sinks: ['blob'] });
  for (let n = 0; n < 100; n += 1) world.change();
  world.longestPage = 3;
  const sizes: (number | null)[] = [];
  const outcomes: string[] = [];
  for (let run = 0; run < 3; run += 1) {
    const report = await world.pull();
    outcomes.push(report.error?.code ?? report.outcome);
    sizes.push(cursorOf(world).reading.pageSize);
  }
  assert.deepEqual(outcomes, ['upstream_timeout', 'upstream_timeout', 'caught_up']);
  assert.deepEqual(sizes.slice(0, 2), [10, 2]);
  const delivered = world.heldBy('blob').map(({ id }) => id);
  assert.deepEqual(
    delivered,
    Array.from({ length: 100 }, (_, n) => `1.${n + 1}`),
  );
});

test('pages grow again by one with every fourth good page, up to what the settings say', async () => {
  const world = new FeedWorld({ pageSize: 12, sinks: ['blob'] });
  world.stored &&= {
    ...world.stored,
    cursor: { ...cursorOf(world), reading: { ...nothingLearnt, pageSize: 9 } },
  };
  for (let n = 0; n < 1500; n += 1) world.change();
  const lengths: number[] = [];
  world.onPage = ({ from, to }) => void lengths.push(to - from + 1);
  await world.pull();
  const grown = lengths.slice(0, -1);
  assert.ok(grown.every((length, n) => length >= (grown[n - 1] ?? 9) && length <= 12));
  assert.deepEqual([grown[0], grown.at(-1)], [9, 12]);
});

test('a recorded range is fetched in as many pages as needed, and delivered as it was recorded', async () => {
  const world = new FeedWorld({ pageSize: 10, sinks: ['blob'] });
  for (let n = 0; n < 100; n += 1) world.change();
  await world.pull(3);
  assert.deepEqual([cursorOf(world).pending?.from, cursorOf(world).pending?.to], [1, 100]);
  world.longestPage = 4;
  await world.pull();
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.repeated], ['caught_up', 100]);
  assert.deepEqual(
    world.taken.get('blob')?.map(({ from, to, events }) => [from, to, events.length]),
    [[1, 100, 100]],
  );
});
