// The time frame of a run, and the clock of the process.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/platform/clock.ts';
import { withinBudget, type Run } from '../../src/platform/run.ts';
import { ManualClock } from '../support/clock.ts';

const open = (): AbortSignal => new AbortController().signal;

async function ended(
  work: (run: Run) => Promise<unknown>,
  clock: ManualClock,
  shutdown = open(),
): Promise<unknown> {
  return withinBudget({ requestId: 'run-1', budgetMs: 1000, clock, shutdown }, work);
}

test('a run knows its id and what is left of its budget', async () => {
  const clock = new ManualClock();
  const seen: unknown[] = [];
  await ended(async ({ requestId, remainingMs, signal }) => {
    seen.push(requestId, remainingMs());
    await clock.advance(400);
    seen.push(remainingMs(), signal.aborted);
  }, clock);
  assert.deepEqual(seen, ['run-1', 1000, 600, false]);
});

test('when the budget is used up the signal aborts and nothing remains', async () => {
  const clock = new ManualClock();
  await ended(async ({ remainingMs, signal }) => {
    await clock.advance(1000);
    assert.ok(signal.aborted);
    assert.match(String(signal.reason), /the time budget of the run is used up/);
    assert.equal(remainingMs(), 0);
  }, clock);
});

test('when the process shuts down the signal aborts with its reason', async () => {
  const stop = new AbortController();
  await ended(
    async ({ remainingMs, signal }) => {
      stop.abort(new Error('the process is shutting down'));
      assert.match(String(signal.reason), /shutting down/);
      assert.equal(remainingMs(), 0);
    },
    new ManualClock(),
    stop.signal,
  );
});

test('no timer is left behind, however the work ends', async () => {
  const clock = new ManualClock();
  assert.equal(await ended(async () => 'done', clock), 'done');
  assert.equal(clock.sleeping, 0);
  const failure = new Error('x');
  await assert.rejects(
    ended(() => Promise.reject(failure), clock),
    failure,
  );
  const thrown = (): Promise<never> => {
    throw failure;
  };
  await assert.rejects(ended(thrown, clock), failure);
  assert.equal(clock.sleeping, 0);
});

test('the process clock ends a sleep with the reason of who gave up, at once', async () => {
  const stop = new AbortController();
  const reason = new Error('no longer needed');
  const asleep = systemClock.sleep(60_000, stop.signal);
  stop.abort(reason);
  await assert.rejects(asleep, reason);
  await assert.rejects(systemClock.sleep(60_000, stop.signal), reason);
  await systemClock.sleep(0);
  assert.ok(systemClock.monotonic() >= 0);
});
