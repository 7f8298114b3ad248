// What telemetry is told of each invocation: its route or name, its request id, its events and how it ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { telemetryFailures } from '../../src/functions/startUp.ts';
import { AppError } from '../../src/platform/errors.ts';
import { HealthBoard } from '../../src/platform/health.ts';
import type { Invocation, InvocationEnd, Telemetry } from '../../src/platform/telemetry.ts';
import { ManualClock } from '../support/clock.ts';
import { call, fire, http, testContext, timer, type TestContext } from './registry.ts';

interface Told {
  readonly context: TestContext;
  readonly invocations: readonly (readonly [Invocation, InvocationEnd])[];
  readonly steps: readonly string[];
}

/** A context whose telemetry writes down what it is told, in order. */
function listening(): Told {
  const invocations: [Invocation, InvocationEnd][] = [];
  const steps: string[] = [];
  const telemetry: Telemetry = {
    async invocation(about, work, endOf) {
      steps.push('begin');
      const result = await work();
      invocations.push([about, endOf(result)]);
      steps.push('end');
      return result;
    },
    event: (name, fields) => void steps.push(`${name} ${Object.values(fields).join()}`),
    flush: async () => void steps.push('flush'),
  };
  return { context: { ...testContext(), telemetry }, invocations, steps };
}

let count = 0;
function register(told: Told, status: 200 | 404 | Error): string {
  count += 1;
  const name = `call${String(count)}`;
  http(told.context, {
    ...{ name, method: 'GET', route: `things/{id}/${name}`, authLevel: 'function' },
    section: { state: 'on', value: 'part' },
    handle: async ({ log }) => {
      log.info('worked', { number: 7 });
      if (status instanceof Error) throw status;
      return { status };
    },
  });
  return name;
}

test('a call is told with the template of its route, its request id and its events, and nobody waits for sending', async () => {
  const told = listening();
  const name = register(told, 200);
  const { log } = await call(name, { method: 'GET', url: 'http://localhost/api/things/canary' });
  assert.deepEqual(told.invocations, [
    [
      {
        ...{ name, requestId: 'invocation-1', traceParent: undefined },
        http: { method: 'GET', route: `things/{id}/${name}` },
      },
      { outcome: 'ok', status: 200 },
    ],
  ]);
  assert.deepEqual(told.steps, ['begin', 'worked 7', 'end']);
  assert.match(log.join(), /"event":"worked".*"number":7/);
});

test('a call ends as its status says', async () => {
  const outcomes: [200 | 404 | Error, InvocationEnd][] = [
    [404, { outcome: 'refused', status: 404 }],
    [new AppError('forbidden', 'No.'), { outcome: 'refused', status: 403 }],
    [new AppError('upstream_failed', 'No.'), { outcome: 'failed', status: 502 }],
    [new Error('canary'), { outcome: 'failed', status: 500 }],
  ];
  for (const [answer, end] of outcomes) {
    const told = listening();
    await call(register(told, answer), { method: 'GET' });
    assert.deepEqual(told.invocations[0]?.[1], end);
  }
});

test('what a run of a timer has to tell is sent when it has ended, well or not', async () => {
  for (const [failure, outcome] of [
    [undefined, 'ok'],
    [new AppError('upstream_failed', 'No.'), 'failed'],
  ] as const) {
    const told = listening();
    count += 1;
    const name = `run${String(count)}`;
    timer(told.context, {
      ...{ name, schedule: '0 7 * * * *', section: { state: 'on', value: 'part' } },
      budgetMs: () => 1000,
      work: async () => {
        if (failure) throw failure;
      },
    });
    const { error } = await fire(name);
    assert.equal(error !== undefined, outcome === 'failed');
    assert.deepEqual(told.invocations, [
      [{ name, requestId: 'invocation-1', traceParent: undefined }, { outcome }],
    ]);
    assert.deepEqual(told.steps.slice(-2), ['end', 'flush']);
  }
});

test('telemetry that is not taken is told to operators by its place and code, and makes nothing unwell', (t) => {
  const { mock } = t.mock.method(console, 'warn', () => undefined);
  const board = new HealthBoard(new ManualClock('2026-03-01T12:00:00.000Z'));
  const refused = Object.assign(new Error('refused at https://x.example/?sig=canary'), { code: 401 });
  telemetryFailures(board).notSent('OTLP', refused);
  assert.ok(board.ok());
  assert.deepEqual(board.parts()['telemetry'], {
    ...{ ok: true, time: '2026-03-01T12:00:00.000Z' },
    detail: 'OTLP did not take what it was sent (401): that is lost.',
  });
  const line = String(mock.calls[0]?.arguments[0]);
  assert.match(line, /^\{"event":"telemetry_not_sent","place":"OTLP",.*"code":401/);
  assert.doesNotMatch(line, /canary/);
});

test('telemetry that cannot be loaded is told to operators with what to deploy, and no probe takes the app away for it', (t) => {
  const { mock } = t.mock.method(console, 'error', () => undefined);
  const board = new HealthBoard(new ManualClock('2026-03-01T12:00:00.000Z'));
  telemetryFailures(board).notLoaded(new Error('no such file'));
  assert.ok(board.ok());
  assert.equal(board.parts()['telemetry']?.ok, false);
  assert.match(board.parts()['telemetry']?.detail ?? '', /telemetry\.cjs/);
  assert.match(String(mock.calls[0]?.arguments[0]), /^\{"event":"telemetry_not_loaded",.*no such file/);
});
