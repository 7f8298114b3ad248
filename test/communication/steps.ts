// Lets a test decide what becomes of each step of a process: it goes on, fails, or the process dies there.
import { setImmediate as turn } from 'node:timers/promises';
import { AppError } from '../../src/platform/errors.ts';

/**
 * What becomes of one step of a process. `mistaken`: a write lands, is overwritten by others, and looks like a refused one;
 * `not landed`: it got lost on the way and looks the same. `throttled`: the service refuses it as one too many.
 */
export type Fate =
  'go' | 'die before' | 'die after' | 'fail before' | 'fail after' | 'mistaken' | 'not landed' | 'throttled';

export interface StepOptions {
  /** Asked before each step: `rows.read`, `rows.write`, `outbox.add`, `acs.create`, … */
  readonly fate?: (step: string) => Fate;
  /** Awaited before or after the effect of a step: what others do meanwhile. */
  readonly meanwhile?: (step: string, when: 'before' | 'after') => Promise<unknown> | undefined;
  /** How many turns of the event loop a step takes; 1 by default. */
  readonly pace?: () => number;
}

export type Step = <T>(
  name: string,
  signal: AbortSignal | undefined,
  effect: () => T,
  mistaken?: () => T,
) => Promise<T>;

export function stepper(
  { fate = () => 'go', pace = () => 1, meanwhile }: StepOptions,
  die: () => void,
): Step {
  let dead = false;
  const rest = async (): Promise<void> => {
    for (let turns = pace(); turns > 0; turns -= 1) await turn();
    if (dead) await forever();
  };
  const kill = (): Promise<never> => {
    dead = true;
    die();
    return forever();
  };
  return async (name, signal, effect, mistaken) => {
    await rest();
    signal?.throwIfAborted();
    const chosen = fate(name);
    if (chosen === 'die before') return kill();
    const refusal = refusals[chosen];
    if (refusal) throw refusal();
    if (chosen === 'not landed' && mistaken) return mistaken();
    await meanwhile?.(name, 'before');
    const result = effect();
    await meanwhile?.(name, 'after');
    if (chosen === 'die after') return kill();
    if (chosen === 'fail after') throw unanswered();
    if (chosen === 'mistaken' && mistaken) return mistaken();
    await rest();
    return result;
  };
}

const forever = (): Promise<never> => new Promise(() => undefined);
const unanswered = (): AppError => new AppError('upstream_failed', 'no answer');
const throttled = (): AppError => new AppError('upstream_throttled', 'too many', { retryAfterSeconds: 7 });
/** What never reaches the effect. */
const refusals: Partial<Record<Fate, () => AppError>> = { 'fail before': unanswered, throttled };

/** Applies `fate` to the nth step (from 1) of that name, and lets everything else go. */
export function nth(name: string, count: number, fate: Fate): (step: string) => Fate {
  let seen = 0;
  return (step) => {
    if (step !== name) return 'go';
    seen += 1;
    return seen === count ? fate : 'go';
  };
}
