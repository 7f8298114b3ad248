// A stage on which every call of a process waits until somebody chooses whose goes next, and what becomes of it.
import { hash } from 'node:crypto';
import type { Clock } from '../../../src/platform/clock.ts';
import { leaseRenewMs } from '../../../src/platform/limits.ts';
import type { Choice } from '../../support/search.ts';

/** `kill`: the process dies before the call. `lost`: the call goes, its answer does not arrive. `fails`: it does not go. */
export type Fault = 'kill' | 'lost' | 'fails';

/** One process in one run. */
export class Actor {
  readonly name: string;
  dead = false;
  /** All that it has seen: two that saw the same are in the same state. */
  digest = '';

  constructor(name: string) {
    this.name = name;
  }
}

export interface Call<T> {
  readonly name: string;
  readonly go: () => T | Promise<T>;
  /** Looks at the call in the moment in which it is made. */
  readonly asked?: () => void;
}

/** At which call a process dies, from 1, and whether the call still has its effect. */
export interface Fuse {
  readonly at: number;
  readonly fate: 'before' | 'after';
  readonly burnt: () => void;
}

interface Parked {
  readonly actor: Actor | undefined;
  readonly name: string;
  /** What it can come to, by name; `go` costs nothing, the others are faults. */
  readonly ends: Readonly<Record<string, () => void>>;
}

export interface Limits {
  readonly faults?: readonly Fault[];
  /** Faults in one course; 1 unless said otherwise. */
  readonly budget?: number;
  /** The calls that the faults meet. */
  readonly on?: RegExp;
  /** Calls that nobody else can influence: one order of them stands for all. */
  readonly atOnce?: RegExp;
  /** How often leases are renewed in one course; never unless said. */
  readonly renewals?: number;
}

/** Whoever dies after one of these, or at a call that changes nothing, leaves the same behind as who dies before the next of these. */
export const effects = /^(takes|renews|gives|writes|delivers|offers|sends|removes)/;

export class Stage {
  readonly trace: string[] = [];
  readonly #limits: Required<Omit<Limits, 'renewals'>>;
  #renewals: number;
  readonly #start: number;
  #left: number;
  #parked: Parked[] = [];
  #time: number;
  /** False: every call goes at once. */
  holding = true;
  /** True once an answer was kept from a process. */
  troubled = false;
  /** The calls that went while nothing was held, and the one at which the process is to die. */
  calls = 0;
  fuse: Fuse | undefined;

  constructor(time: number, limits: Limits = {}) {
    const { faults = [], budget = 1, on = effects, atOnce = /^$/, renewals = 0 } = limits;
    this.#renewals = renewals;
    this.#limits = { faults, budget, on, atOnce };
    this.#left = budget;
    this.#start = time;
    this.#time = time;
  }

  readonly now = (): number => this.#time;

  advance(ms: number): void {
    this.#time += ms;
  }

