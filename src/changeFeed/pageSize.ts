// How many sequences to ask for at once: half as many after a page that was too much, slowly more again. No I/O.
import { feedPagesToGrow, feedPageTargetBytes } from '../platform/limits.ts';
import { count, type Interval } from './intervals.ts';

export class PageSize {
  readonly #most: number;
  #now: number;
  #good = 0;

  /** `most` as the settings allow; `learnt` what the last run ended with. */
  constructor(most: number, learnt: number | null) {
    this.#most = most;
    this.#now = Math.min(most, learnt ?? most);
  }

  get now(): number {
    return this.#now;
  }

  /** A page of this range took too long or was too large: the next ones are at most half as long, down to 1. */
  tooMuch(range: Interval): void {
    this.#now = Math.max(1, Math.min(this.#now, Math.floor(count([range]) / 2)));
    this.#good = 0;
  }

  answered(range: Interval, bytes: number): void {
    const length = count([range]);
    if (bytes > feedPageTargetBytes && length > 1) this.tooMuch(range);
    // A shorter one says nothing about one as long as may be.
    else if (length >= this.#now) this.#good += 1;
    if (this.#good < feedPagesToGrow) return;
    this.#now = Math.min(this.#most, this.#now + 1);
    this.#good = 0;
  }
}
