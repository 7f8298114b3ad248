// The last known state of each part of the app in this process, without asking anybody.
import { isoTime, type Clock } from './clock.ts';

export interface PartState {
  readonly ok: boolean;
  /** When it was last known, ISO 8601. */
  readonly time: string;
  /** What is wrong and what to do, for operators. */
  readonly detail?: string | undefined;
}

export class HealthBoard {
  readonly #clock: Clock;
  readonly #parts = new Map<string, PartState>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes how a part last fared; `detail` never carries a secret. */
  note(part: string, ok: boolean, detail?: string): void {
    this.#parts.set(part, { ok, time: isoTime(this.#clock.now()), detail });
  }

  parts(): Readonly<Record<string, PartState>> {
    return Object.fromEntries(this.#parts);
  }

  ok(): boolean {
    return [...this.#parts.values()].every((part) => part.ok);
  }
}
