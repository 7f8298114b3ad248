// Gets what a range holds in as many pages as the service can answer, and takes apart a page that its metadata fails.
import { isAppError } from '../platform/errors.ts';
import { AnswerTooLarge } from '../platform/restClient.ts';
import type { Page, Reading } from './cursor.ts';
import type { PageAnswer, ChangeFeedReader, Frame, PageOptions } from './dicomChangeFeed.ts';
import { count, type Interval } from './intervals.ts';
import { PageSize } from './pageSize.ts';
import { Dissection, isAboutMetadata, type Asking } from './poison.ts';

export interface PagesParts {
  readonly reader: ChangeFeedReader;
  /** Whether the metadata of the instances is wanted. */
  readonly metadata: boolean;
  /** 1..100 sequences a page. */
  readonly pageSize: number;
  readonly frame: Frame;
  /** What earlier runs learnt. */
  readonly learnt: Reading;
}

/** A run gives up on a service that is silent this often in a row: smaller pages did not help. */
const silencesInRow = 2;

export class Pages {
  readonly #parts: PagesParts;
  readonly #size: PageSize;
  readonly #dissection: Dissection;
  #silences = 0;

  constructor(parts: PagesParts) {
    this.#parts = parts;
    this.#size = new PageSize(parts.pageSize, parts.learnt.pageSize);
    const asking: Asking = {
      bare: (range) => this.#ask(range, { metadata: false }),
      once: (range) => this.#once(range),
    };
    this.#dissection = new Dissection(asking, parts.learnt);
  }

  /** How many sequences a page has now. */
  get size(): number {
    return this.#size.now;
  }

  get learnt(): Reading {
    return { ...this.#dissection.learnt, pageSize: this.#size.now };
  }

  /** What is delivered needs no further suspicion. */
  delivered(range: Interval): void {
    this.#dissection.forget(range);
  }

  /** The first page to ask for of a range: what an earlier run could not read is asked for alone. */
  first({ from, to }: Interval): Interval {
    const suspect = this.#dissection.suspects.find((sequence) => sequence >= from) ?? Infinity;
    const length = suspect === from ? 1 : Math.min(suspect - from, this.#size.now);
    return { from, to: Math.min(to, from + length - 1) };
  }

  /** One request for the whole range, ahead of its turn: what a failure means is judged by `read`. */
  async ahead(range: Interval, maxBytes: number, signal: AbortSignal): Promise<PageAnswer> {
    const { reader, metadata, frame } = this.#parts;
    return reader.answer(range, { metadata, maxBytes }, { ...frame, signal });
  }

  /** Takes note of a page that came ahead of its turn. */
  took(page: Page): Page {
    this.#silences = 0;
    this.#size.answered(page, page.bytes);
    if (this.#parts.metadata) this.#dissection.witnessed(page);
    return page;
  }

  /**
   * The pages of a range in order. `failed` is the error that asking for all of it at once ended with, where that was done.
   * Throws what the reader throws, and `FeedStop` (`upstream_failed`) for metadata that cannot be read.
   */
  async *read(range: Interval, failed?: { readonly error: unknown }): AsyncGenerator<Page> {
    if (failed) {
      yield* this.#afterFailure(range, failed.error);
      return;
    }
    let { from } = range;
    while (from <= range.to) {
      const part = this.first({ from, to: range.to });
      const asked = await this.#tried(part);
      if ('page' in asked) yield asked.page;
      else yield* this.#afterFailure(part, asked.error);
      from = part.to + 1;
    }
  }

  async *#afterFailure(range: Interval, error: unknown): AsyncGenerator<Page> {
    const divisible = isTooMuch(error) && count([range]) > 1;
    if (divisible) this.#size.tooMuch(range);
    this.#judge(error);
    if (divisible) yield* this.read(range);
    else if (this.#parts.metadata && isAboutMetadata(error)) yield* this.#dissection.pagesOf(range, error);
    else throw error;
  }

  async #tried(range: Interval): Promise<{ readonly page: Page } | { readonly error: unknown }> {
    try {
      return { page: this.took(await this.#ask(range, { metadata: this.#parts.metadata })) };
    } catch (error) {
      return { error };
    }
  }

  async #once(range: Interval): Promise<Page | undefined> {
    try {
      const page = await this.#ask(range, { metadata: true, once: true });
      this.#silences = 0;
      return page;
    } catch (error) {
      this.#judge(error);
      if (!isAboutMetadata(error)) throw error;
      return undefined;
    }
  }

  #ask(range: Interval, options: PageOptions): Promise<Page> {
    const { reader, frame } = this.#parts;
    return reader.page(range, options, frame);
  }

  /** Throws when nothing that is still to be tried could help. */
  #judge(error: unknown): void {
    if (!isAppError(error, 'upstream_timeout')) return;
    this.#silences += 1;
    if (this.#silences >= silencesInRow) throw error;
  }
}

function isTooMuch(error: unknown): boolean {
  return error instanceof AnswerTooLarge || isAppError(error, 'upstream_timeout');
}
