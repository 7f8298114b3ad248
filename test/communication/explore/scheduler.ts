// Holds every step of every process until somebody chooses which one goes on next, and what becomes of it.
import { hash } from 'node:crypto';
import type { Choice } from '../../support/search.ts';
import { claimLifeMs } from '../../../src/platform/limits.ts';
import type { Clock } from '../../../src/platform/clock.ts';
import { Actor, type Fault, type Step } from './step.ts';

interface Parked {
  readonly actor: Actor;
  readonly step: Step<unknown>;
  readonly since: number;
  readonly end: (outcome: Outcome) => void;
  /** A process that waits looks again once what it saw last has changed. */
  readonly waitsFor?: string;
}

type Outcome = { readonly value: unknown } | { readonly error: Error };

export interface Limits {
  readonly faults: readonly Fault[];
  /** Faults in one schedule. */
  readonly budget: number;
  /** How long a `tick` or a `slow` answer takes, milliseconds. */
  readonly tickMs: number;
  /** How often another process may go on though the one before could. */
  readonly switches: number;
}

/** Where nobody else can go on, a wait ends when every claim has run out. */
const pauseMs = claimLifeMs + 1_000;

export class Scheduler {
  readonly actors: Actor[] = [];
  readonly trace: string[] = [];
  readonly #limits: Limits;
  /** What the waiting look at. */
  readonly #seen: () => string;
  #parked: Parked[] = [];
  #left: number;
  #switches: number;
  #last: Actor | undefined;
  #time = Date.parse('2026-03-01T12:00:00.000Z');
  /** True: steps are held; false: they go at once. */
  holding = false;

  constructor(limits: Limits, seen: () => string) {
    this.#limits = limits;
    this.#left = limits.budget;
    this.#switches = limits.switches;
    this.#seen = seen;
  }

  get time(): number {
    return this.#time;
  }

  advance(ms: number): void {
    this.#time += ms;
  }

  clock(actor: Actor): Clock {
    const now = (): number => this.#time;
    return { now, monotonic: now, sleep: () => this.#wait(actor) };
  }

  step<T>(actor: Actor, step: Step<T>): Promise<T> {
    if (!this.holding) return this.#atOnce(actor, step);
    return new Promise<T>((resolve, reject) => {
      const end = (outcome: Outcome): void => {
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value as T);
      };
      this.#park({ actor, step, since: this.#time, end });
    });
  }

  /** All that a process still does ends here. */
  kill(actor: Actor): void {
    actor.dead = true;
    actor.digest = 'dead';
    this.#parked = this.#parked.filter((parked) => parked.actor !== actor);
  }

