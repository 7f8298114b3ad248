// Timer runs, on a clock that the tests move.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { TimerFunction } from '../../../local/host/catalog.ts';
import type { RetryOptions } from '../../../local/host/core.ts';
import type { Call, Invoker } from '../../../local/host/invoke.ts';
import { parseSchedule } from '../../../local/host/schedule.ts';
import { createTimer, type HostTimer } from '../../../local/host/timers.ts';
import { runApp } from './kit.ts';

const start = Date.UTC(2026, 0, 1, 10, 2, 3, 500);
interface Running {
  readonly timer: HostTimer;
  /** One for each call of the function. */
  readonly calls: readonly Call[];
  /** Ends the oldest call that runs. */
  readonly end: (error?: Error) => Promise<void>;
  /** Moves the clock and lets what is due happen. */
  readonly pass: (ms: number) => Promise<void>;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

function running(
  t: TestContext,
  {
    schedule,
    retry,
    ...rest
  }: Partial<Omit<TimerFunction, 'schedule'>> & { schedule: string; retry?: RetryOptions },
): Running {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: start });
  const calls: Call[] = [];
  const ends: PromiseWithResolvers<undefined>[] = [];
  const invoker: Pick<Invoker, 'run'> = {
    run(call) {
      calls.push(call);
      const end = Promise.withResolvers<undefined>();
      ends.push(end);
      return end.promise;
    },
  };
  const parsed = parseSchedule(schedule);
  const registered = {
    metadata: { name: 'tick', bindings: {}, retryOptions: retry },
    callback: () => undefined,
  };
  const timer = createTimer(
    {
      type: 'timerTrigger',
      name: 'tick',
      binding: 'timer1',
      disabled: false,
      scheduleText: schedule,
      schedule: parsed,
      useMonitor: parsed.monitored,
      runOnStartup: false,
      registered,
      ...rest,
    },
    invoker,
  );
  t.after(() => {
    timer.stop();
  });
  return {
    timer,
    calls,
    async end(error) {
      const oldest = ends.shift();
      if (error === undefined) oldest?.resolve(undefined);
      else oldest?.reject(error);
      await settled();
    },
    async pass(ms) {
      t.mock.timers.tick(ms);
      await settled();
    },
  };
}

function shown(call: Call | undefined): unknown {
  const data = call?.input.data as { json: string };
  return JSON.parse(data.json);
}

test('the first run shows a status without a last time, the second the times of the first', async (t) => {
  const { timer, calls, end, pass } = running(t, { schedule: '0 */5 * * * *' });
  timer.start();
  await pass(176_499);
  assert.equal(calls.length, 0);
  await pass(1);
  assert.deepEqual(shown(calls[0]), {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: {
      Last: '0001-01-01T00:00:00+00:00',
      Next: '2026-01-01T10:05:00.000+00:00',
      LastUpdated: '2026-01-01T10:02:03.500+00:00',
    },
    IsPastDue: false,
  });
  assert.equal(calls[0]?.reason, 'Timer fired at 2026-01-01T10:05:00.000+00:00');
  await pass(2000);
  await end();
  await pass(298_000);
  assert.deepEqual((shown(calls[1]) as { ScheduleStatus: unknown }).ScheduleStatus, {
    Last: '2026-01-01T10:05:00.000+00:00',
    Next: '2026-01-01T10:10:00.000+00:00',
    LastUpdated: '2026-01-01T10:05:02.000+00:00',
  });
});

test('under a minute, or with useMonitor off, there is no status', async (t) => {
  const { timer, calls } = running(t, { schedule: '*/30 * * * * *' });
  void timer.fire();
  assert.deepEqual(shown(calls[0]), {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: null,
    IsPastDue: false,
  });
  const host = await runApp(
    t,
    `app.timer('tick', { schedule: '0 0 0 1 1 *', useMonitor: false, handler: (timer) => { globalThis.shown = timer; } });`,
  );
  assert.equal(await host.host.fireTimer('tick'), true);
  assert.deepEqual((globalThis as unknown as { shown: unknown }).shown, {
    schedule: { adjustForDST: true },
    scheduleStatus: null,
    isPastDue: false,
  });
});

