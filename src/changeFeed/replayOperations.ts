// What operators do with replays: start one, look at it, cancel it; each change is on the record.
import type { Audit } from '../platform/audit.ts';
import { isoTime } from '../platform/clock.ts';
import { AppError, isAppError } from '../platform/errors.ts';
import { feedReplayCancelTries } from '../platform/limits.ts';
import type { Platform } from '../platform/platform.ts';
import type { Run } from '../platform/run.ts';
import { UnreadableDocument } from '../platform/stateDocuments.ts';
import { ended, reportOfReplay, type Replay } from './replay.ts';
import type { ReplayReport } from './replayReport.ts';
import { planReplay, type ReplayRequest } from './replayRequest.ts';
import type { ReplayStore } from './replayStore.ts';
import { configured, type ServiceParts } from './service.ts';

export interface ReplayStart extends ReplayRequest {
  /** URL of the service, in any spelling that the settings take. */
  readonly service: string;
  readonly reason: string;
}

export interface ReplayOperations {
  /**
   * Begins a replay, which the runs work on beside the live cursor; audited. Throws `not_found` for a service that is not
   * configured, and what `planReplay` throws.
   */
  startReplay(request: ReplayStart, actor: string, run: Run): Promise<{ readonly id: string }>;
  /** Throws `not_found`, `invalid_request` for what can be no id, and `conflict` for one that cannot be read. */
  replay(id: string): Promise<ReplayReport>;
  /**
   * Ends a replay; what is on its way to the sinks at that moment may still arrive. Audited. A cancelled one stays as it is.
   * Throws as `replay` does, `conflict` for one that has ended otherwise, and `busy` when a run writes to it all the time.
   */
  cancelReplay(id: string, reason: string | undefined, actor: string, run: Run): Promise<ReplayReport>;
}

export function createReplayOperations(
  services: readonly ServiceParts[],
  audit: Audit,
  { clock, uuid }: Pick<Platform, 'clock' | 'uuid'>,
): ReplayOperations {
  return {
    async startReplay({ service, reason, ...request }, actor, run) {
      const parts = configured(services, service);
      const replay = await planReplay(parts, request, newId(clock.now(), uuid()), run);
      const { requestId } = run;
      const entry = { actor, action: 'feed.replay', subject: subjectOf(replay), reason, requestId } as const;
      return audit.record(entry, async () => {
        await parts.replays.create(replay);
        return { id: replay.id };
      });
    },
    async replay(id) {
      const { replay } = await find(services, id);
      return reportOfReplay(replay);
    },
    async cancelReplay(id, reason, actor, { requestId }) {
      const { store, replay } = await find(services, id);
      const subject = subjectOf(replay);
      const entry = { actor, action: 'feed.cancelReplay', subject, reason, requestId } as const;
      return audit.record(entry, async () => reportOfReplay(await cancel(store, id, isoTime(clock.now()))));
    },
  };
}

/** Sorts by time; what follows the time tells those of one moment apart. */
function newId(now: number, uuid: string): string {
  return `${isoTime(now).replace(/[-:.Z]/g, '')}-${uuid.slice(0, 8)}`;
}

/** For the audit: the host of the service, the replay and its range. */
function subjectOf({ service, id, epoch, from, to }: Replay): string {
  return `${new URL(service).host}/replays/${id}/${epoch}/${from}-${to}`;
}

async function find(
  services: readonly ServiceParts[],
  id: string,
): Promise<{ readonly store: ReplayStore; readonly replay: Replay }> {
  if (!/^\d{8}T\d{9}-[0-9a-f]{8}$/.test(id))
    throw new AppError('invalid_request', 'id: expected the id of a replay, as its start answered it');
  for (const { replays: store } of services) {
    const found = await store.read(id).catch(refuseUnreadable);
    if (found) return { store, replay: found.replay };
  }
  throw unknown();
}

function refuseUnreadable(cause: unknown): never {
  if (!(cause instanceof UnreadableDocument)) throw cause;
  throw new AppError(
    'conflict',
    'The replay cannot be read: a newer release wrote it, or it is damaged. Deploy that release, or delete its document.',
    { cause },
  );
}

async function cancel(store: ReplayStore, id: string, time: string): Promise<Replay> {
  for (let tries = 0; tries < feedReplayCancelTries; tries += 1) {
    const found = await store.read(id);
    if (!found) throw unknown();
    const { replay, etag } = found;
    if (replay.state === 'cancelled') return replay;
    if (replay.state !== 'running')
      throw new AppError('conflict', `The replay has ended: it is ${replay.state}.`);
    const cancelled = ended(replay, 'cancelled', time);
    try {
      await store.write(cancelled, etag);
      return cancelled;
    } catch (error) {
      if (!isAppError(error, 'conflict')) throw error;
    }
  }
  throw new AppError('busy', 'A run writes to the replay all the time. Try again.');
}

function unknown(): AppError {
  return new AppError('not_found', 'id: expected the id of a replay; there is none of that id');
}
