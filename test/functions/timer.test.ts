// Timer functions and the start-up lines: runs that fail visibly, in our own words, and note how they fared.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { reportSettings } from '../../src/functions/startUp.ts';
import type { TimerJob } from '../../src/functions/timer.ts';
import { AppError } from '../../src/platform/errors.ts';
import { cleanUpBudgetMs, feedBudgetMaxSeconds, rotationBudgetMs } from '../../src/platform/limits.ts';
import type { Run } from '../../src/platform/run.ts';
import { version } from '../../src/platform/version.ts';
import { fire, registered, testContext, timer, type TestContext } from './registry.ts';

let count = 0;
function register(
  work: TimerJob<string>['work'],
  { context = testContext(), ...own }: Partial<TimerJob<string>> & { readonly context?: TestContext } = {},
): { readonly name: string; readonly context: TestContext } {
  count += 1;
  const name = `timer${String(count)}`;
  const rest = {
    schedule: '0 7 * * * *',
    section: { state: 'on', value: 'part' },
    budgetMs: () => 1000,
  } as const;
  timer(context, { name, ...rest, ...own, work });
  return { name, context };
}

test('the schedule is written out, and nothing runs at the start', () => {
  const { name } = register(async () => undefined);
  const [binding] = Object.values(registered(name)?.metadata.bindings ?? {});
  assert.deepEqual([binding?.type, binding?.['schedule']], ['timerTrigger', '0 7 * * * *']);
  assert.ok(!binding?.['runOnStartup']);
});

test('a timer of a capability that is off is not registered', () => {
  const { name } = register(async () => undefined, { section: { state: 'off' } });
  assert.equal(registered(name), undefined);
});

test('a run gets its part and its budget, and is noted as well', async () => {
  const seen: unknown[] = [];
  const { name, context } = register(
    async (part, { remainingMs, requestId }, log) => {
      seen.push(part, remainingMs(), requestId);
      log.info('worked');
    },
    { budgetMs: (part) => part.length * 10 },
  );
  const { error, log } = await fire(name);
  assert.equal(error, undefined);
  assert.deepEqual(seen, ['part', 40, 'invocation-1']);
  assert.deepEqual(log, [`information {"event":"worked","function":"${name}","requestId":"invocation-1"}`]);
  assert.equal(context.health.parts()[name]?.ok, true);
  assert.equal(context.clock.sleeping, 0);
});

test('a failure is thrown in our own words only, logged without secrets and noted', async () => {
  const upstream = new Error('AccountKey=canary;', { cause: new Error('https://x.example/?sig=canary') });
  const failures: readonly (readonly [unknown, string])[] = [
    [new AppError('upstream_failed', 'A rotation failed.', { cause: upstream }), 'A rotation failed.'],
    [upstream, 'Error'],
    [Object.freeze(new TypeError('canary')), 'TypeError'],
    ['canary', 'unknown error'],
  ];
  for (const [failure, words] of failures) {
    const { name, context } = register(async () => {
      throw failure as Error;
    });
    const { error, log } = await fire(name);
    assert.ok(error instanceof Error);
    assert.equal(error.message, `${name}: ${words}`);
    assert.equal(error.cause, undefined);
    assert.ok(!Object.isFrozen(error));
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /^error \{"event":"run_failed"/);
    const { ok, detail } = context.health.parts()[name] ?? {};
    assert.deepEqual([ok, detail], [false, words]);
    const shown = [String(error.stack), detail, ...log.filter((line) => !line.includes('TypeError'))].join();
    assert.doesNotMatch(shown, /canary/);
  }
});

test('a timer that fared badly and then well is well again', async () => {
  let bad = true;
  const { name, context } = register(async () => {
    if (bad) throw new Error('x');
  });
  await fire(name);
  bad = false;
  await fire(name);
  assert.equal(context.health.ok(), true);
});

test('a misconfigured capability fails each run and names every setting', async () => {
  const problems = [
    { setting: 'KEY_VAULT_URL', problem: 'missing' },
    { setting: 'ROTATION_SCHEDULE', problem: 'found "x"' },
  ];
  const section = { state: 'misconfigured', problems } as const;
  const { name, context } = register(() => assert.fail('nothing may run'), { section });
  const { error } = await fire(name);
  assert.equal((error as Error).message, `${name}: KEY_VAULT_URL: missing; ROTATION_SCHEDULE: found "x"`);
  assert.equal(context.health.parts()[name]?.ok, false);
});

