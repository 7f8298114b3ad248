// The puller as the app runs it: real adapters and storage clients against the DICOM stand-in and Azurite.
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after } from 'node:test';
import { startAzurite } from '../../local/azurite.ts';
import { demo } from '../../local/demo.ts';
import { dicomFile, uidsOf } from '../../local/dicomFiles.ts';
import { freePorts } from '../../local/ports.ts';
import {
  createChangeFeed,
  type ChangeFeed,
  type FeedReport,
  type RedriveSummary,
} from '../../src/changeFeed/changeFeed.ts';
import type { CloudEvent } from '../../src/changeFeed/events.ts';
import { createAudit } from '../../src/platform/audit.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { leaseRenewMs } from '../../src/platform/limits.ts';
import { createLog } from '../../src/platform/log.ts';
import { auditContainer, stateContainer } from '../../src/platform/platform.ts';
import { withinBudget } from '../../src/platform/run.ts';
import { Secret } from '../../src/platform/secret.ts';
import type { ChangeFeedSettings } from '../../src/platform/settings/types.ts';
import { createStorage, type Storage } from '../../src/platform/storage.ts';
import { startDicom } from '../support/dicom.ts';

/** Each scene takes services of its own, so that no test meets another's cursor. */
const hosts = Array.from({ length: 160 }, (_, n) => `scene-${n}.dicom.azurehealthcareapis.com`);
const freeHosts = [...hosts];

export const dicom = await startDicom(...hosts);
const azurite = await startAzurite({ ports: freePorts });
after(() => azurite.close());

const connectionString = new Secret(azurite.connectionString);
const account = { kind: 'connectionString', connectionString } as const;
export const storage = createStorage(account, () => assert.fail('a connection string needs no credential'));

/** The waits that end by their signal alone, milliseconds: renewals of leases and budgets of runs. */
export const longWaits: number[] = [];
const endings = new Map<number, (() => void)[]>();

/** Ends every such wait of exactly `ms`, as if the time had passed. */
export function endLongWaits(ms: number): void {
  for (const end of endings.get(ms) ?? []) end();
}

/** Moves the stand-ins' time by a short wait; the renewal of a lease and a run's budget end by their signal alone. */
export const clock: Clock = {
  now: dicom.now,
  monotonic: dicom.now,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
      if (ms >= leaseRenewMs) {
        longWaits.push(ms);
        endings.set(ms, [...(endings.get(ms) ?? []), resolve]);
        return;
      }
      dicom.advance(ms);
      resolve();
    }),
};

export interface SceneOptions {
  readonly services?: number;
  readonly settings?: Partial<ChangeFeedSettings>;
  readonly budgetMs?: number;
  /** The first so many services take every request and never answer. */
  readonly hanging?: number;
}

export interface FeedScene {
  readonly services: readonly string[];
  readonly lines: string[];
  readonly settings: ChangeFeedSettings;
  /** Stores instances of this study in one of the services; answers how many changes that made. */
  store(names: readonly string[], service?: number): Promise<void>;
  delete(name: string): Promise<void>;
  /** Scripts the bad days of the first service until the next call. */
  script(effect: object, rule?: object): void;
  /** A puller with no memory of its own, as another process would have it. */
  puller(): ChangeFeed;
  pullerOver(other: Storage): ChangeFeed;
  pull(puller?: ChangeFeed): Promise<FeedReport>;
  pullAll(): Promise<readonly FeedReport[]>;
  move(move: { sequence: number; expect: number | null; service?: string }): Promise<FeedReport>;
  redrive(): Promise<RedriveSummary>;
  report(): Promise<FeedReport>;
  blobs(): Promise<Record<string, string>>;
  /** The events of all blobs in the order of their names, without claims. */
  events(): Promise<CloudEvent[]>;
  messages(): Promise<CloudEvent[]>;
  readonly cursorPath: string;
  /** How many tokens the pullers have asked for. */
  tokens: number;
  /** The first so many services never answer; how many requests have met that. */
  hanging: number;
  unanswered: number;
  /** Ends the runs that are under way. */
  shutdown: AbortController;
}

/** Never answers `silent` hosts; ends as the real one when the caller gives up. */
function hangingFor(silent: () => readonly string[], onRequest: () => void): HttpClient {
  const real = createDefaultHttpClient();
  return {
    async sendRequest(request) {
      if (!silent().includes(new URL(request.url).host)) return real.sendRequest(request);
      onRequest();
      const { abortSignal } = request;
      await new Promise<void>((resolve) => {
        if (abortSignal?.aborted) resolve();
        abortSignal?.addEventListener('abort', () => {
          resolve();
        });
      });
      throw new Error('given up');
    },
  };
}

