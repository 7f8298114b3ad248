// Limits of one process: how often a user may ask, and how much of the ACS budget each kind of request may use.
import type { Clock } from '../platform/clock.ts';
import { AppError } from '../platform/errors.ts';
import {
  acsOnTheWayMs,
  acsRequestsPerWindow,
  acsReserve,
  acsRetryAfterSeconds,
  acsWindowMs,
  rememberedUsers,
} from '../platform/limits.ts';

/** Counts events in a window that slides with the clock. */
export class SlidingWindow {
  readonly #windowMs: number;
  readonly #clock: Clock;
  #times: number[] = [];

  constructor(windowMs: number, clock: Clock) {
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /** Counts one event and answers undefined, or answers how many milliseconds until one more fits under `limit`. */
  take(limit: number): number | undefined {
    const waitMs = this.wait(limit);
    if (waitMs === undefined) this.#times.push(this.#clock.monotonic());
    return waitMs;
  }

  /** What `take` would answer, without counting. */
  wait(limit: number): number | undefined {
    const now = this.#clock.monotonic();
    this.#times = this.#times.filter((time) => time > now - this.#windowMs);
    if (this.#times.length < limit) return undefined;
    const freed = this.#times[this.#times.length - limit] ?? now;
    return freed + this.#windowMs - now;
  }

  /** True when everything counted has left the window. */
  idle(): boolean {
    const last = this.#times.at(-1);
    return last === undefined || last <= this.#clock.monotonic() - this.#windowMs;
  }
}

/** How often one user may ask for something, per minute and process. */
export class UserLimit {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #users = new Map<string, SlidingWindow>();

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** Throws `rate_limited` with the seconds to wait. */
  take(key: string): void {
    const window = this.#users.get(key) ?? this.#open(key);
    const waitMs = window.take(this.#perMinute);
    if (waitMs !== undefined) {
      throw new AppError('rate_limited', 'Too many requests of this user; come back later.', {
        retryAfterSeconds: Math.ceil(waitMs / 1000),
      });
    }
  }

  #open(key: string): SlidingWindow {
    if (this.#users.size >= rememberedUsers) {
      for (const [user, window] of this.#users) if (window.idle()) this.#users.delete(user);
    }
    const window = new SlidingWindow(60_000, this.#clock);
    this.#users.set(key, window);
    return window;
  }
}

export type AcsOperation = keyof typeof acsRequestsPerWindow;

/** `reserved`: what a backend asks for, and what undoes a token that must not be handed out. */
export type AcsPriority = 'ordinary' | 'reserved';

/**
 * The ACS budget as one process keeps it. Users cannot use up the last fifth of revocations and deletions: a backend
 * that disables or erases somebody still gets through while they try. Other processes use the same budget: once ACS says
 * that it is used up, users wait, because every request that it refuses counts as well (Azure docs).
 */
export class AcsBudget {
  readonly #clock: Clock;
  readonly #windows: Readonly<Record<AcsOperation, SlidingWindow>>;
  readonly #usedUpUntil = new Map<AcsOperation, number>();

  constructor(clock: Clock) {
    const window = (): SlidingWindow => new SlidingWindow(acsWindowMs + acsOnTheWayMs, clock);
    this.#clock = clock;
    this.#windows = {
      create: window(),
      issue: window(),
      revoke: window(),
      delete: window(),
      exchange: window(),
    };
  }

  /** Counts one request. Throws `upstream_throttled` with the seconds to wait. */
  take(operation: AcsOperation, priority: AcsPriority): void {
    const window = this.#windows[operation];
    const share = priority === 'ordinary' ? ordinaryShare(operation) : 1;
    const limit = Math.floor(acsRequestsPerWindow[operation] * share);
    const pauseMs = priority === 'ordinary' ? this.#pauseMs(operation) : 0;
    // Who comes back after the pause must not be sent away again by what this process counted.
    const waitMs = pauseMs > 0 ? Math.max(pauseMs, window.wait(limit) ?? 0) : window.take(limit);
    if (waitMs === undefined) return;
    const spent = `this process has sent ${limit} within ${(acsWindowMs + acsOnTheWayMs) / 1000} s`;
    const why = pauseMs > 0 ? 'ACS throttled it a moment ago' : spent;
    throw new AppError('upstream_throttled', 'The communication service is busy; come back later.', {
      retryAfterSeconds: Math.ceil(waitMs / 1000),
      // For whoever reads the log: the caller's own answer is the same as when ACS itself throttles.
      cause: new Error(`ACS ${operation} was not asked: ${why}.`),
    });
  }

  /** ACS refused one as too many and said after how many seconds to come back, if it did. */
  usedUp(operation: AcsOperation, retryAfterSeconds: number | undefined): void {
    const pauseMs = Math.min((retryAfterSeconds ?? acsRetryAfterSeconds) * 1000, acsWindowMs);
    const until = this.#clock.monotonic() + pauseMs;
    this.#usedUpUntil.set(operation, Math.max(until, this.#usedUpUntil.get(operation) ?? 0));
  }

  #pauseMs(operation: AcsOperation): number {
    return (this.#usedUpUntil.get(operation) ?? 0) - this.#clock.monotonic();
  }
}

function ordinaryShare(operation: AcsOperation): number {
  return operation === 'revoke' || operation === 'delete' ? 1 - acsReserve : 1;
}
