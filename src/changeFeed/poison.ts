// Takes a page apart that fails with metadata and answers without, and judges whether an entry is to blame or the store.
import { isAppError } from '../platform/errors.ts';
import { feedSuspectsInRun } from '../platform/limits.ts';
import type { Page, Reading } from './cursor.ts';
import type { FeedEntry } from './entry.ts';
import { covers, type Interval } from './intervals.ts';
import { FeedStop } from './outcome.ts';

export interface Asking {
  /** Without metadata. */
  bare(range: Interval): Promise<Page>;
  /** With metadata, tried once; undefined after a failure that the metadata may be the cause of. */
  once(range: Interval): Promise<Page | undefined>;
}

interface Piece {
  readonly page: Page;
  readonly readable: boolean;
}

/** Distances from an entry at which others are looked for whose metadata can be read. */
const around: readonly Interval[] = [
  { from: 1, to: 100 },
  { from: 101, to: 200 },
  { from: 1_000, to: 1_099 },
];
/** Of what exists there, nearest first, these are asked for: whole studies may be unreadable. */
const sampled = [0, 1, 3, 7, 15, 31, 63, 99];

/** True for an error of the service that unreadable metadata may be the cause of. */
export function isAboutMetadata(error: unknown): boolean {
  if (error instanceof FeedStop) return error.outcome === 'upstream_failed';
  return isAppError(error, 'upstream_failed', 'upstream_timeout');
}

export class Dissection {
  readonly #asking: Asking;
  /** Found by earlier runs. */
  readonly #earlier: ReadonlySet<number>;
  #suspects: readonly number[];
  #witness: number | null;

  constructor(asking: Asking, { suspects, witness }: Omit<Reading, 'pageSize'>) {
    this.#asking = asking;
    this.#earlier = new Set(suspects);
    this.#suspects = suspects;
    this.#witness = witness;
  }

  get learnt(): Omit<Reading, 'pageSize'> {
    return { suspects: this.#suspects, witness: this.#witness };
  }

  /** Ascending. */
  get suspects(): readonly number[] {
    return this.#suspects;
  }

  forget(range: Interval): void {
    this.#suspects = this.#suspects.filter((sequence) => !covers([range], sequence));
  }

  /** Remembers an entry whose metadata could be read. */
  witnessed({ entries }: Page): void {
    this.#witness = entries.findLast(isReadable)?.sequence ?? this.#witness;
  }

  /**
   * The pages of a range that failed with `cause`, up to the first entry that is newly suspected; that ends the run, and the
   * next one delivers without metadata what still cannot be read. Throws `FeedStop` also when nothing else can be read either:
   * an outage of the store must not cost a single change its metadata.
   */
  async *pagesOf(range: Interval, cause: unknown): AsyncGenerator<Page> {
    const bare = await this.#asking.bare(range);
    let found = 0;
    for await (const { page, readable } of this.#pieces(bare, cause)) {
      const [suspect] = page.entries;
      if (!readable && suspect && !this.#earlier.has(suspect.sequence)) {
        this.#suspects = [...this.#suspects, suspect.sequence].sort((left, right) => left - right);
        found += 1;
      }
      if (found === 0) yield page;
      if (found >= feedSuspectsInRun) break;
    }
    if (found > 0) throw unreadable(found, cause);
  }

  /** In order, each as large as can be read, or a single entry that cannot. */
  async *#pieces(bare: Page, cause: unknown): AsyncGenerator<Piece> {
    const [entry] = bare.entries;
    if (!entry) {
      yield { page: bare, readable: true };
    } else if (bare.entries.length === 1) {
      if (!(await this.#othersAnswer(entry.sequence))) throw storeDown(cause);
      yield {
        page: { ...bare, entries: [{ ...entry, metadataError: 'unreadable' }] },
        readable: false,
      };
    } else {
      for (const half of halvesOf(bare)) {
        const page = half.entries.length === 0 ? half : await this.#asking.once(half);
        if (!page) yield* this.#pieces(half, cause);
        else {
          this.witnessed(page);
          yield { page, readable: true };
        }
      }
    }
  }

  /**
   * Asked after the entry failed, so that the store was at work before or after. Deleted instances show nothing: the service
   * does not ask the store about them.
   */
  async #othersAnswer(sequence: number): Promise<boolean> {
    if (this.#witness !== null && (await this.#answers(this.#witness, sequence))) return true;
    for (const { from, to } of around) {
      const below = { from: Math.max(1, sequence - to), to: sequence - from };
      const above = { from: sequence + from, to: sequence + to };
      for (const range of [below, above]) {
        for (const other of await this.#others(range, range === below)) {
          if (await this.#answers(other, sequence)) return true;
        }
      }
    }
    return false;
  }

  async #others(range: Interval, descending: boolean): Promise<number[]> {
    if (range.to < 1) return [];
    const { entries } = await this.#asking.bare(range);
    const others = entries
      .filter(({ sequence, state }) => state !== 'Deleted' && !this.#suspects.includes(sequence))
      .map(({ sequence }) => sequence);
    if (descending) others.reverse();
    return sampled.flatMap((at) => others[at] ?? []);
  }

  /** Were it asked for itself, an answer after all would look like that of another. */
  async #answers(other: number, suspect: number): Promise<boolean> {
    if (other === suspect) return false;
    const page = await this.#asking.once({ from: other, to: other });
    if (!page?.entries.some(isReadable)) return false;
    this.witnessed(page);
    return true;
  }
}

function isReadable({ metadata }: FeedEntry): boolean {
  return metadata !== undefined;
}

function halvesOf(page: Page): readonly Page[] {
  const middle = Math.floor((page.from + page.to) / 2);
  return [
    { from: page.from, to: middle },
    { from: middle + 1, to: page.to },
  ].map((half) => ({
    ...{ ...page, ...half },
    entries: page.entries.filter(({ sequence }) => covers([half], sequence)),
  }));
}

function unreadable(count: number, cause: unknown): FeedStop {
  return new FeedStop(
    'upstream_failed',
    `The metadata of ${count === 1 ? 'a change' : `${count} changes`} cannot be read, that of others can.`,
    {
      advice:
        'The next run delivers them without metadata, marked with "metadataError", unless it can be read then. ' +
        'The instances have to be looked at in the DICOM service.',
      cause,
    },
  );
}

function storeDown(cause: unknown): FeedStop {
  return new FeedStop(
    'upstream_failed',
    'The store of metadata behind the DICOM service cannot be read: no change around shows any.',
    {
      advice:
        'The cursor waits until it can, so that no change is delivered without its metadata. ' +
        'With CHANGE_FEED_METADATA "none" the feed goes on without.',
      cause,
    },
  );
}