  /** Resolves when every process is parked or has ended: between two steps they only wait for promises, and ticks come after those. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      process.nextTick(resolve);
    });
  }

  key(): string {
    const parked = this.#parked.map(
      ({ actor, step, since }) => `${actor.name} ${step.name} ${step.detail ?? ''} ${since}`,
    );
    const actors = this.actors.map(({ name, digest }) => `${name} ${digest}`);
    const turn = this.#switches === Infinity ? '' : `${this.#switches} ${this.#last?.name ?? ''}`;
    return [this.#time, this.#left, turn, ...actors.sort(), ...parked.sort()].join();
  }

  choices(): readonly Choice[] {
    const awake = this.#parked.filter((parked) => this.#awake(parked));
    if (awake.length === 0) return this.#parked.map((parked) => this.#wakeUp(parked));
    // Where nobody can tell when a step came, one order stands for all.
    const unseen = this.#timeStands() ? awake.find(({ step }) => step.unseen) : undefined;
    const going = this.#switches <= 0 ? awake.filter(({ actor }) => actor === this.#last) : [];
    const next = unseen ? [unseen] : going.length > 0 ? going : awake;
    const all = next.flatMap((parked) => this.#fates(parked));
    const actors = new Set((unseen ? next : this.#parked).map(({ actor }) => actor));
    actors.delete(network);
    for (const actor of actors)
      all.push(
        ...this.#fault('kill', actor.name, () => {
          this.kill(actor);
        }),
      );
    all.push(
      ...this.#fault('tick', 'time passes', () => {
        this.advance(this.#limits.tickMs);
      }),
    );
    return all.filter(({ cost }) => cost <= this.#left);
  }

  take({ label, cost, take }: Choice): void {
    this.trace.push(label);
    this.#left -= cost;
    take();
  }

  async #atOnce<T>(actor: Actor, { go }: Step<T>): Promise<T> {
    if (actor.dead) await new Promise(() => undefined);
    return go();
  }

  #wait(actor: Actor): Promise<void> {
    if (!this.holding) {
      this.advance(pauseMs);
      return this.settled();
    }
    return new Promise((resolve) => {
      const step = { name: 'waits', go: () => undefined };
      this.#park({
        actor,
        step,
        since: this.#time,
        end: () => {
          resolve();
        },
        waitsFor: this.#seen(),
      });
    });
  }

  #park(parked: Parked): void {
    if (!parked.actor.dead) this.#parked.push(parked);
  }

  #awake({ waitsFor, since }: Parked): boolean {
    return waitsFor === undefined || waitsFor !== this.#seen() || since !== this.#time;
  }

  #turnTo(actor: Actor): void {
    const able = this.#parked.some((parked) => parked.actor === this.#last && this.#awake(parked));
    if (able && actor !== this.#last) this.#switches -= 1;
    this.#last = actor;
  }

  #timeStands(): boolean {
    return !this.#limits.faults.some((fault) => fault === 'tick' || fault === 'slow');
  }

  #wakeUp(parked: Parked): Choice {
    const take = (): void => {
      this.advance(pauseMs);
      this.#end(parked, 'go', parked.step.go);
    };
    return { label: `${parked.actor.name} waits in vain`, cost: 0, take };
  }

  #fates(parked: Parked): Choice[] {
    const { actor, step, since } = parked;
    const { go, name, ends = {}, limit } = step;
    const choice = (fate: string, cost: number, end: () => unknown): Choice => ({
      label: `${actor.name}, ${actor.doing}: ${name}${fate === 'go' ? '' : ` (${fate})`}`,
      cost,
      take: () => {
        this.#end(parked, fate, end);
      },
    });
    if (limit && this.#time - since > limit.ms) {
      return limit.ends.map((end, n) => choice(`too late, ${n}`, 0, end));
    }
    const known = Object.entries(ends).filter(([fate]) =>
      this.#limits.faults.some((fault) => fault === fate),
    );
    return [choice('go', 0, go), ...known.map(([fate, end]) => choice(fate, 1, end))];
  }

  #fault(fault: Fault, what: string, take: () => void): Choice[] {
    return this.#limits.faults.includes(fault) ? [{ label: `${what} (${fault})`, cost: 1, take }] : [];
  }

  #end(parked: Parked, fate: string, effect: () => unknown): void {
    const { actor, step } = parked;
    this.#parked = this.#parked.filter((other) => other !== parked);
    if (step.unseen !== true) this.#turnTo(actor);
    if (fate === 'late') {
      const end = (): void => undefined;
      const { go, detail = '' } = step;
      const late = { name: `${step.name} of ${actor.name}`, go, detail };
      this.#parked.push({ actor: network, step: late, since: 0, end });
    }
    const outcome = outcomeOf(effect);
    if (fate === 'last') {
      this.kill(actor);
      return;
    }
    if (fate === 'slow') this.advance(this.#limits.tickMs);
    const seen = 'error' in outcome ? String(outcome.error) : JSON.stringify(outcome.value);
    actor.digest = hash('md5', `${actor.digest} ${step.name} ${fate} ${this.#time} ${seen}`);
    parked.end(outcome);
  }
}

const network = new Actor('network');

function outcomeOf(effect: () => unknown): Outcome {
  try {
    return { value: effect() };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}
