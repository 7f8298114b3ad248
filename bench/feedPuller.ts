// One side of the change feed's benchmark, in a process whose memory is its own: the puller, or a reader of one page at a time.
import { randomUUID } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline';
import { createChangeFeed } from '../src/changeFeed/changeFeed.ts';
import { createAudit } from '../src/platform/audit.ts';
import { systemClock } from '../src/platform/clock.ts';
import { feedBudgetMaxSeconds } from '../src/platform/limits.ts';
import { auditContainer, type Platform } from '../src/platform/platform.ts';
import { createRestClient } from '../src/platform/restClient.ts';
import { withinBudget } from '../src/platform/run.ts';
import { Secret } from '../src/platform/secret.ts';
import type { ChangeFeedSettings, StorageSettings } from '../src/platform/settings/types.ts';
import { createStorage } from '../src/platform/storage.ts';
import type { PullResult } from './feedRuns.ts';

const [side, feed = '', storageText = '', container = '', changesText] = process.argv.slice(2);
const changes = Number(changesText);
const service = 'https://bench.dicom.azurehealthcareapis.com';
const scope = 'https://dicom.healthcareapis.azure.com/.default';
const credential = {
  getToken: () => Promise.resolve({ token: 'bench', expiresOnTimestamp: Date.now() + 3_600_000 }),
};

const wire = createDefaultHttpClient();
/** The SDK signs requests over https only; here they go to a loopback address. */
const httpClient: HttpClient = {
  sendRequest: (request) => {
    request.url = request.url.replace(service, feed);
    request.allowInsecureConnection = true;
    return wire.sendRequest(request);
  },
};

function settings(account: StorageSettings): ChangeFeedSettings {
  return {
    services: [service],
    scope,
    start: { kind: 'beginning' },
    sinks: ['blob'],
    container,
    queue: container,
    webhook: undefined,
    metadata: { kind: side === 'pullAll' ? 'full' : 'none' },
    pageSize: 100,
    settleSeconds: 60,
    auditHours: 24,
    budgetSeconds: feedBudgetMaxSeconds,
    operatorRole: 'none',
    state: account,
    deliveries: account,
    credential: { managedIdentity: true },
  };
}

async function pull(): Promise<void> {
  const account = { kind: 'connectionString', connectionString: new Secret(storageText) } as const;
  const storage = createStorage(account, () => credential);
  const platform: Platform = {
    clock: systemClock,
    random: Math.random,
    uuid: randomUUID,
    credential: () => credential,
    storage: () => storage,
    audit: () => createAudit(storage.container(auditContainer), systemClock, randomUUID),
    httpClient,
  };
  const quiet = (): undefined => undefined;
  const log = { info: quiet, warn: quiet, error: quiet };
  const puller = createChangeFeed(settings(account), platform);
  const frame = {
    requestId: 'bench',
    budgetMs: feedBudgetMaxSeconds * 1000,
    clock: systemClock,
    shutdown: new AbortController().signal,
  };
  const [report] = (await withinBudget(frame, (run) => puller.pull({ log, run }))).services;
  if (report?.outcome !== 'caught_up' || report.cursor !== changes)
    throw new Error(`The pull ended as ${report?.outcome} at ${report?.cursor}: ${report?.error?.message}`);
}

/** What a page-by-page loop does, without delivering anything. */
async function readInTurn(): Promise<void> {
  const client = createRestClient({ auth: { credential, scope }, maxRetries: 3, httpClient });
  let read = 0;
  for (let offset = 0; offset < changes; offset += 100) {
    const query = `offset=${offset}&limit=100&includeMetadata=false`;
    const { text } = await client.send({ method: 'GET', url: `${service}/v1/changefeed?${query}` });
    const page: unknown = JSON.parse(text);
    read += Array.isArray(page) ? page.length : 0;
  }
  if (read !== changes) throw new Error(`The reader found ${read} changes.`);
}

let [pages, stored] = [0, 0];
subscribe('http.client.request.start', (message) => {
  const { request } = message as { request: ClientRequest };
  if (feed.endsWith(request.getHeader('host') as string)) pages += 1;
  else stored += 1;
});
let peak = 0;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 50);

async function measure(): Promise<void> {
  const begun = performance.now();
  await (side === 'read' ? readInTurn() : pull());
  const seconds = (performance.now() - begun) / 1000;
  clearInterval(watch);
  const { user, system } = process.cpuUsage();
  const cpuMs = (user + system) / 1000;
  const result: PullResult = { seconds, cpuMs, pages, stored, peakMib: Math.round(peak / 1024 / 1024) };
  process.send?.(result);
  process.disconnect();
}

void measure();
