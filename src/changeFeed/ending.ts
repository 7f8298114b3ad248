// How an error ends the work on a service or a replay: the outcome for the report, and the line for the log.
import { describeError, type Log } from '../platform/log.ts';
import type { CursorSession } from './cursorStore.ts';
import type { Frame } from './dicomChangeFeed.ts';
import { FeedStop } from './outcome.ts';
import { endingOf, type Ending } from './report.ts';

export interface EndingFrame {
  /** Host of the service. */
  readonly host: string;
  readonly frame: Frame;
  readonly log: Log;
  readonly session?: CursorSession;
}

export function endedBy(error: unknown, { host, frame, log, session }: EndingFrame): Ending {
  if (!(error instanceof FeedStop)) {
    if (session?.lost.aborted) return { outcome: 'lost_lease' };
    if (frame.signal.aborted) return { outcome: 'budget' };
  }
  const ending = endingOf(error);
  log.warn('feed_stopped', { service: host, outcome: ending.outcome, ...describeError(error) });
  return ending;
}
