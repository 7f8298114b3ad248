// One run of everything with the packaged app, with receivers of its telemetry: what they got, and what must not be in it.
import assert from 'node:assert/strict';
import { demo } from '../../local/demo.ts';
import { uidsOf } from '../../local/dicomFiles.ts';
import { apiOf } from './api.ts';
import { startMonitorReceiver, type MonitorReceiver } from './azureMonitor.ts';
import { startOwnStack, type OwnHost, type OwnStack } from './hosts.ts';
import { storeImages } from './images.ts';
import { startOtlpReceiver, type OtlpReceiver } from './otlp.ts';
import { runTimer } from './timers.ts';
import { signInNewUser, token } from './users.ts';

export type Canary = readonly [what: string, text: string];

/** What the host has begun before the app is called. */
export const trace = { id: '0af7651916cd43dd8448eb211c80319c', parent: 'b7ad6b7169203331' };

export interface TelemetryRun {
  readonly otlp: OtlpReceiver;
  readonly monitor: MonitorReceiver;
  readonly output: () => string;
  /** What a word stands for, and the word. */
  readonly canaries: readonly Canary[];
  close(): Promise<void>;
}

const again = { status: 503, headers: { 'retry-after': '0' } };
const faults = [
  { service: 'dicom', path: '/changefeed/latest', times: 1, effect: again },
  { service: 'graph', method: 'GET', path: '/applications[(]', times: 1, effect: { ...again, status: 429 } },
  { service: 'subscriber', times: 1, effect: again },
];

export async function startOneOfEverything(): Promise<TelemetryRun> {
  const otlp = await startOtlpReceiver();
  const monitor = await startMonitorReceiver();
  const own = await startOwnStack({
    CHANGE_FEED_METADATA: 'full',
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=canary-of-the-receiver',
  });
  const routes = JSON.parse(own.stack.hostEnvironment['LOCAL_ROUTES'] ?? '') as Record<string, string>;
  const host = await own.startHost({
    LOCAL_ROUTES: JSON.stringify({ ...routes, monitor: monitor.url }),
    APPLICATIONINSIGHTS_CONNECTION_STRING:
      'InstrumentationKey=7e1e4ea1-7000-4000-8000-0000000000ff;IngestionEndpoint=https://demo-1.in.applicationinsights.azure.com/',
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD',
  });
  const seen = await useEverything(own, host);
  await host.stop();
  return {
    ...{ otlp, monitor, output: host.output },
    canaries: [...seen, ...canariesOf(own, host)],
    async close() {
      await Promise.all([otlp.close(), monitor.close()]);
    },
  };
}

/** A user gets a token, another one's identity is perhaps lost, a backend is refused, and each timer runs. */
async function useEverything({ stack }: OwnStack, host: OwnHost): Promise<readonly Canary[]> {
  const api = apiOf(host.run);
  await storeImages(host.run, studies);
  for (const rule of faults) await api.fault(rule);
  const traceparent = `00-${trace.id}-${trace.parent}-01`;
  const headers = { authorization: `Bearer ${stack.demo.bearer}`, traceparent };
  const issued = (await api.plain('POST', 'tokens', { headers })).json(token);
  const other = await signInNewUser(api);
  await api.fault({ service: 'communication', path: '^/identities$', times: 1, effect: { drop: 'after' } });
  const lost = await api.user('POST', 'tokens', { bearer: other.bearer });
  assert.ok(lost.status >= 500, lost.text);
  const refused = await api.operation('POST', `users/${other.userId}/tokens`, { scopes: ['pstn'] });
  assert.equal(refused.status, 400);
  const watched = { url: host.url, masterKey: host.run.keys.master, output: host.output };
  await Promise.all(
    ['cleanUpIdentities', 'rotateSecrets', 'pullChangeFeed'].map((name) => runTimer(watched, name)),
  );
  const range = { service: demo.dicomUrl, from: 1, reason: 'a drill' };
  const replay = await api.operation('POST', 'change-feed/replays', range);
  assert.equal(replay.status, 202, replay.text);
  assert.equal((await api.operation('POST', 'change-feed/runs')).status, 200);
  return [
    ['an ACS token', issued.token],
    ['an ACS identity', issued.user.communicationUserId],
    ['another bearer', other.bearer],
    ['another user', other.userId],
    ['a user as the backend names it', other.userId.split('.')[2] ?? ''],
  ];
}

const studies = ['canary one', 'canary two'];

function canariesOf({ stack }: OwnStack, { run, output }: OwnHost): readonly Canary[] {
  const { bearer, dicomBearer, userId } = stack.demo;
  const keys = [...stack.cloud.directory.applications.values()].flatMap(
    ({ passwordCredentials }) => passwordCredentials,
  );
  assert.ok(keys.length > 0, output());
  return [
    ['the bearer of a user', bearer],
    ['the bearer of a gateway', dicomBearer],
    ['a user', userId],
    ["a user's id", demo.user.oid],
    ["a user's name", demo.user.name],
    ['the key of the host', run.keys.master],
    ['the key of the functions', run.keys.function],
    ['what lets in to the managed identity', demo.identityHeader],
    ['the key of the storage', /AccountKey=([^;]+)/.exec(stack.azure.storage)?.[1] ?? ''],
    ['the key of the webhook', 'sig=local'],
    ['the key of the receiver', 'canary-of-the-receiver'],
    ['a patient', 'Fictitious'],
    ["a patient's id", 'NOBODY-1'],
    ...keys.map(({ secretText }): Canary => ['a client secret', secretText.slice(0, 12)]),
    ...keys.map(({ keyId }): Canary => ['the id of a key', keyId]),
    ...studies.flatMap((study) => Object.values(uidsOf({ study })).map((uid): Canary => ['a UID', uid])),
  ];
}
