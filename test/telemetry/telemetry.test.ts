// Telemetry as the app meets it: it changes no result, makes nobody wait for long, and speaks of its own trouble once an hour.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { version } from '../../src/platform/version.ts';
import { telemetryFlushMs, telemetryLogMs } from '../../src/platform/limits.ts';
import { Secret } from '../../src/platform/secret.ts';
import type { TelemetrySettings } from '../../src/platform/settings/types.ts';
import type { ProcessTelemetry } from '../../src/platform/telemetry.ts';
import { createTelemetry, type TelemetryParts } from '../../src/telemetry/telemetry.ts';
import { ManualClock } from '../support/clock.ts';
import { startOtlpReceiver } from '../support/otlp.ts';

const receiver = await startOtlpReceiver();
after(() => receiver.close());
beforeEach(() => {
  receiver.answer = 200;
});

const about = { name: 'getUser', requestId: 'id', http: { method: 'GET', route: 'users/{userId}' } };
const ok = () => ({ outcome: 'ok', status: 200 }) as const;

interface Started {
  readonly telemetry: ProcessTelemetry;
  readonly clock: ManualClock;
  readonly failures: string[];
}

async function start(
  more: Partial<TelemetryParts> = {},
  settings: Partial<TelemetrySettings> = {},
): Promise<Started> {
  const clock = new ManualClock();
  const failures: string[] = [];
  const otlp = { endpoint: receiver.url, headers: { 'x-key': new Secret('word') } };
  const telemetry = await createTelemetry(
    { serviceName: 'clinic', otlp, ...settings },
    {
      clock,
      instance: 'one',
      credential: undefined,
      failed: (place, error) => failures.push(error instanceof Error ? place : 'no reason'),
      ...more,
    },
  );
  return { telemetry, clock, failures };
}

test('an invocation answers what its work answers, and fails as it fails', async () => {
  const { telemetry } = await start();
  assert.equal(await telemetry.invocation(about, async () => 7, ok), 7);
  const error = new Error('canary');
  const failing = telemetry.invocation(about, () => Promise.reject(error), ok);
  await assert.rejects(failing, (thrown) => thrown === error);
  await telemetry.flush();
  assert.deepEqual(
    receiver.spans.map(({ name, failed, attributes }) => [name, failed, attributes['telehealth.outcome']]),
    [
      ['GET users/{userId}', false, 'ok'],
      ['GET users/{userId}', true, 'failed'],
    ],
  );
  assert.deepEqual(receiver.raw.map(({ path }) => path).sort(), ['/v1/metrics', '/v1/traces']);
  const resource = { 'service.name': 'clinic', 'service.version': version, 'service.instance.id': 'one' };
  assert.deepEqual(receiver.resources, [resource, resource]);
  const { headers = [] } = receiver.raw[0] ?? {};
  assert.equal(headers[headers.indexOf('x-key') + 1], 'word');
  assert.ok(!JSON.stringify(receiver.raw).includes('canary'));
});

test("the host's trace goes on where it has one, and nothing is sent of one that it samples away", async () => {
  const { telemetry } = await start();
  const known = receiver.spans.length;
  const trace = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';
  for (const traceParent of [`00-${trace}-01`, `00-${trace}-00`, '', 'nonsense', undefined])
    await telemetry.invocation({ ...about, traceParent }, async () => undefined, ok);
  await telemetry.flush();
  const shown = receiver.spans
    .slice(known)
    .map(({ traceId, parentId }) => `${traceId}-${parentId}` === trace);
  assert.deepEqual(shown, [true, false, false, false]);
  const answers = receiver.points.findLast(({ name }) => name === 'telehealth.http.answers');
  assert.equal(answers?.value, 5);
});

test('how long an invocation took is told in seconds', async () => {
  const { telemetry, clock } = await start();
  await telemetry.invocation(about, () => clock.advance(1500), ok);
  await telemetry.flush();
  const took = receiver.points.findLast(({ name }) => name === 'telehealth.http.duration');
  assert.deepEqual([took?.value, took?.sum], [1, 1.5]);
  assert.equal(clock.sleeping, 0, 'nobody waits for what has been sent');
});

test('a gauge is sent when it was measured and not again, a counter each time', async () => {
  const { telemetry } = await start();
  telemetry.event('rotation_client', { secretName: 'one', outcome: 'noop', daysToExpiry: 12.5 });
  await telemetry.flush();
  const first = receiver.points.length;
  await telemetry.flush();
  const names = receiver.points.slice(first).map(({ name }) => name);
  assert.deepEqual(names, ['telehealth.rotation.runs']);
  assert.ok(receiver.points.some(({ name, value }) => name.endsWith('days_to_expiry') && value === 12.5));
});

test('a receiver that never answers is waited for no longer than is said', async () => {
  const { telemetry, clock } = await start();
  receiver.answer = 'hang';
  await telemetry.invocation(about, async () => undefined, ok);
  const asked = receiver.raw.length;
  let done = false;
  const flushed = telemetry.flush().then(() => {
    done = true;
  });
  while (receiver.raw.length < asked + 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await clock.advance(telemetryFlushMs - 1);
  assert.equal(done, false);
  await clock.advance(1);
  assert.equal(done, true);
  await flushed;
  assert.equal(clock.sleeping, 0);
});

test('a receiver that refuses is told of once an hour', async () => {
  const { telemetry, clock, failures } = await start();
  receiver.answer = 400;
  const send = async (): Promise<number> => {
    await telemetry.invocation(about, async () => undefined, ok);
    await telemetry.flush();
    return failures.length;
  };
  assert.deepEqual([await send(), await send()], [1, 1]);
  await clock.advance(telemetryLogMs - 1);
  assert.equal(await send(), 1);
  await clock.advance(1);
  assert.equal(await send(), 2);
  assert.deepEqual(new Set(failures), new Set(['OTLP']));
});

test('what is sent belongs to no invocation, even where one waits for it', async () => {
  const recorded: boolean[] = [];
  const credential = {
    async getToken(): Promise<never> {
      const { span } = telemetry.instrumenter.startSpan('ManagedIdentityCredential.getToken', {
        packageName: '@azure/identity',
      });
      recorded.push(span.isRecording());
      throw new Error('no identity');
    },
  };
  const connectionString = new Secret(
    'instrumentationkey=7e1e4ea1-7000-4000-8000-000000000001;ingestionendpoint=https://127.0.0.1:1/',
  );
  const { telemetry, failures } = await start(
    { credential },
    { otlp: undefined, azureMonitor: { connectionString } },
  );
  await telemetry.invocation(about, async () => undefined, ok);
  await telemetry.invocation(
    about,
    async () => {
      void telemetry.flush();
      while (recorded.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    ok,
  );
  assert.deepEqual([...new Set(recorded)], [false]);
  assert.deepEqual(failures, ['Azure Monitor']);
});
