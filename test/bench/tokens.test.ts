// What the benchmark of the token service computes: pairs, statistics, patient clients, and the census after a burst.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { takeCensus } from '../../bench/census.ts';
import { persist, type Ending, type Tally } from '../../bench/clients.ts';
import type { Answer } from '../../bench/http.ts';
import { latencyFigures, measurePairs } from '../../bench/latency.ts';
import { missed } from '../../bench/report.ts';
import { median, mostWithin, percentile } from '../../bench/statistics.ts';
import { ManualClock } from '../support/clock.ts';

describe('pairs of calls', () => {
  async function ratioOf(appMs: number, sdkMs: number) {
    let now = 0;
    const order: string[] = [];
    const takes = (side: string, ms: number) => async () => {
      order.push(side);
      now += ms;
    };
    const calls = { app: takes('app', appMs), sdk: takes('sdk', sdkMs) };
    const durations = await measurePairs(calls, 3, () => now);
    assert.deepEqual(order, ['app', 'sdk', 'sdk', 'app', 'app', 'sdk']);
    return latencyFigures(durations).find(({ name }) => name === 'ratio')?.value;
  }

  test('alternate, and their ratio is that of what they took', async () => {
    assert.equal(await ratioOf(24, 20), 1.2);
    assert.equal(await ratioOf(50, 20), 2.5);
  });

  test('miss the aim above 1.25', () => {
    const figures = (app: number) => [{ title: 't', figures: latencyFigures({ app: [app], sdk: [20] }) }];
    assert.deepEqual(missed(figures(25)), []);
    assert.deepEqual(missed(figures(25.1)), ['t: ratio of the medians']);
  });
});

test('the statistics are those of the textbook', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual([median([9, 1, 5]), median(values), percentile(values, 0.95)], [5, 50, 95]);
  assert.throws(() => median([]), RangeError);
  assert.equal(mostWithin([0, 10, 20, 30, 31, 32], 30), 5);
  assert.equal(mostWithin([], 30), 0);
});

describe('a client', () => {
  const answer = (status: number, retryAfter?: number): Answer => ({
    ...{ status, retryAfter },
    text: JSON.stringify({ token: 't', user: { communicationUserId: '8:acs:one' } }),
  });

  /** The times, in seconds, at which it asked, and how it ended; `random` is 0.5. */
  async function asks(
    ...answers: (Answer | Error)[]
  ): Promise<{ at: number[]; ending: Ending; tally: Tally }> {
    const clock = new ManualClock();
    const begun = clock.monotonic();
    const at: number[] = [];
    const tally: Tally = new Map();
    const ask = async (): Promise<Answer> => {
      at.push((clock.monotonic() - begun) / 1000);
      const next = answers.shift() ?? assert.fail('it asked once more');
      if (next instanceof Error) throw next;
      return next;
    };
    const crowd = { ask, clock, random: () => 0.5, until: begun + 60_000 };
    const work = persist('bearer', crowd, tally);
    for (let second = 0; second < 120; second += 1) await clock.advance(second === 0 ? 0 : 1000);
    return { at, ending: await work, tally };
  }

  test('comes back when it was told to, and a little later by chance', async () => {
    const { at, ending, tally } = await asks(answer(503, 10), answer(429, 20), answer(200));
    assert.deepEqual(at, [0, 11, 33]);
    assert.equal(ending.kind === 'served' && ending.identity, '8:acs:one');
    assert.deepEqual(Object.fromEntries(tally), { 200: 1, 429: 1, 503: 1 });
  });

  test('goes away for good without a time to come back, or when that lies beyond the end', async () => {
    for (const status of [500, 503]) {
      const { at, ending } = await asks(answer(status));
      assert.deepEqual([at, ending.kind], [[0], 'lost']);
    }
    const broken = await asks(new Error('socket hang up'));
    assert.deepEqual([broken.ending.kind, broken.tally.get(0)], ['lost', 1]);
    assert.deepEqual((await asks(answer(503, 60))).ending, { kind: 'waiting' });
  });
});

test('the census finds an identity that no row names, and a user without one of their own', () => {
  const rows = [
    { rowKey: 'a', identities: ['1', '0'] },
    { rowKey: 'b', identities: ['2'] },
    { rowKey: 'c', identities: ['2'] },
    { rowKey: 'd', identities: [] },
  ];
  const served = (entries: Record<string, string>): Map<string, string> => new Map(Object.entries(entries));
  assert.deepEqual(takeCensus(served({ a: '1' }), rows, ['0', '1', '2']), { orphans: 0, duplicates: 0 });
  assert.deepEqual(takeCensus(served({ a: '0' }), rows, ['1', '3', '4']), { orphans: 2, duplicates: 1 });
  assert.equal(takeCensus(served({ b: '2', c: '2', d: '5', e: '6' }), rows, []).duplicates, 4);
});
