// Telemetry is there before the first call and is waited for at the end; one that cannot be had is told, and missed by nobody.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Secret } from '../../src/platform/secret.ts';
import type { TelemetrySettings } from '../../src/platform/settings/types.ts';
import type { Telemetry } from '../../src/platform/telemetry.ts';
import { ManualClock } from '../support/clock.ts';
import { startOtlpReceiver } from '../support/otlp.ts';
import { hooks, startTelemetry } from './registry.ts';

const receiver = await startOtlpReceiver();
after(() => receiver.close());
const clientId = 'of-the-host';

interface Started {
  readonly telemetry: Telemetry;
  readonly told: readonly string[];
  /** As the worker does at its start, and at its end. */
  readonly begin: () => unknown;
  readonly end: () => unknown;
}

function start(settings: Partial<TelemetrySettings>): Started {
  const told: string[] = [];
  const value = { serviceName: 'clinic', otlp: undefined, azureMonitor: undefined, ...settings };
  const parts = {
    ...{ clock: new ManualClock(), uuid: () => 'a-uuid' },
    credential: ({ clientId }: { readonly clientId?: string | undefined }) => {
      told.push(`signs in as ${clientId ?? ''}`);
      return { getToken: () => Promise.reject(new Error('no identity')) };
    },
  };
  const telemetry = startTelemetry({ state: 'on', value }, parts, {
    notLoaded: (error) => told.push(`not loaded: ${String(error instanceof Error)}`),
    notSent: (place) => told.push(`not sent: ${place}`),
  });
  const [begin, end] = [hooks('appStart').at(-1), hooks('appTerminate').at(-1)];
  assert.ok(begin && end);
  return { telemetry, told, begin: () => begin({}), end: () => end({}) };
}

const otlp = { endpoint: receiver.url, headers: {} };
const call = async ({ telemetry }: Started): Promise<number> => {
  const about = { name: 'getUser', requestId: 'id', http: { method: 'GET', route: 'users/{userId}' } };
  telemetry.event('token_issued', {});
  return telemetry.invocation(
    about,
    async () => 7,
    () => ({ outcome: 'ok', status: 200 }),
  );
};

test('the first call is traced, and the end waits until all is sent', async () => {
  const started = start({ otlp });
  await started.begin();
  assert.equal(await call(started), 7);
  await started.end();
  assert.deepEqual(
    receiver.spans.map(({ name }) => name),
    ['GET users/{userId}'],
  );
  assert.ok(receiver.points.some(({ name }) => name === 'telehealth.tokens.issued'));
  assert.equal(receiver.resources[0]?.['service.instance.id'], 'a-uuid');
  await call(started);
  await started.telemetry.flush();
  assert.equal(receiver.spans.length, 2);
  assert.deepEqual(started.told, []);
});

test('what is not taken is told', async () => {
  receiver.answer = 400;
  const started = start({ otlp });
  await started.begin();
  await call(started);
  await started.end();
  assert.deepEqual(started.told, ['not sent: OTLP']);
});

test('Azure Monitor is signed in to as whom the settings name', async () => {
  const connectionString = new Secret(
    'instrumentationkey=7e1e4ea1-7000-4000-8000-000000000001;ingestionendpoint=https://127.0.0.1:1/',
  );
  const started = start({
    azureMonitor: { connectionString, credential: { clientId, managedIdentity: true } },
  });
  await started.begin();
  await call(started);
  await started.end();
  assert.deepEqual(started.told, [`signs in as ${clientId}`, 'not sent: Azure Monitor']);
});

test('without telemetry the app starts, serves and stops', async () => {
  const started = start({ azureMonitor: { connectionString: new Secret('nonsense') } });
  await started.begin();
  assert.equal(await call(started), 7);
  await started.end();
  assert.deepEqual(started.told, ['not loaded: true']);
});
