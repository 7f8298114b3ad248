// A clock for tests that moves only when told to; nobody who sleeps on it waits for real.
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/platform/clock.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

export class ManualClock implements Clock {
  #ms: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start = '2026-03-01T12:00:00.000Z') {
    this.#ms = Date.parse(start);
  }

  readonly now = (): number => this.#ms;
  readonly monotonic = (): number => this.#ms;

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const sleeper = { until: this.#ms + ms, wake: resolve };
      const stop = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) {
        stop();
        return;
      }
      signal?.addEventListener('abort', stop, { once: true });
      this.#sleepers.add(sleeper);
    });

  /** How many are asleep: none may be left when the work is done. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Moves time forward, wakes who is due, and lets what they do next run until it waits again. */
  async advance(ms: number): Promise<void> {
    this.#ms += ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#ms) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
    await turn();
  }
}

/** Looks again until `seen` answers something, for what a real socket or process does in its own time. */
export async function eventually<T>(what: string, seen: () => T | undefined | false): Promise<T> {
  const end = performance.now() + 10_000;
  while (performance.now() < end) {
    const value = seen();
    if (value !== undefined && value !== false) return value;
    await turn();
  }
  throw new Error(`never happened: ${what}`);
}
