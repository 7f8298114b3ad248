// How large pages are: what makes them smaller, and how they grow again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nothingLearnt } from '../../src/changeFeed/cursor.ts';
import { Pages } from '../../src/changeFeed/pages.ts';
import { PageSize } from '../../src/changeFeed/pageSize.ts';
import { answerWith } from './feedService.ts';
import { cursorOf, FeedWorld } from './feedWorld.ts';

test('a request has a third of the budget at most, so that two silences fit in', async () => {
  const times: (number | undefined)[] = [];
  for (const budget of [30_000, 600_000]) {
    const world = new FeedWorld();
    const reader = world.reader();
    const page: typeof reader.page = (range, options, frame) => {
      times.push(options.timeoutMs);
      return reader.page(range, options, frame);
    };
    const answer: typeof reader.answer = async (...asked) => answerWith(await page(...asked));
    const frame = { signal: new AbortController().signal, remainingMs: () => budget };
    const parts = { metadata: false, pageSize: 10, frame, learnt: nothingLearnt };
    const pages = new Pages({ ...parts, reader: { ...reader, page, answer } });
    await pages.read({ from: 1, to: 1 }).next();
    await pages.ahead({ from: 1, to: 1 }, frame.signal);
  }
  assert.deepEqual(times, [10_000, 10_000, 90_000, 90_000]);
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
