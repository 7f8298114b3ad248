// Pages that are fetched ahead of the delivery.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Ahead } from '../../src/changeFeed/ahead.ts';
import { nothingLearnt, type Page } from '../../src/changeFeed/cursor.ts';
import type { ChangeFeedReader, Frame } from '../../src/changeFeed/dicomChangeFeed.ts';
import type { Interval } from '../../src/changeFeed/intervals.ts';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import { Pages } from '../../src/changeFeed/pages.ts';
import { pullService } from '../../src/changeFeed/service.ts';
import { AppError } from '../../src/platform/errors.ts';
import { AnswerTooLarge } from '../../src/platform/restClient.ts';
import { cursorOf, FeedWorld, quiet, startTime } from './feedWorld.ts';

interface Asked extends Interval {
  readonly maxBytes: number | undefined;
  /** `broken` is thrown when the answer is taken apart. */
  answer(bytes?: number, broken?: Error): void;
  fail(error: unknown): void;
}

/** A service whose answers the test gives one by one; an aborted request fails by itself. */
function patientService(to = 1000, remainingMs = () => 60_000) {
  const asked: Asked[] = [];
  let opened = 0;
  const answer: ChangeFeedReader['answer'] = ({ from, to: end }, { maxBytes }, { signal }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
      const times = { requestedAt: startTime, repliedAt: startTime };
      const page = (bytes: number): Page => ({ from, to: end, ...times, entries: [], bytes });
      asked.push({
        ...{ from, to: end, maxBytes, fail: reject },
        answer: (bytes = 100, broken) => {
          const open = (): Page => {
            opened += 1;
            if (broken) throw broken;
            return page(bytes);
          };
          resolve({ bytes, page: open });
        },
      });
    });
  const page: ChangeFeedReader['page'] = async (...asking) => (await answer(...asking)).page();
  const none = () => assert.fail('only pages are asked for');
  const frame: Frame = { signal: new AbortController().signal, remainingMs };
  const parts = { metadata: false, pageSize: 10, frame, learnt: nothingLearnt };
  const pages = new Pages({ ...parts, reader: { answer, page, latest: none, window: none } });
  const ahead = new Ahead(pages, { from: 1, to }, frame);
  const begin = async (bytes?: number): Promise<void> => {
    const first = ahead.next();
    await turn();
    asked[0]?.answer(bytes);
    assert.equal((await first)?.from, 1);
  };
  return { asked, opened: () => opened, pages, ahead, begin };
}

const starts = (asked: readonly Interval[]): number[] => asked.map(({ from }) => from);

test('after the first answer others are under way, as many as may be, and come in order however they are answered', async () => {
  const { asked, ahead } = patientService();
  const first = ahead.next();
  await turn();
  assert.deepEqual(starts(asked), [1], 'nobody knows yet how large they are');
  asked[0]?.answer();
  assert.equal((await first)?.from, 1);
  assert.equal(asked.length, 17);
  for (const one of asked.toReversed()) one.answer();
  await turn();
  assert.equal(asked.length, 33, 'while some wait, as many others are under way');
  for (const one of asked.toReversed()) one.answer();
  await turn();
  assert.equal(asked.length, 33, 'no more than these wait');
  for (let n = 1; n <= 32; n += 1) assert.equal((await ahead.next())?.from, n * 10 + 1);
  await ahead.close();
});

test('an answer is taken apart when its turn comes, and one that is no page ends it then', async () => {
  const { asked, opened, ahead, begin } = patientService();
  await begin();
  for (const [n, one] of asked.entries()) one.answer(100, n === 2 ? new Error('no page') : undefined);
  await turn();
  assert.equal(opened(), 1);
  assert.equal((await ahead.next())?.from, 11);
  assert.equal(opened(), 2);
  await assert.rejects(ahead.next(), /no page/);
  await ahead.close();
});

test('large answers leave room for fewer ahead', async () => {
  const { asked, ahead, begin } = patientService();
  await begin(4 * 1024 * 1024);
  assert.deepEqual(
    asked.map(({ maxBytes }) => maxBytes),
    [undefined, 8 * 1024 * 1024, 8 * 1024 * 1024],
    'sixteen megabytes in all, whatever comes',
  );
  for (const one of asked) one.answer(1000);
  await turn();
  assert.ok(asked.length > 5, 'the last answer is what counts');
  await ahead.close();
});

