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

/** Runs `work` inside its time frame. The timer behind it is cleared when `work` ends, in whatever way. */
export async function withinBudget<T>(frame: RunFrame, work: (run: Run) => Promise<T>): Promise<T> {
  const { clock, budgetMs, requestId, shutdown } = frame;
  const end = clock.monotonic() + budgetMs;
  const spent = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(budgetMs, done.signal).then(
    () => {
      spent.abort(new Error('the time budget of the run is used up'));
    },
    () => undefined,
  );
  const signal = AbortSignal.any([spent.signal, shutdown]);
  try {
    return await work({
      requestId,
      signal,
      remainingMs: () => (signal.aborted ? 0 : Math.max(0, end - clock.monotonic())),
    });
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
