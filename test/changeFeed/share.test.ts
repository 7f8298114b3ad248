// How the time of a run is shared among services, on a clock that stands still until it is moved.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withinShare } from '../../src/changeFeed/share.ts';
import type { Clock } from '../../src/platform/clock.ts';

class Stage implements Clock {
  time = 0;
  waiting = true;
  readonly runSignal = new AbortController();
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();
  readonly now = (): number => this.time;
  readonly monotonic = (): number => this.time;
  readonly run = {
    requestId: 'a run',
    signal: this.runSignal.signal,
    remainingMs: () => Math.max(0, 240_000 - this.time),
  };

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const sleeper = { until: this.time + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason as Error);
      });
    });

  get sleepers(): number {
    return this.#sleepers.size;
  }

  async to(time: number): Promise<void> {
    this.time = time;
    for (const { until, wake } of this.#sleepers) if (until <= time) wake();
    await new Promise(setImmediate);
  }

  share<T>(work: Parameters<typeof withinShare<T>>[1]): Promise<T> {
    const othersWait = (): boolean => this.waiting;
    return withinShare({ run: this.run, shareMs: 60_000, othersWait, clock: this }, work);
  }
}

test('while others wait the time is that of the share, and ends with it', async () => {
  const stage = new Stage();
  const left: number[] = [];
  const ended = stage.share(async ({ signal, remainingMs }) => {
    left.push(remainingMs());
    await stage.to(50_000);
    left.push(remainingMs());
    await stage.to(60_000);
    left.push(remainingMs());
    return signal.aborted;
  });
  assert.equal(await ended, true);
  assert.deepEqual(left, [60_000, 10_000, 0]);
});

test('once nobody waits any more all that is left of the run is for who is at work', async () => {
  const stage = new Stage();
  const left: number[] = [];
  await stage.share(async ({ signal, remainingMs }) => {
    stage.waiting = false;
    left.push(remainingMs());
    await stage.to(61_000);
    left.push(remainingMs());
    assert.equal(signal.aborted, false);
    stage.runSignal.abort(new Error('the run is over'));
    assert.equal(signal.aborted, true);
    left.push(remainingMs());
  });
  assert.deepEqual(left, [240_000, 179_000, 0]);
});

test('a share never goes beyond the run, and leaves no timer behind', async () => {
  const stage = new Stage();
  await stage.to(200_000);
  assert.equal(await stage.share(({ remainingMs }) => Promise.resolve(remainingMs())), 40_000);
  await assert.rejects(
    stage.share(() => Promise.reject(new Error('work failed'))),
    /work failed/,
  );
  assert.equal(stage.sleepers, 0);
});