test('runs never overlap: what falls into a run is skipped', async (t) => {
  const { timer, calls, end, pass } = running(t, { schedule: '0 * * * * *' });
  timer.start();
  await pass(56_500);
  await pass(150_000);
  assert.equal(calls.length, 1);
  await end();
  assert.equal(calls.length, 1);
  await pass(30_000);
  assert.equal(calls.length, 2);
});

test('a run by the admin route does not wait for the one in progress and is not retried', async (t) => {
  const { timer, calls, end } = running(t, { schedule: '0 * * * * *', retry: { maxRetryCount: 5 } });
  void timer.fire();
  const manual = timer.runNow();
  assert.equal(calls.length, 2);
  await end();
  await end(new Error('failed'));
  assert.equal(await manual, false);
  assert.equal(calls.length, 2);
});

test('fixedDelay with two retries makes three attempts, each knowing the one before', async (t) => {
  const retry: RetryOptions = {
    retryStrategy: 'fixedDelay',
    maxRetryCount: 2,
    delayInterval: { seconds: 7 },
  };
  const { timer, calls, end, pass } = running(t, { schedule: '0 * * * * *', retry });
  const run = timer.fire();
  await end(new Error('first'));
  await pass(6999);
  assert.equal(calls.length, 1);
  await pass(1);
  await end(new Error('second'));
  await pass(7000);
  await end(new Error('third'));
  assert.equal(await run, false);
  assert.deepEqual(
    calls.map(({ retryContext }) => retryContext),
    [
      undefined,
      { retryCount: 1, maxRetryCount: 2, exception: { message: 'first' } },
      { retryCount: 2, maxRetryCount: 2, exception: { message: 'second' } },
    ],
  );
});

test('exponentialBackoff doubles its delay up to the maximum', async (t) => {
  const retry: RetryOptions = {
    retryStrategy: 'exponentialBackoff',
    maxRetryCount: -1,
    minimumInterval: { seconds: 4 },
    maximumInterval: { seconds: 10 },
  };
  const { timer, calls, end, pass } = running(t, { schedule: '0 * * * * *', retry });
  const run = timer.fire();
  for (const [index, ms] of [4000, 8000, 10_000].entries()) {
    await end(new Error('again'));
    await pass(ms - 1);
    assert.equal(calls.length, index + 1);
    await pass(1);
    assert.equal(calls.length, index + 2);
  }
  await end();
  assert.equal(await run, true);
});

test('a disabled timer is silent, runOnStartup runs at once, and a stopped timer runs no more', async (t) => {
  const { timer, calls, end, pass } = running(t, { schedule: '0 * * * * *', runOnStartup: true });
  timer.start();
  await pass(0);
  assert.equal(calls.length, 1);
  await end();
  timer.stop();
  await pass(600_000);
  assert.equal(calls.length, 1);
  t.mock.timers.reset();
  const silent = running(t, { schedule: '0 * * * * *', disabled: true });
  silent.timer.start();
  await silent.pass(600_000);
  assert.equal(silent.calls.length, 0);
});

test('a wait longer than a timeout can be is kept', async (t) => {
  const { timer, calls, pass } = running(t, { schedule: '0 0 0 1 12 *' });
  const setTimeoutSpy = t.mock.method(globalThis, 'setTimeout');
  timer.start();
  assert.deepEqual(setTimeoutSpy.mock.calls[0]?.arguments[1], 2 ** 31 - 1);
  const days = 86_400_000;
  for (let day = 0; day < 330; day += 10) await pass(10 * days);
  assert.equal(calls.length, 0);
  await pass(4 * days);
  assert.equal(calls.length, 1);
});

test('the host starts its timers', async (t) => {
  const ran = Promise.withResolvers<string>();
  Object.assign(globalThis, { ran: ran.resolve });
  const source = `app.timer('tick', { schedule: '0 0 0 1 1 *', runOnStartup: true,
    handler: (timer, context) => { globalThis.ran(context.functionName); } });`;
  await runApp(t, source);
  assert.equal(await ran.promise, 'tick');
});

test('an unknown timer is refused', async (t) => {
  const host = await runApp(t, `app.http('one', { handler: () => ({}) });`);
  await assert.rejects(host.host.fireTimer('one'), /There is no timer function 'one'/);
});
