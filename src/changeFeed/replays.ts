// The replays of one service beside its live cursor: which are worked on in a run, and which a report shows.
import { isoTime } from '../platform/clock.ts';
import {
  feedReplayKeptMs,
  feedReplayReportedMs,
  feedReplayShare,
  feedReplaysReported,
  feedReserveMs,
} from '../platform/limits.ts';
import { describeError, type Log, type LogFields } from '../platform/log.ts';
import { withinBudget } from '../platform/run.ts';
import type { CursorSession } from './cursorStore.ts';
import { patient, type Frame } from './dicomChangeFeed.ts';
import { isFine, type FeedOutcome } from './outcome.ts';
import { reportOfReplay } from './replay.ts';
import { workOnReplay, type ReplayParts } from './replayRun.ts';
import type { ReplayStore, StoredReplay } from './replayStore.ts';
import type { FeedReport } from './report.ts';
import type { SinkName } from './sink.ts';

/** What the live cursor leaves behind it that a replay may go on from: the feed is the cursor's, and can be read. */
const replayable: readonly FeedOutcome[] = ['caught_up', 'holding_gap', 'budget', 'sink_down'];

export interface LiveRun {
  readonly report: FeedReport;
  /** The sink that the cursor waits for, where one is down. */
  readonly down: SinkName | undefined;
}

/**
 * Runs the live cursor, and then the replays of the service under the same lease, oldest first. Where there are some, the
 * live cursor gets all but a quarter of the time, and they no more than that quarter. What becomes of them never changes
 * how the live cursor's run ended.
 */
export async function besideReplays(
  parts: ReplayParts,
  session: CursorSession,
  frame: Frame,
  log: Log,
  live: (frame: Frame) => Promise<LiveRun>,
): Promise<FeedReport> {
  if ((await unfinished(parts, log)).length === 0) return (await live(frame)).report;
  const shareMs = frame.remainingMs() * feedReplayShare;
  const within = <T>(budgetMs: number, work: (part: Frame) => Promise<T>): Promise<T> =>
    withinBudget({ requestId: '', budgetMs, clock: parts.clock, shutdown: frame.signal }, (part) =>
      work(patient(part)),
    );
  const { report, down } = await within(frame.remainingMs() - shareMs, live);
  if (replayable.includes(report.outcome)) {
    await within(Math.min(shareMs, frame.remainingMs()), async (part) => {
      // As they are now: one may have been cancelled meanwhile, and would deliver what it had begun.
      for (const replay of await unfinished(parts, log)) {
        if (part.remainingMs() < feedReserveMs) return;
        await workOnReplay({ ...parts, down }, session, replay, part, log);
      }
    });
  }
  return report;
}

/** Those that are running, oldest first; none where that cannot be told, since the live cursor must not wait for it. */
async function unfinished({ replays, clock }: ReplayParts, log: Log): Promise<readonly StoredReplay[]> {
  try {
    const { readable: all } = await replays.list();
    const forgotten = isoTime(clock.now() - feedReplayKeptMs);
    for (const { replay } of all)
      if (replay.endedAt !== undefined && replay.endedAt < forgotten) await replays.remove(replay.id);
    return all.filter(({ replay }) => replay.state === 'running');
  } catch (error) {
    log.warn('feed_replays_unknown', describeError(error));
    return [];
  }
}

export type RecentReplays = Pick<FeedReport, 'replays' | 'unreadableReplays'>;

/**
 * Those that are running, and of those that ended of late as many as there is room for, newest first; and the names of those
 * that cannot be read.
 */
export async function recentReplays(store: ReplayStore, now: number): Promise<RecentReplays> {
  const since = isoTime(now - feedReplayReportedMs);
  const { readable, unreadable } = await store.list();
  const newestFirst = readable.map(({ replay }) => reportOfReplay(replay)).reverse();
  const running = newestFirst.filter(({ state }) => state === 'running');
  const room = Math.max(0, feedReplaysReported - running.length);
  const over = newestFirst.filter(({ endedAt }) => endedAt !== undefined && endedAt >= since).slice(0, room);
  const replays = newestFirst.filter((replay) => running.includes(replay) || over.includes(replay));
  return unreadable.length === 0 ? { replays } : { replays, unreadableReplays: [...unreadable] };
}

/**
 * For the line of a run that ended as `live`. How many sequences are left is said only where replays were worked on and none
 * had to wait: what stands still together with the live cursor is not told of twice.
 */
export function replayNumbers(
  { replays, unreadableReplays = [] }: RecentReplays,
  live: FeedOutcome,
): LogFields {
  const running = replays.filter(({ state }) => state === 'running');
  const left = running.reduce((sum, { total, passed }) => sum + total - passed, 0);
  return {
    ...{ replaysRunning: running.length, replaysUnreadable: unreadableReplays.length },
    ...(replayable.includes(live) && isFine(live) ? { replaySequencesLeft: left } : {}),
  };
}
