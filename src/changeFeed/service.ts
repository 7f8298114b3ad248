// One DICOM service with its cursor: a pull under its lease, and its last report.
import { AppError, isAppError } from '../platform/errors.ts';
import { describeError, type Log } from '../platform/log.ts';
import { serviceUrl } from '../platform/settings/table.ts';
import type { ChangeFeedStart } from '../platform/settings/types.ts';
import { newCursor } from './cursor.ts';
import type { CursorSession, CursorStore } from './cursorStore.ts';
import { patient, type Frame } from './dicomChangeFeed.ts';
import { endedBy, endingOf } from './ending.ts';
import { FeedStop, isFine } from './outcome.ts';
import { Pull } from './pull.ts';
import type { ReplayParts } from './replayRun.ts';
import { besideReplays, recentReplays, replayNumbers, type LiveRun, type RecentReplays } from './replays.ts';
import { makeReport, type Ending, type FeedReport } from './report.ts';
import { startPosition } from './start.ts';

export interface ServiceParts extends ReplayParts {
  readonly start: ChangeFeedStart;
  readonly store: CursorStore;
}

/** `service` is spelled in any of the ways that the settings take. Throws `not_found`. */
export function configured(services: readonly ServiceParts[], service: string): ServiceParts {
  const url = serviceUrl(service.trim());
  const parts = services.find((one) => one.service === url);
  if (!parts) throw new AppError('not_found', 'service: expected the URL of a configured service');
  return parts;
}

/** Never throws: what ended the run stands in the report, which is also kept with the cursor where there is one. */
export async function pullService(parts: ServiceParts, frame: Frame, log: Log): Promise<FeedReport> {
  const { host } = new URL(parts.service);
  let pulled: FeedReport;
  try {
    pulled = await pullLeased(parts, patient(frame), log);
  } catch (error) {
    pulled = makeReport(parts.service, endedBy(error, { host, frame, log }), parts.clock.now());
  }
  const { report, recent } = await counted(parts, pulled, log);
  const { error, holes, replays: _, ...numbers } = report;
  log[isFine(report.outcome) ? 'info' : 'error']('feed_pulled', {
    ...{ ...numbers, service: host },
    ...holes,
    ...(recent && replayNumbers(recent, report.outcome)),
    problem: error?.message,
    advice: error?.advice,
  });
  return report;
}

/** The last report, without asking the service; undefined where no cursor was ever made. Never throws. */
export async function reportOf(parts: ServiceParts): Promise<FeedReport | undefined> {
  const report = await storedReport(parts);
  return report && (await counted(parts, report)).report;
}

interface Counted {
  readonly report: FeedReport;
  /** Undefined where they could not be listed. */
  readonly recent: RecentReplays | undefined;
}

/** With the dead letters that lie there now, whoever wrote or removed them, and the replays; never throws. */
async function counted(parts: ServiceParts, report: FeedReport, log?: Log): Promise<Counted> {
  const { deadLetters, replays, clock } = parts;
  const known = async <T>(what: string, look: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await look;
    } catch (error) {
      log?.warn(what, describeError(error));
      return otherwise;
    }
  };
  const [letters, recent] = await Promise.all([
    known('feed_dead_letters_unknown', deadLetters.count(), null),
    known('feed_replays_unknown', recentReplays(replays, clock.now()), undefined),
  ]);
  const unreadable = recent?.unreadableReplays;
  if (unreadable)
    log?.warn('feed_replays_unreadable', { service: new URL(report.service).host, replays: unreadable });
  return { report: { ...report, deadLetters: letters, ...recent }, recent };
}

async function storedReport({ service, store }: ServiceParts): Promise<FeedReport | undefined> {
  try {
    const found = await store.find();
    if (found.kind === 'absent') return undefined;
    if (found.kind === 'lost') throw cursorLost();
    return found.report ?? makeReport(service, { outcome: 'not_started' }, undefined, found.cursor);
  } catch (error) {
    return makeReport(service, endingOf(error), undefined);
  }
}

async function pullLeased(parts: ServiceParts, frame: Frame, log: Log): Promise<FeedReport> {
  const { service, store, clock } = parts;
  let opened = await store.open();
  if (opened.kind === 'absent') {
    await begin(parts, frame);
    opened = await store.open();
  }
  switch (opened.kind) {
    case 'open':
      return pullOpen(parts, opened.session, frame, log);
    case 'busy':
      return makeReport(service, { outcome: 'busy' }, clock.now());
    case 'absent':
    case 'lost':
      throw cursorLost();
  }
}

async function pullOpen(
  parts: ServiceParts,
  session: CursorSession,
  frame: Frame,
  log: Log,
): Promise<FeedReport> {
  try {
    return await besideReplays(parts, session, frame, log, (part) => pullLive(parts, session, part, log));
  } finally {
    await session.close();
  }
}

async function pullLive(
  parts: ServiceParts,
  session: CursorSession,
  frame: Frame,
  log: Log,
): Promise<LiveRun> {
  const { service, clock } = parts;
  const { host } = new URL(service);
  const pull = new Pull(parts, session, frame);
  const make = (ending: Ending): FeedReport =>
    makeReport(service, ending, clock.now(), pull.cursor, pull.tally);
  let ending: Ending;
  try {
    ending = { outcome: await pull.run() };
    pull.tally.queueLength = await backlog(parts, frame, log);
  } catch (error) {
    ending = endedBy(error, { host, frame, log, session });
  }
  const report = make(ending);
  try {
    await session.save({ cursor: pull.cursor, report });
    const isDown = report.outcome === 'sink_down';
    return { report, down: isDown ? pull.cursor.failure?.sink : undefined };
  } catch (error) {
    // What was delivered since the last write is repeated by the next run.
    return { report: make(endedBy(error, { host, frame, log, session })), down: undefined };
  }
}

/** The first run. Two at once may both get here: the slower one finds the cursor of the faster. */
async function begin({ start, reader, rules, store }: ServiceParts, frame: Frame): Promise<void> {
  const position = await startPosition(start, { reader, pageSize: rules.pageSize, frame });
  try {
    await store.create({ cursor: newCursor(position, 1), report: null });
  } catch (error) {
    if (!isAppError(error, 'conflict')) throw error;
  }
}

/** A count for people: a queue that cannot be asked does not fail a pull that delivered. */
async function backlog({ sinks }: ServiceParts, { signal }: Frame, log: Log): Promise<number | undefined> {
  try {
    for (const sink of sinks) if ('backlog' in sink) return await sink.backlog(signal);
    return undefined;
  } catch (error) {
    log.warn('feed_backlog_unknown', describeError(error));
    return undefined;
  }
}

function cursorLost(): FeedStop {
  return new FeedStop('cursor_lost', 'The cursor document is gone, though the service was pulled before.', {
    code: 'conflict',
    advice:
      'Restore the blob, or say where to go on: npm run feed -- set-cursor with --expect none, or ' +
      'PUT /api/change-feed/cursor with "expect": null. ' +
      'Nothing is delivered until then, since a new start could leave changes out.',
  });
}