  /** A lease is renewed as often as the limits say, at any moment; a minute that passes ends it otherwise. */
  clockOf(actor: Actor): Clock {
    return {
      now: this.now,
      monotonic: this.now,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (ms < leaseRenewMs) reject(new Error('nobody waits here'));
          signal?.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
          if (this.#renewals === 0 || !this.holding) return;
          this.#renewals -= 1;
          this.call(actor, { name: 'wakes up to renew', go: () => undefined }).then(resolve, reject);
        }),
    };
  }

  call<T>(actor: Actor, call: Call<T>): Promise<T> {
    if (actor.dead) return new Promise(() => undefined);
    call.asked?.();
    if (!this.holding) return this.#goOn(actor, call);
    return new Promise((resolve, reject) => {
      const end = (answer: () => T | Promise<T>, fate: string): void => {
        Promise.resolve()
          .then(answer)
          .then(
            (value) => {
              this.#saw(actor, `${call.name} ${fate} ${shown(value)}`);
              resolve(value);
            },
            (thrown: unknown) => {
              const error = thrown instanceof Error ? thrown : new Error(String(thrown));
              this.#saw(actor, `${call.name} ${fate} ${String(error)}`);
              reject(error);
            },
          );
      };
      this.#parked.push({ actor, name: call.name, ends: this.#endsOf(actor, call, end) });
    });
  }

  /** Lets something happen, at any moment, that is no call. */
  park(name: string, go: () => void): void {
    this.#parked.push({ actor: undefined, name, ends: { go } });
  }

  choices(): Choice[] {
    const { atOnce } = this.#limits;
    const alone = this.#parked.find(({ name }) => atOnce.test(name));
    const open = alone ? [{ ...alone, ends: { go: alone.ends['go'] ?? (() => undefined) } }] : this.#parked;
    return open
      .flatMap((parked) => {
        const from = alone ?? parked;
        return Object.entries(parked.ends).map(([fate, end]) => this.#choice(from, fate, end));
      })
      .filter(({ cost }) => cost <= this.#left);
  }

  take({ label, cost, take }: Choice): void {
    this.trace.push(label);
    this.#left -= cost;
    take();
  }

  /** `truth` names the state of everything outside the processes. */
  key(truth: string): string {
    const parked = this.#parked.map(
      ({ actor, name }) => `${actor?.name ?? ''} ${actor?.digest ?? ''} ${name}`,
    );
    return hash('md5', [this.#time, this.#left, this.#renewals, ...parked.sort(), truth].join('\n'));
  }

  /** Between two choices everybody only waits for promises; a tick comes after all of those. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      process.nextTick(resolve);
    });
  }

  async #goOn<T>(actor: Actor, { name, go }: Call<T>): Promise<T> {
    this.calls += 1;
    const fuse = this.calls === this.fuse?.at ? this.fuse : undefined;
    this.trace.push(`${actor.name}: ${name}${fuse ? ` (dies ${fuse.fate})` : ''}`);
    if (!fuse) return go();
    actor.dead = true;
    if (fuse.fate === 'after')
      await Promise.resolve()
        .then(go)
        .catch(() => undefined);
    fuse.burnt();
    return new Promise(() => undefined);
  }

  #endsOf<T>(
    actor: Actor,
    { name, go }: Call<T>,
    end: (answer: () => T | Promise<T>, fate: string) => void,
  ): Parked['ends'] {
    const silence = (): never => {
      this.troubled = true;
      throw new Error('no answer');
    };
    const fates: Record<Fault, Record<string, () => void>> = {
      kill: {
        dies: () => {
          this.#kill(actor);
        },
      },
      lost: {
        lost: () => {
          end(async () => {
            await Promise.resolve()
              .then(go)
              .catch(() => undefined);
            return silence();
          }, 'lost');
        },
      },
      fails: {
        fails: () => {
          end(silence, 'fails');
        },
      },
    };
    const { faults, on } = this.#limits;
    const met = on.test(name) ? faults.map((fault) => fates[fault]) : [];
    return Object.assign(
      {
        go: () => {
          end(go, 'go');
        },
      },
      ...met,
    ) as Parked['ends'];
  }

  #choice(parked: Parked, fate: string, end: () => void): Choice {
    const label = `${parked.actor?.name ?? 'meanwhile'}: ${parked.name}${fate === 'go' ? '' : ` (${fate})`}`;
    const take = (): void => {
      this.#parked = this.#parked.filter((other) => other !== parked);
      end();
    };
    return { label, cost: fate === 'go' ? 0 : 1, take };
  }

  #saw(actor: Actor, what: string): void {
    actor.digest = hash('md5', `${actor.digest} ${String(this.#time - this.#start)} ${what}`);
  }

  #kill(actor: Actor): void {
    actor.dead = true;
    this.#parked = this.#parked.filter((parked) => parked.actor !== actor);
  }
}

/** Without the writer of a document, which is another in each play. */
function shown(value: unknown): string {
  return JSON.stringify([value], (key, part: unknown) => (key === 'writer' ? undefined : part));
}
