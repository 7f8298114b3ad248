// Time as an argument: the wall clock, a clock that never jumps, and waiting.
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since 1970, UTC; may jump when the machine's time is set. */
  readonly now: () => number;
  /** Milliseconds since some fixed point; never goes back. For durations and for vouching for a lease. */
  readonly monotonic: () => number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      throw signal?.reason ?? error;
    }
  },
};

/** ISO 8601 with a zone, to the ten-millionth of a second at most; seconds may be left out. */
export const zonedTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)$/;

/** True for a `zonedTime` that exists. */
export function isZonedTime(text: string): boolean {
  if (!zonedTime.test(text) || Number.isNaN(Date.parse(text))) return false;
  // V8 takes 30 February for 2 March.
  const day = text.slice(0, 10);
  return isoTime(Date.parse(day)).startsWith(day);
}

/** ISO 8601 in UTC with milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
