// The change feed puller: every create, update and delete of each DICOM service reaches the sinks, none lost, in order.
import type { Audit } from '../platform/audit.ts';
import { eachAtOnce } from '../platform/concurrency.ts';
import { AppError } from '../platform/errors.ts';
import { feedServicesAtOnce } from '../platform/limits.ts';
import type { Log } from '../platform/log.ts';
import { stateContainer, type Platform } from '../platform/platform.ts';
import type { Run } from '../platform/run.ts';
import type { ChangeFeedSettings } from '../platform/settings/types.ts';
import { createBlobSink } from './blobSink.ts';
import { createCursorStore } from './cursorStore.ts';
import { createDeadLetters } from './deadLetters.ts';
import { createReader } from './dicomChangeFeed.ts';
import { moveCursor, type Move } from './moveCursor.ts';
import { isFine } from './outcome.ts';
import { createQueueSink } from './queueSink.ts';
import { createReplayOperations, type ReplayOperations } from './replayOperations.ts';
import { createReplayStore } from './replayStore.ts';
import { redrive, type RedriveReport } from './redrive.ts';
import { makeReport, type FeedReport } from './report.ts';
import { configured, pullService, reportOf, type ServiceParts } from './service.ts';
import { withinShare, type ShareFrame } from './share.ts';
import type { Sink } from './sink.ts';
import { createWebhookSink } from './webhookSink.ts';

export type { RedriveReport } from './redrive.ts';
export type { FeedReport } from './report.ts';

export interface RunContext {
  readonly log: Log;
  readonly run: Run;
}

export interface CursorMove extends Move {
  /** URL of the service, in any spelling that the settings take. */
  readonly service: string;
  readonly reason: string;
}

export interface RedriveRequest {
  /** URL of the service, in any spelling that the settings take; all when absent. */
  readonly service?: string | undefined;
  readonly reason: string;
}

export interface RedriveSummary {
  readonly services: readonly RedriveReport[];
}

export interface PullSummary {
  readonly services: readonly FeedReport[];
}

export interface ChangeFeed extends ReplayOperations {
  /** Pulls every service under its own lease; one that fails does not hold up the others. Never throws. */
  pull(context: RunContext): Promise<PullSummary>;
  /** The stored last report of each service; asks no service. */
  reports(context: { readonly log: Log; readonly signal: AbortSignal }): Promise<readonly FeedReport[]>;
  /**
   * Moves a cursor, or acknowledges a reset feed or a lost cursor (a new epoch); audited. Throws `not_found` for a service
   * that is not configured, and what `moveCursor` throws.
   */
  setCursor(request: CursorMove, actor: string, context: RunContext): Promise<FeedReport>;
  /**
   * Offers the dead letters of one service, or of all one after the other, to their sinks again; audited. Throws `not_found`
   * for a service that is not configured, and what the storage or the audit throws.
   */
  redrive(request: RedriveRequest, actor: string, context: RunContext): Promise<RedriveSummary>;
}

/** True when somebody has to look: a timer fails its run then. */
export function failed(summary: PullSummary): boolean {
  return summary.services.some(({ outcome }) => !isFine(outcome));
}

/** Contacts nothing before the first pull. */
export function createChangeFeed(settings: ChangeFeedSettings, platform: Platform): ChangeFeed {
  const services = createServices(settings, platform);
  const audit = platform.audit(settings.state, settings.credential);
  /** Of services without a cursor, whose reports have no place in the state. */
  const unsaved = new Map<string, FeedReport>();

  async function pullOne(
    parts: ServiceParts,
    share: Omit<ShareFrame, 'clock'>,
    log: Log,
  ): Promise<FeedReport> {
    const frame = { ...share, clock: platform.clock };
    const report = await withinShare(frame, (part) => pullService(parts, part, log));
    unsaved.set(parts.service, report);
    return report;
  }

  return {
    async pull({ log, run }) {
      const reports = services.map(({ service }) => notStarted(service));
      let waiting = services.length;
      const othersWait = (): boolean => waiting > 0;
      await eachAtOnce(services, feedServicesAtOnce, async (parts, index) => {
        const rounds = Math.ceil(waiting / feedServicesAtOnce);
        waiting -= 1;
        if (run.signal.aborted) return;
        const share = { run, shareMs: run.remainingMs() / rounds, othersWait };
        reports[index] = await pullOne(parts, share, log);
      });
      return { services: reports };
    },
    async reports({ signal }) {
      signal.throwIfAborted();
      return Promise.all(
        services.map(
          async (parts) => (await reportOf(parts)) ?? unsaved.get(parts.service) ?? notStarted(parts.service),
        ),
      );
    },
    ...createOperations(services, audit),
    ...createReplayOperations(services, audit, platform),
  };
}

/** What operators do, each on the record. */
function createOperations(
  services: readonly ServiceParts[],
  audit: Audit,
): Pick<ChangeFeed, 'setCursor' | 'redrive'> {
  return {
    async setCursor({ service, reason, ...move }, actor, { run }) {
      const parts = configured(services, service);
      const { host: subject } = new URL(parts.service);
      const entry = { actor, action: 'feed.setCursor', subject, reason, requestId: run.requestId } as const;
      return audit.record(entry, () => moveCursor(parts, move, run));
    },
    async redrive({ service, reason }, actor, { log, run }) {
      const reports: RedriveReport[] = [];
      for (const parts of service === undefined ? services : [configured(services, service)]) {
        const { host: subject } = new URL(parts.service);
        const entry = { actor, action: 'feed.redrive', subject, reason, requestId: run.requestId } as const;
        const work = (): Promise<RedriveReport> => redrive(parts, run, log);
        const ended = ({ remaining }: RedriveReport) => (remaining > 0 ? 'pending' : 'done');
        reports.push(await audit.record(entry, work, ended));
      }
      return { services: reports };
    },
  };
}

function notStarted(service: string): FeedReport {
  return makeReport(service, { outcome: 'not_started' }, undefined);
}

function createServices(settings: ChangeFeedSettings, platform: Platform): readonly ServiceParts[] {
  const { credential: identity, pageSize, start, scope } = settings;
  const { clock, random, httpClient } = platform;
  const state = platform.storage(settings.state, identity);
  const auth = { credential: platform.credential(identity), scope };
  const rules = {
    pageSize,
    settleMs: settings.settleSeconds * 1000,
    auditMs: settings.auditHours * 3_600_000,
    metadata: settings.metadata,
  };
  const sinks = createSinks(settings, platform);
  const container = state.container(stateContainer);
  return settings.services.map((service) => ({
    ...{ service, rules, sinks, clock, start },
    deadLetters: createDeadLetters(container, service),
    replays: createReplayStore(container, service),
    reader: createReader({ service, auth, httpClient, clock, random }),
    store: createCursorStore({
      ...{ service, clock, container },
      births: state.table('cursors'),
    }),
  }));
}

function createSinks(settings: ChangeFeedSettings, platform: Platform): readonly Sink[] {
  const { clock, random, httpClient } = platform;
  const credential = platform.credential(settings.credential);
  const deliveries = platform.storage(settings.deliveries, settings.credential);
  const container = deliveries.container(settings.container);
  const { webhook } = settings;
  return settings.sinks.map((name): Sink => {
    switch (name) {
      case 'blob':
        return createBlobSink(container);
      case 'queue':
        return createQueueSink(deliveries.queue(settings.queue), container);
      case 'webhook':
        if (!webhook) throw new AppError('misconfigured', 'The webhook has no settings.');
        return createWebhookSink({ settings: webhook, credential, httpClient, clock, random });
    }
  });
}
