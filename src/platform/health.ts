// The last known state of each part of the app in this process, without asking anybody.
import { isoTime, type Clock } from './clock.ts';
import type { Dependency } from './dependencies.ts';
import { DependencyBoard } from './dependencyBoard.ts';

export interface PartState {
  readonly ok: boolean;
  /** When it was last known, ISO 8601. */
  readonly time: string;
  /** What is wrong and what to do, for operators. */
  readonly detail?: string | undefined;
}

/** Told to operators, and no reason to take a service away that works. */
const besideTheWork = 'telemetry';

export class HealthBoard {
  readonly #clock: Clock;
  readonly #parts = new Map<string, PartState>();
  /** When the process began to know anything, ISO 8601. */
  readonly since: string;
  readonly dependencies: DependencyBoard;

  constructor(clock: Clock, dependencies: readonly Dependency[] = []) {
    this.#clock = clock;
    this.since = isoTime(clock.now());
    this.dependencies = new DependencyBoard(dependencies, clock);
  }

  /** Notes how a part last fared; `detail` never carries a secret. */
  note(part: string, ok: boolean, detail?: string): void {
    this.#parts.set(part, { ok, time: isoTime(this.#clock.now()), detail });
  }

  parts(): Readonly<Record<string, PartState>> {
    return Object.fromEntries(this.#parts);
  }

  /** Whether the app does its work. */
  ok(): boolean {
    const atWork = [...this.#parts].filter(([name]) => name !== besideTheWork);
    return atWork.every(([, { ok }]) => ok) && this.dependencies.ok();
  }
}