export const stateBlobs = storage.container(stateContainer);

export function feedScene({
  services: many = 1,
  settings,
  budgetMs = 240_000,
  hanging = 0,
}: SceneOptions = {}): FeedScene {
  const mine = freeHosts.splice(0, many);
  const services = mine.map((host) => `https://${host}`);
  const [first = assert.fail('no host left')] = services;
  const name = `scene-${randomUUID().slice(0, 8)}`;
  const all: ChangeFeedSettings = {
    services,
    scope: 'https://dicom.healthcareapis.azure.com/.default',
    start: { kind: 'beginning' },
    sinks: ['blob'],
    container: name,
    queue: name,
    metadata: { kind: 'none' },
    pageSize: 100,
    settleSeconds: 60,
    auditHours: 24,
    budgetSeconds: 240,
    operatorRole: 'none',
    state: account,
    deliveries: account,
    credential: { managedIdentity: true },
    ...settings,
  };
  const lines: string[] = [];
  const sink = {
    info: (line: string) => lines.push(line),
    warn: (line: string) => lines.push(line),
    error: (line: string) => lines.push(line),
  };
  const log = createLog(sink);
  const pullerOver = (over: Storage): ChangeFeed =>
    createChangeFeed(all, {
      clock,
      random: () => 0.5,
      uuid: randomUUID,
      credential: () => ({
        getToken: (...asked) => {
          scene.tokens += 1;
          return dicom.credentialFor(demo.managedIdentity).getToken(...asked);
        },
      }),
      storage: () => over,
      httpClient: hangingFor(
        () => mine.slice(0, scene.hanging),
        () => {
          scene.unanswered += 1;
        },
      ),
      audit: () => createAudit(storage.container(auditContainer), clock, randomUUID),
    });
  const puller = (): ChangeFeed => pullerOver(storage);
  const within = <T>(work: Parameters<typeof withinBudget<T>>[1]): Promise<T> =>
    withinBudget({ requestId: 'test', budgetMs, clock, shutdown: scene.shutdown.signal }, work);
  const pullAll = async (feed = puller()): Promise<readonly FeedReport[]> =>
    (await within((run) => feed.pull({ log, run }))).services;
  const container = storage.container(all.container);
  const scene: FeedScene = {
    ...{ services, lines, settings: all, puller, pullerOver, pullAll: () => pullAll() },
    tokens: 0,
    ...{ hanging, unanswered: 0, shutdown: new AbortController() },
    cursorPath: `change-feed/${mine[0] ?? ''}/cursor.json`,
    async store(names, service = 0) {
      for (const study of names) await dicom.store(dicomFile({ study }), services[service] ?? first);
    },
    async delete(study) {
      const path = `/v2/studies/${uidsOf({ study }).study}`;
      assert.equal((await dicom.call(path, { method: 'DELETE', service: first })).status, 204);
    },
    script(effect, rule) {
      dicom.faults.clear();
      const own = !(
        'status' in effect ||
        'drop' in effect ||
        'delayMs' in effect ||
        'revokePermission' in effect
      );
      dicom.faults.add({ service: 'dicom', ...rule, effect: own ? { ...effect, host: mine[0] } : effect });
    },
    pull: async (feed) => (await pullAll(feed))[0] ?? assert.fail(),
    move: (move) =>
      within((run) => puller().setCursor({ service: first, reason: 'a test', ...move }, 'key', { log, run })),
    redrive: () => within((run) => puller().redrive({ reason: 'a test' }, 'key', { log, run })),
    report: async () =>
      (await puller().reports({ log, signal: new AbortController().signal }))[0] ?? assert.fail(),
    async blobs() {
      const found: Record<string, string> = {};
      if (!(await container.exists())) return found;
      for await (const { name: path } of container.listBlobsFlat())
        found[path] = (await container.getBlobClient(path).downloadToBuffer()).toString();
      return found;
    },
    async events() {
      const texts = Object.entries(await scene.blobs()).filter(([path]) => path.endsWith('.ndjson'));
      return texts
        .flatMap(([, text]) => text.trimEnd().split('\n'))
        .map((line) => JSON.parse(line) as CloudEvent);
    },
    async messages() {
      const found: CloudEvent[] = [];
      for (;;) {
        const { receivedMessageItems } = await storage
          .queue(all.queue)
          .receiveMessages({ numberOfMessages: 32 });
        if (receivedMessageItems.length === 0) return found;
        for (const { messageText } of receivedMessageItems)
          found.push(JSON.parse(Buffer.from(messageText, 'base64').toString()) as CloudEvent);
      }
    },
  };
  return scene;
}
