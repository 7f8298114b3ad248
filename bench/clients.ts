// Clients as they should be: told when to come back, they come back then and not all at once.
import type { Clock } from '../src/platform/clock.ts';
import { identityIn, type Answer } from './http.ts';

export interface Crowd {
  readonly ask: (bearer: string) => Promise<Answer>;
  readonly clock: Clock;
  readonly random: () => number;
  /** By the monotonic clock: nobody comes back after it. */
  readonly until: number;
}

/** How it ended for one user: `waiting` is one who was told when to come back, and the benchmark did not last that long. */
export type Ending =
  | { readonly kind: 'served'; readonly identity: string; readonly at: number }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'lost' };

/** The wait is made up to a fifth longer by chance, so that those who are sent away together do not return together. */
const jitter = 0.2;

/** Answers by status; 0 stands for none. */
export type Tally = Map<number, number>;

/** Asks until there is a token, or an answer that is neither that nor a time to come back. */
export async function persist(bearer: string, crowd: Crowd, tally: Tally): Promise<Ending> {
  const { ask, clock, random, until } = crowd;
  for (;;) {
    const answer = await ask(bearer).catch(() => undefined);
    const status = answer?.status ?? 0;
    tally.set(status, (tally.get(status) ?? 0) + 1);
    if (answer?.status === 200)
      return { kind: 'served', identity: identityIn(answer), at: clock.monotonic() };
    if (answer?.retryAfter === undefined) return { kind: 'lost' };
    const wait = Math.round(answer.retryAfter * 1000 * (1 + jitter * random()));
    if (clock.monotonic() + wait > until) return { kind: 'waiting' };
    await clock.sleep(wait);
  }
}
