// A stage on which chance decides how long every request takes and what becomes of it; time passes from event to event.
import type { Chance } from './chance.ts';
import type { Actor, Stage, Step } from './stage.ts';
import { hourMs } from './world.ts';

/** How likely each trouble is at one request. */
export interface Trouble {
  /** No answer, or another one. */
  readonly fault: number;
  /** The process dies. */
  readonly kill: number;
  /** The process stands still, for up to days. */
  readonly freeze: number;
}

export const calm: Trouble = { fault: 0, kill: 0, freeze: 0 };

interface Event {
  readonly due: number;
  readonly number: number;
  /** Whose process has to be alive and awake for it; what happens at a service needs nobody. */
  readonly actor: Actor | undefined;
  readonly happen: () => void;
}

const freezesMs = [40_000, 5 * 60_000, 20 * 60_000, 3 * hourMs, 60 * hourMs];

export class Simulation implements Stage {
  trouble = calm;
  /** Called after each step: whoever wants to meddle between two of them. */
  between: () => void = () => undefined;
  readonly trace: string[] = [];
  readonly #chance: Chance;
  readonly #events: Event[] = [];
  #time = Date.parse('2026-03-01T12:00:00.000Z');
  #count = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  readonly now = (): number => this.#time;

  step<T>(actor: Actor, step: Step<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (actor.dead) return;
      const done = (answer: () => T, after: number): void => {
        const end = resultOf(answer);
        this.#after(after, actor, () => {
          if ('error' in end) reject(asError(end.error));
          else resolve(end.value);
        });
      };
      this.#after(this.#latency(), undefined, () => {
        this.#perform(actor, step, done);
        this.between();
      });
    });
  }

  sleep(actor: Actor, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (actor.dead) return;
      const stop = (): void => {
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) {
        stop();
        return;
      }
      signal?.addEventListener('abort', stop, { once: true });
      this.#after(ms, actor, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
    });
  }

  /** Lets events happen until `end`, or until `done` says so, whichever is first. */
  async pass(end: number, done: () => boolean = () => false): Promise<void> {
    await settled();
    for (let event = this.#first(end); event && !done(); event = this.#first(end)) {
      this.#events.splice(this.#events.indexOf(event), 1);
      this.#time = Math.max(this.#time, event.due);
      const { actor } = event;
      if (actor?.dead) continue;
      if (actor && actor.frozenUntil > this.#time) this.#push({ ...event, due: actor.frozenUntil });
      else event.happen();
      await settled();
    }
    if (!done()) this.#time = Math.max(this.#time, end);
  }

  say(text: string): void {
    this.trace.push(`${new Date(this.#time).toISOString().slice(5, 19)} ${text}`);
  }

  #first(end: number): Event | undefined {
    let first: Event | undefined;
    for (const event of this.#events) {
      if (event.due > end) continue;
      if (!first || event.due < first.due || (event.due === first.due && event.number < first.number))
        first = event;
    }
    return first;
  }

  #perform<T>(actor: Actor, step: Step<T>, done: (answer: () => T, after: number) => void): void {
    const fate = this.#fate(step);
    this.say(`${actor.name} ${step.name}${fate === 'go' ? '' : ` (${fate})`}`);
    const lost = (): T => {
      resultOf(step.go);
      return step.unanswered();
    };
    const { others = {} } = step;
    switch (fate) {
      case 'killed before':
      case 'killed after':
        if (fate === 'killed after') resultOf(step.go);
        actor.dead = true;
        return;
      case 'frozen':
        actor.frozenUntil = this.#time + this.#chance.pick(freezesMs);
        {
          done(step.go, this.#latency());
          return;
        }
      case 'fails': {
        done(step.unanswered, this.#latency() * 20);
        return;
      }
      case 'lost': {
        done(lost, this.#latency() * 20);
        return;
      }
      case 'late':
        this.#later(step);
        {
          done(step.unanswered, 15_000);
          return;
        }
      default: {
        done(others[fate] ?? step.go, this.#latency());
        return;
      }
    }
  }

  #later<T>({ late }: Step<T>): void {
    const happen = late?.();
    this.#after(this.#chance.between(20_000, 55 * 60_000), undefined, () => {
      this.say('a late publish is carried out');
      happen?.();
    });
  }

  #fate<T>({ others = {}, late }: Step<T>): string {
    const { fault, kill, freeze } = this.trouble;
    if (this.#chance.hits(kill)) return this.#chance.pick(['killed before', 'killed after']);
    if (this.#chance.hits(freeze)) return 'frozen';
    if (!this.#chance.hits(fault)) return 'go';
    return this.#chance.pick(['fails', 'lost', ...(late ? ['late', 'late'] : []), ...Object.keys(others)]);
  }

  #latency(): number {
    return this.#chance.hits(0.05) ? this.#chance.between(1_000, 9_000) : this.#chance.between(20, 400);
  }

  #after(ms: number, actor: Actor | undefined, happen: () => void): void {
    this.#push({ due: this.#time + ms, number: 0, actor, happen });
  }

  #push(event: Event): void {
    this.#count += 1;
    this.#events.push({ ...event, number: this.#count });
  }
}

/** Between two events everybody only waits for promises; a tick comes after all of those. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

function resultOf<T>(effect: () => T): { value: T } | { error: unknown } {
  try {
    return { value: effect() };
  } catch (error) {
    return { error };
  }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