test('the signal of a run aborts at the end of its budget and at a shutdown', async () => {
  const ends: readonly ((context: TestContext) => unknown)[] = [
    ({ clock }) => clock.advance(1000),
    ({ stop }) => {
      stop.abort(new Error('the process is shutting down'));
    },
  ];
  for (const end of ends) {
    let run: Run | undefined;
    const { name, context } = register(async (_part, given) => {
      run = given;
      await end(context);
      given.signal.throwIfAborted();
    });
    const { error } = await fire(name);
    assert.match(String(error), /Error: timer\d+: Error$/);
    assert.equal(run?.remainingMs(), 0);
  }
});

/** What the start-up wrote to the console, as `level line`. */
function startUp(context: TestContext): readonly string[] {
  const lines: string[] = [];
  const { info, warn, error } = console;
  const at = (level: string) => (line: string) => void lines.push(`${level} ${line}`);
  Object.assign(console, { info: at('info'), warn: at('warn'), error: at('error') });
  try {
    reportSettings(context);
  } finally {
    Object.assign(console, { info, warn, error });
  }
  return lines;
}

test('the start-up says its release, and in one line each what is off', () => {
  const context = testContext();
  assert.deepEqual(startUp(context), [
    `info telehealth-functions: release ${version}`,
    'info communication: off, none of its settings is set',
    'info rotation: off, none of its settings is set',
    'info changeFeed: off, none of its settings is set',
    'info telemetry: off, none of its settings is set',
  ]);
  assert.ok(context.health.ok());
});

test('bad settings of telemetry are told, and make no probe take away an app that works', () => {
  const context = testContext({ OTEL_EXPORTER_OTLP_ENDPOINT: 'x' });
  assert.ok(startUp(context).includes('warn telemetry: misconfigured, nothing is sent'));
  assert.equal(context.health.parts()['telemetry']?.ok, false);
  assert.ok(context.health.ok());
});

test('the start-up says what is on, what is wrong and why, in one message, and the health knows it', () => {
  const context = testContext({
    ...{ AzureWebJobsStorage: 'UseDevelopmentStorage=true', AUTH_OPERATOR_ROLE: 'none' },
    ...{ DICOM_SERVICE_URL: 'https://x.example', CHANGE_FEED_START: 'latest', KEY_VAULT_URL: 'x' },
  });
  const lines = startUp(context);
  assert.deepEqual(lines.slice(0, 5), [
    `info telehealth-functions: release ${version}`,
    'info communication: off, none of its settings is set',
    'warn rotation: misconfigured, its routes answer 503 and its timer fails',
    'info changeFeed: on',
    'info telemetry: off, none of its settings is set',
  ]);
  assert.equal(lines.length, 6);
  assert.match(
    lines[5] ?? '',
    /^error Settings with problems: 4\n {2}\w+: .*\n {2}\w+: .*\n {2}\w+: .*\n {2}\w+: .*$/,
  );
  assert.match(lines[5] ?? '', /KEY_VAULT_URL: found "x"; expected/);
  assert.match(context.health.parts()['rotation']?.detail ?? '', /KEY_VAULT_URL: found "x"/);
  assert.ok(!context.health.ok());
});

test('a single problem of the settings is told as well', () => {
  const lines = startUp(
    testContext({
      ...{ AzureWebJobsStorage: 'UseDevelopmentStorage=true', CHANGE_FEED_START: 'latest' },
      DICOM_SERVICE_URL: 'https://x.example',
    }),
  );
  assert.match(lines.at(-1) ?? '', /^error Settings with problems: 1\n {2}AUTH_OPERATOR_ROLE: missing; .*$/);
});

test('even the longest run ends a minute before the host would end the worker', () => {
  const text = readFileSync(new URL('../../host.json', import.meta.url), 'utf8');
  const [, hours, minutes, seconds] = /"functionTimeout": "(\d\d):(\d\d):(\d\d)"/.exec(text) ?? [];
  const limitMs = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  const longestMs = Math.max(cleanUpBudgetMs, rotationBudgetMs, feedBudgetMaxSeconds * 1000);
  assert.ok(longestMs + 60_000 <= limitMs, `${longestMs} of ${limitMs} ms`);
});
