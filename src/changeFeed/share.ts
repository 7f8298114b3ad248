// The part of a run that one of several services may take.
import type { Clock } from '../platform/clock.ts';
import { timed, type Run } from '../platform/run.ts';

export interface ShareFrame {
  readonly run: Run;
  /** Time that is safe from the others, milliseconds. */
  readonly shareMs: number;
  /** Whether others have yet to begin. Once it is false it stays so. */
  readonly othersWait: () => boolean;
  readonly clock: Clock;
}

/**
 * Runs `work` for `shareMs` while others wait for their turn, and for all that is left of the run once none does: what the
 * others did not need is not lost.
 */
export async function withinShare<T>(frame: ShareFrame, work: (part: Run) => Promise<T>): Promise<T> {
  const { run, shareMs, othersWait, clock } = frame;
  const end = clock.monotonic() + shareMs;
  const spent = new AbortController();
  const signal = AbortSignal.any([spent.signal, run.signal]);
  const shareLeft = (): number => (othersWait() ? Math.max(0, end - clock.monotonic()) : Infinity);
  const part: Run = {
    requestId: run.requestId,
    signal,
    remainingMs: () => (signal.aborted ? 0 : Math.min(run.remainingMs(), shareLeft())),
  };
  const expired = (): void => {
    if (othersWait()) spent.abort(new Error('the share of the service is used up'));
  };
  return timed({ clock, ms: shareMs, expired }, () => work(part));
}
