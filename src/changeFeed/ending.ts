// How an error ends the work on a service or a replay: the outcome for the report, and the line for the log.
import { signInFailed } from '../platform/credential.ts';
import { cureOf } from '../platform/cures.ts';
import { AppError, type ErrorCode } from '../platform/errors.ts';
import { describeError, headline, type Log } from '../platform/log.ts';
import { UnreadableDocument } from '../platform/stateDocuments.ts';
import { storageFailure } from '../platform/storage.ts';
import type { CursorSession } from './cursorStore.ts';
import type { Frame } from './dicomChangeFeed.ts';
import { FeedStop, type FeedOutcome } from './outcome.ts';
import type { Ending } from './report.ts';

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

interface Judgement {
  readonly outcome: FeedOutcome;
  readonly code: ErrorCode;
  readonly message: string;
  readonly advice: string;
}

/** What an error means for whoever reads the report: what to do depends on whose it is. */
export function endingOf(error: unknown): Ending {
  const { outcome, ...words } = judge(error);
  return { outcome, error: words };
}

function judge(error: unknown): Judgement {
  if (error instanceof FeedStop) {
    const { outcome, code, message, advice } = error;
    return { outcome, code, message, advice };
  }
  const message = headline(error);
  if (signInFailed(error)) {
    const words = { message: 'The app could not sign in.', advice: 'The log says which sign-in was tried.' };
    return { outcome: 'unauthorized', code: 'upstream_failed', ...words };
  }
  if (error instanceof AppError) {
    const outcome = error.code.startsWith('upstream_') ? 'upstream_failed' : 'failed';
    return { outcome, code: error.code, message, advice: 'The next run tries again; the log says more.' };
  }
  if (error instanceof UnreadableDocument) {
    const words = `The state cannot be read: ${error.message}.`;
    const advice = 'Deploy the release that wrote it, or mend it.';
    return { outcome: 'failed', code: 'internal', message: words, advice };
  }
  return ofStorage(error) ?? { outcome: 'failed', code: 'internal', message, advice: 'The log says more.' };
}

/** The second for an account that is silent. */
const storageErrors = ['RestError', 'AbortError'];

/** The sinks and the readers judge their own errors, so that what comes as the storage clients threw it is of the state. */
function ofStorage(error: unknown): Judgement | undefined {
  if (!(error instanceof Error) || !storageErrors.includes(error.name)) return undefined;
  const { status, code } = storageFailure(error);
  const why = [status, code].filter((part) => part !== undefined).join(' ') || 'no answer';
  const advice =
    status === 401 || status === 403
      ? `${cureOf('stateBlobs', 'refused')} The same for the tables, with the role "Storage Table Data Contributor".`
      : 'The next run tries again. If it stays, check that the account of STATE_STORAGE (or AzureWebJobsStorage) can be reached.';
  const message = `The storage of the app's state failed (${why}).`;
  return { outcome: 'failed', code: 'upstream_failed', message, advice };
}
