// The time frame of one run: its budget, the shutdown of the process, and one signal for both.
import type { Clock } from './clock.ts';

export interface Run {
  /** Identifies the run in logs, reports and problem details. */
  readonly requestId: string;
  /** Aborts when the budget is used up or the process shuts down. */
  readonly signal: AbortSignal;
  /** Milliseconds of the budget that are left; 0 once the signal has aborted. */
  readonly remainingMs: () => number;
}

export interface RunFrame {
  readonly requestId: string;
  readonly budgetMs: number;
  readonly clock: Clock;
  /** Aborted by the `appTerminate` hook. */
  readonly shutdown: AbortSignal;
}

/** Runs `work` inside its time frame. */
export async function withinBudget<T>(frame: RunFrame, work: (run: Run) => Promise<T>): Promise<T> {
  const { clock, budgetMs, requestId, shutdown } = frame;
  const end = clock.monotonic() + budgetMs;
  const spent = new AbortController();
  const signal = AbortSignal.any([spent.signal, shutdown]);
  const run: Run = {
    requestId,
    signal,
    remainingMs: () => (signal.aborted ? 0 : Math.max(0, end - clock.monotonic())),
  };
  const expired = (): void => {
    spent.abort(new Error('the time budget of the run is used up'));
  };
  return timed({ clock, ms: budgetMs, expired }, () => work(run));
}

export interface Timer {
  readonly clock: Clock;
  readonly ms: number;
  /** Called after `ms`, unless the work has ended by then. */
  readonly expired: () => void;
}

/** Runs `work` beside a timer, which is cleared when it ends, in whatever way. */
export async function timed<T>({ clock, ms, expired }: Timer, work: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const timer = clock.sleep(ms, done.signal).then(expired, () => undefined);
  try {
    return await work();
  } finally {
    done.abort();
    await timer;
  }
}

/** Aborts after `ms`, and when `signal` does: the time of one call inside a run. */
export function timeLimit(ms: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(ms);
  return signal ? AbortSignal.any([timeout, signal]) : timeout;
}