test('nothing is fetched ahead when the budget is nearly used up', async () => {
  const { asked, ahead, begin } = patientService(1000, () => 4_999);
  await begin();
  assert.equal(asked.length, 1);
  await ahead.close();
});

test('what fails ahead is thrown when its turn comes, again and again, and nothing more is asked for before', async () => {
  const { asked, ahead, begin } = patientService();
  await begin();
  asked[3]?.fail(new FeedStop('forbidden', 'no', { advice: '' }));
  for (const one of asked) one.answer();
  await turn();
  const before = asked.length;
  assert.deepEqual([(await ahead.next())?.from, (await ahead.next())?.from], [11, 21]);
  assert.equal(asked.length, before);
  await assert.rejects(ahead.next(), /no/);
  await assert.rejects(ahead.next(), /no/);
  await ahead.close();
});

test('what took too long ahead is asked for again in smaller pages, and what follows is not asked for twice', async () => {
  const { asked, ahead, pages, begin } = patientService(40);
  await begin();
  asked[1]?.fail(new AppError('upstream_timeout', 'slow'));
  asked[2]?.answer();
  asked[3]?.answer();
  const second = ahead.next();
  await turn();
  asked[4]?.answer();
  assert.deepEqual(await second, { ...(await second), from: 11, to: 15 });
  const rest = [ahead.next(), ahead.next(), ahead.next(), ahead.next()];
  await turn();
  asked[5]?.answer();
  const ranges = (await Promise.all(rest)).map((page) => page && [page.from, page.to]);
  assert.deepEqual(ranges, [[16, 20], [21, 30], [31, 40], undefined]);
  assert.deepEqual([asked.length, pages.size], [6, 6]);
  await ahead.close();
});

test('what was too large ahead of its turn is asked for whole in its turn, and says what the next ones may have', async () => {
  const { asked, ahead, pages, begin } = patientService(60);
  await begin(100_000);
  assert.equal(asked[1]?.maxBytes, 200_000);
  for (const one of asked.slice(2)) one.answer();
  asked[1].fail(new AnswerTooLarge());
  const second = ahead.next();
  await turn();
  const again = asked.at(-1);
  assert.deepEqual([again?.from, again?.to, again?.maxBytes], [11, 20, undefined]);
  again?.answer(3_000_000);
  assert.deepEqual([(await second)?.to, pages.size], [20, 10]);
  await ahead.close();
});

test('pages of a few bytes may grow some', async () => {
  const { asked, ahead, begin } = patientService();
  await begin(10);
  assert.deepEqual(new Set(asked.slice(1).map(({ maxBytes }) => maxBytes)), new Set([65_536]));
  await ahead.close();
});

test('a run that ends leaves no request behind', async () => {
  const world = new FeedWorld({ pageSize: 10, sinks: ['blob'] });
  for (let n = 0; n < 300; n += 1) world.change();
  world.down.add('blob');
  let open = 0;
  const reader = world.reader();
  const page: typeof reader.page = async (range, options, frame) => {
    if (range.from <= 100) return reader.page(range, options, frame);
    open += 1;
    try {
      return await new Promise<never>((_, reject) => {
        frame.signal.addEventListener('abort', () => void setImmediate(reject, frame.signal.reason));
      });
    } finally {
      open -= 1;
    }
  };
  const frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };
  const report = await pullService({ ...world.parts(), reader: { ...reader, page } }, frame, quiet);
  assert.deepEqual([report.outcome, open], ['sink_down', 0]);
});

test('closing ends what is under way and leaves no failure without a handler', async () => {
  const { asked, ahead, begin } = patientService();
  await begin();
  await ahead.close();
  const before = asked.length;
  await turn();
  assert.equal(asked.length, before);
});

test('a page fetched before a hole came of age does not cross it, however late its turn comes', async () => {
  const world = new FeedWorld({ pageSize: 1, sinks: ['blob'] });
  for (let n = 0; n < 12; n += 1) world.change();
  // It commits when it is just of age by the time of its delivery, yet not by that of its page.
  world.change(70_000);
  world.change();
  world.onDeliver = () => {
    world.time += 65_000;
  };
  const report = await world.pull();
  world.onDeliver = () => undefined;
  assert.deepEqual([report.outcome, report.cursor], ['holding_gap', 12]);
  world.time += 10_000;
  assert.deepEqual([(await world.pull()).late, cursorOf(world).committed], [0, 14]);
});
