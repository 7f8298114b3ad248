// Graph's replicas learn late of a new object: until then reads do not find it, and nothing can refer to it.
import type { Now } from '../kit.ts';
import { refused } from './errors.ts';

interface Made {
  readonly createdAt?: number | undefined;
}

export class Visible {
  readonly #now: Now;
  readonly #lagMs: () => number;

  constructor(now: Now, lagMs: () => number) {
    this.#now = now;
    this.#lagMs = lagMs;
  }

  of<T extends Made>(all: ReadonlyMap<string, T>): Map<string, T> {
    const until = this.#now() - this.#lagMs();
    return new Map([...all].filter(([, { createdAt }]) => (createdAt ?? -Infinity) <= until));
  }

  /** By object id. Throws `GraphError` (404). */
  find<T extends Made & { readonly id: string }>(all: ReadonlyMap<string, T>, id: string): T {
    const found = [...this.of(all).values()].find((one) => one.id === id.toLowerCase());
    if (!found) throw refused.absent(id);
    return found;
  }
}
