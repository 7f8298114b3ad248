// A stage on which nothing moves until somebody chooses whose step goes next, and what becomes of it.
import { hash } from 'node:crypto';
import type { Choice } from '../../support/search.ts';
import { leaseRenewMs } from '../../../src/platform/limits.ts';
import { asError, settled } from './simulation.ts';
import type { Actor, Stage, Step } from './stage.ts';
import { hourMs, type World } from './world.ts';

/** `kill`: a process dies between two of its steps. `pause`: hours pass. The others become of one step. */
export type Fault =
  'kill' | 'pause' | 'fails' | 'lost' | 'late' | 'stale' | 'refused' | 'throttled' | 'flapping';

interface Parked {
  readonly actor: Actor | undefined;
  readonly name: string;
  /** What it can come to, by name; `go` costs nothing, the others are faults. */
  readonly ends: Readonly<Record<string, () => void>>;
}

export interface Limits {
  readonly faults: readonly Fault[];
  /** Faults in one schedule. */
  readonly budget: number;
  /** The steps that the faults may meet. */
  readonly on: RegExp;
  /** Steps that nobody else can influence: one order of them stands for all. */
  readonly atOnce: RegExp;
}

/** Whoever dies before it reads leaves the same behind as who dies before the next write. */
const writes = /^(writes|mints|publishes|removes|tags|disables)/;

export class Choices implements Stage {
  readonly trace: string[] = [];
  readonly #world: World;
  readonly #faults: ReadonlySet<string>;
  readonly #on: RegExp;
  readonly #atOnce: RegExp;
  #left: number;
  #parked: Parked[] = [];
  #time = Date.parse('2026-03-01T12:00:00.000Z');
  /** False: every step goes at once. */
  holding = true;

  constructor(world: World, { faults, budget, on, atOnce }: Limits) {
    this.#world = world;
    this.#faults = new Set(faults);
    this.#left = budget;
    this.#on = on;
    this.#atOnce = atOnce;
  }

  readonly now = (): number => this.#time;

  advance(ms: number): void {
    this.#time += ms;
  }

  step<T>(actor: Actor, step: Step<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (answer: () => T, fate: string): void => {
        try {
          const value = answer();
          actor.digest = hash('md5', `${actor.digest} ${step.name} ${fate} ${JSON.stringify(value)}`);
          resolve(value);
        } catch (error) {
          actor.digest = hash('md5', `${actor.digest} ${step.name} ${fate} ${String(error)}`);
          reject(asError(error));
        }
      };
      if (!this.holding) {
        if (!actor.dead) end(step.go, 'go');
        return;
      }
      this.#parked.push({ actor, name: step.name, ends: this.#endsOf(actor, step, end) });
    });
  }

  /** A short wait is over at once: others may go on before the step that follows it. A long one ends by its signal only. */
  sleep(_actor: Actor, ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < leaseRenewMs) {
      this.advance(ms);
      return Promise.resolve();
    }
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
    });
  }

  /** Lets somebody who is no process do one thing at any moment. */
  park(name: string, go: () => void): void {
    this.#parked.push({ actor: undefined, name, ends: { go } });
  }

  settled(): Promise<void> {
    return settled();
  }

  choices(): Choice[] {
    const atOnce = this.#parked.find(({ name }) => this.#atOnce.test(name));
    if (atOnce) return [this.#choice(atOnce, 'go', () => atOnce.ends['go']?.())];
    const all = this.#parked.flatMap((parked) =>
      Object.entries(parked.ends).map(([fate, end]) => this.#choice(parked, fate, end)),
    );
    for (const { actor, name } of this.#parked) {
      if (!actor || !writes.test(name) || !this.#faults.has('kill')) continue;
      const take = (): void => {
        this.#kill(actor);
      };
      all.push({ label: `${actor.name} dies`, cost: 1, take });
    }
    if (this.#faults.has('pause') && this.#parked.some(({ actor }) => actor)) {
      all.push({
        label: 'hours pass',
        cost: 1,
        take: () => {
          this.advance(3 * hourMs);
        },
      });
    }
    return all.filter(({ cost }) => cost <= this.#left);
  }

  take({ label, cost, take }: Choice): void {
    this.trace.push(label);
    this.#left -= cost;
    take();
  }

  /** Every state that differs in a way that matters has another key. */
  key(): string {
    const { credentials, vault, blobs, underWay } = this.#world;
    const parked = this.#parked.map(
      ({ actor, name }) => `${actor?.name ?? ''} ${actor?.digest ?? ''} ${name}`,
    );
    const truth = JSON.stringify([credentials, vault.versions, [...blobs], underWay, vault.deleted]);
    return hash('md5', [this.#time, this.#left, ...parked.sort(), truth].join('\n'));
  }

  #endsOf<T>(
    actor: Actor,
    { name, go, unanswered, others = {}, late }: Step<T>,
    end: (answer: () => T, fate: string) => void,
  ): Parked['ends'] {
    const lost = (): T => {
      try {
        go();
      } catch {
        // What it came to is not heard of.
      }
      return unanswered();
    };
    const later = (): T => {
      const happen = late?.();
      if (happen) this.park(`${name} of ${actor.name}, late`, happen);
      return unanswered();
    };
    const fates = { fails: unanswered, lost, ...(late ? { late: later } : {}), ...others };
    const met = this.#on.test(name) ? Object.entries(fates).filter(([fate]) => this.#faults.has(fate)) : [];
    return Object.fromEntries(
      [['go', go] as const, ...met].map(([fate, answer]) => [
        fate,
        () => {
          end(answer, fate);
        },
      ]),
    );
  }

  #choice(parked: Parked, fate: string, end: () => void): Choice {
    const label = `${parked.actor?.name ?? 'somebody'}: ${parked.name}${fate === 'go' ? '' : ` (${fate})`}`;
    const take = (): void => {
      this.#parked = this.#parked.filter((other) => other !== parked);
      end();
    };
    return { label, cost: fate === 'go' ? 0 : 1, take };
  }

  #kill(actor: Actor): void {
    actor.dead = true;
    this.#parked = this.#parked.filter((parked) => parked.actor !== actor);
  }
}
