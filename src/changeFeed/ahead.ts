// Fetches the pages of a run ahead of the delivery, and hands them over in order.
import {
  feedAheadBytes,
  feedAheadGrowth,
  feedAheadLeastBytes,
  feedAheadPages,
  feedFetchesAtOnce,
  feedReserveMs,
} from '../platform/limits.ts';
import { AnswerTooLarge } from '../platform/restClient.ts';
import type { Page } from './cursor.ts';
import type { PageAnswer, Frame } from './dicomChangeFeed.ts';
import type { Interval } from './intervals.ts';
import type { Pages } from './pages.ts';

type Outcome = { readonly answer: PageAnswer } | { readonly error: unknown };

interface Fetch {
  readonly range: Interval;
  /** What its answer may have. */
  readonly maxBytes: number;
  readonly settled: Promise<Outcome>;
  outcome: Outcome | undefined;
}

export class Ahead {
  readonly #pages: Pages;
  readonly #frame: Frame;
  readonly #to: number;
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  readonly #ordered: AsyncGenerator<Page>;
  #from: number;
  /** In order; the first one is the next to be handed over. */
  readonly #fetches: Fetch[] = [];
  /** Bytes of the last answer, from which it is told what the next ones may have; unknown before the first. */
  #expected: number | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** Pages of `range` from its start, none before the first is asked for. */
  constructor(pages: Pages, { from, to }: Interval, frame: Frame) {
    this.#pages = pages;
    this.#frame = frame;
    this.#from = from;
    this.#to = to;
    this.#signal = AbortSignal.any([frame.signal, this.#end.signal]);
    this.#ordered = this.#inOrder();
  }

  /** Undefined after the last one. Throws what the page failed with when its turn has come, and again from then on. */
  async next(): Promise<Page | undefined> {
    if (this.#failure) throw this.#failure.error;
    try {
      const { value } = (await this.#ordered.next()) as IteratorResult<Page, undefined>;
      return value;
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /** Ends what is under way and waits for that. */
  async close(): Promise<void> {
    this.#end.abort(new Error('The pages are not needed any more.'));
    await Promise.all(this.#fetches.map(({ settled }) => settled));
  }

  async *#inOrder(): AsyncGenerator<Page> {
    while (this.#from <= this.#to || this.#fetches.length > 0) {
      const first = this.#fetches.shift();
      const range = first?.range ?? this.#cut();
      const outcome = opened(await first?.settled);
      this.#fill();
      if (outcome && 'page' in outcome) {
        yield this.#pages.took(outcome.page);
        continue;
      }
      for await (const page of this.#pages.read(range, outcome)) {
        this.#expected = page.bytes;
        this.#fill();
        yield page;
      }
    }
  }

  #cut(): Interval {
    const range = this.#pages.first({ from: this.#from, to: this.#to });
    this.#from = range.to + 1;
    return range;
  }

  #fill(): void {
    if (this.#expected === undefined) return;
    const maxBytes = Math.max(feedAheadLeastBytes, feedAheadGrowth * this.#expected);
    while (this.#from <= this.#to && this.#mayFetch(maxBytes))
      this.#fetches.push(this.#fetch(this.#cut(), maxBytes));
  }

  #mayFetch(maxBytes: number): boolean {
    const { remainingMs } = this.#frame;
    if (this.#end.signal.aborted) return false;
    if (this.#fetches.filter(({ outcome }) => !outcome).length >= feedFetchesAtOnce) return false;
    // After a failure nothing more is asked for until it is judged.
    if (this.#fetches.some(({ outcome }) => outcome && 'error' in outcome)) return false;
    if (remainingMs() < feedReserveMs) return false;
    const bytes = this.#fetches.map((fetch) =>
      fetch.outcome && 'answer' in fetch.outcome ? fetch.outcome.answer.bytes : fetch.maxBytes,
    );
    const ahead = bytes.reduce((sum, one) => sum + one, maxBytes);
    return this.#fetches.length < feedAheadPages && ahead <= feedAheadBytes;
  }

  #fetch(range: Interval, maxBytes: number): Fetch {
    const settle = async (): Promise<Outcome> => {
      let outcome: Outcome;
      try {
        const answer = await this.#pages.ahead(range, maxBytes, this.#signal);
        this.#expected = answer.bytes;
        outcome = { answer };
      } catch (error) {
        outcome = { error };
      }
      fetch.outcome = outcome;
      this.#fill();
      return outcome;
    };
    const fetch: Fetch = { range, maxBytes, settled: settle(), outcome: undefined };
    return fetch;
  }
}

/** Undefined for what is to be asked for: an answer that was too large ahead of its turn has all the room there is in its turn. */
function opened(
  outcome: Outcome | undefined,
): { readonly page: Page } | { readonly error: unknown } | undefined {
  if (!outcome) return undefined;
  if ('error' in outcome) return outcome.error instanceof AnswerTooLarge ? undefined : outcome;
  try {
    return { page: outcome.answer.page() };
  } catch (error) {
    return { error };
  }
}
