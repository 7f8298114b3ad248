// Fires timer functions by their schedule: one run at a time, with retries, and the status the handler is shown.
import type { TimerFunction } from './catalog.ts';
import type { RetryOptions } from './core.ts';
import type { Invoker, RetryContext } from './invoke.ts';
import { errorMessage } from './log.ts';
import type { Schedule } from './schedule.ts';

export interface HostTimer {
  readonly name: string;
  /** Waits for the schedule from now on, unless the function is disabled. */
  start(): void;
  /** One run as the schedule makes it, retries included; resolves to whether it succeeded in the end. */
  fire(): Promise<boolean>;
  /** One run as `POST /admin/functions/{name}` makes it: at once even beside a scheduled run, and without retries. */
  runNow(): Promise<boolean>;
  /** No further run and no further retry; a run in progress goes on. */
  stop(): void;
}

interface Status {
  last: Date | undefined;
  next: Date;
  lastUpdated: Date;
}

const manualReason = 'This function was programmatically called via the host APIs.';

/** setTimeout takes no more; a longer wait is made of several. */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * The status lives as long as this process, where the real host keeps it in its storage: a run missed while no host ran
 * is not made up for here, and `isPastDue` is always false.
 */
export function createTimer(timer: TimerFunction, invoker: Pick<Invoker, 'run'>): HostTimer {
  const { schedule, registered, binding } = timer;
  const now = new Date();
  const status: Status = { last: undefined, next: schedule.next(now), lastUpdated: now };
  const stopped = new AbortController();

  const run = (reason: string, retryContext?: RetryContext) => {
    const json = JSON.stringify(timerInfo(timer, status));
    return invoker.run({
      target: registered,
      input: { name: binding, data: { json } },
      reason,
      retryContext,
    });
  };
  async function fire(): Promise<boolean> {
    const firedAt = new Date();
    const attempt = (context?: RetryContext) => run(`Timer fired at ${roundTrip(firedAt)}`, context);
    const succeeded = await withRetries(attempt, registered.metadata.retryOptions, stopped.signal);
    const ended = new Date();
    Object.assign(status, { last: firedAt, next: schedule.next(ended), lastUpdated: ended });
    return succeeded;
  }

  return {
    name: timer.name,
    start() {
      if (timer.disabled) return;
      void repeat(timer.runOnStartup ? now : status.next, schedule, fire, stopped.signal);
    },
    fire,
    runNow: () => withRetries(() => run(manualReason), undefined, stopped.signal),
    stop() {
      stopped.abort();
    },
  };
}

/** Occurrences during a run are skipped: the next is counted from its end, and never is one occurrence fired twice. */
async function repeat(
  first: Date,
  schedule: Schedule,
  fire: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  for (let due = first; await waitUntil(due, signal);) {
    await fire();
    due = schedule.next(new Date(Math.max(Date.now(), due.getTime())));
  }
}

/** False when it was stopped before. */
async function waitUntil(due: Date, signal: AbortSignal): Promise<boolean> {
  for (
    let left = due.getTime() - Date.now();
    left > 0 && !signal.aborted;
    left = due.getTime() - Date.now()
  ) {
    await pause(left, signal);
  }
  return !signal.aborted;
}

/** Ends early when it is stopped. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timeout);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timeout = setTimeout(end, Math.min(ms, longestTimeoutMs));
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

function timerInfo(timer: TimerFunction, { last, next, lastUpdated }: Status): object {
  const scheduleStatus = {
    // .NET's default for a time that never was.
    Last: last === undefined ? '0001-01-01T00:00:00+00:00' : roundTrip(last),
    Next: roundTrip(next),
    LastUpdated: roundTrip(lastUpdated),
  };
  return {
    Schedule: { AdjustForDST: timer.schedule.adjustForDST },
    ScheduleStatus: timer.useMonitor ? scheduleStatus : null,
    IsPastDue: false,
  };
}

function roundTrip(time: Date): string {
  return time.toISOString().replace('Z', '+00:00');
}

/** Only schedules retry: the first attempt has no retry context, each further one knows its number and the last error. */
async function withRetries(
  attempt: (context?: RetryContext) => Promise<unknown>,
  retry: RetryOptions | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const most = retry?.maxRetryCount ?? 0;
  let context: RetryContext | undefined;
  for (let count = 1; !signal.aborted; count++) {
    try {
      await attempt(context);
      return true;
    } catch (error) {
      if (retry === undefined || (most >= 0 && count > most)) return false;
      context = { retryCount: count, maxRetryCount: most, exception: { message: errorMessage(error) } };
    }
    await pause(retryDelayMs(retry, count), signal);
  }
  return false;
}

/** Milliseconds before retry number `count`, from 1; exponential ones double from the minimum up to the maximum. */
function retryDelayMs(retry: RetryOptions, count: number): number {
  if (retry.retryStrategy !== 'exponentialBackoff') return (retry.delayInterval?.seconds ?? 0) * 1000;
  const doubled = (retry.minimumInterval?.seconds ?? 0) * 1000 * 2 ** (count - 1);
  return Math.min(doubled, (retry.maximumInterval?.seconds ?? Infinity) * 1000);
}
