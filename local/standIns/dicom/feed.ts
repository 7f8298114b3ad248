// The change feed of one DICOM service: an append-only log whose sequences may have gaps and may become visible late.
import { Override } from '../effects.ts';
import type { Now } from '../kit.ts';
import { compareInstants, nextInstant, type Instant } from './instant.ts';

export interface InstanceUids {
  readonly study: string;
  readonly series: string;
  readonly sop: string;
}

/** In services without partitions everything is in the default one. */
export const defaultPartition = 'Microsoft.Default';

/** An instance is known by its UIDs within its partition. */
export interface Placed extends InstanceUids {
  /** The default one when absent. */
  readonly partition?: string | undefined;
}

export interface Version extends Placed {
  readonly watermark: number;
  /** Of its file in the external store, where the service has one. */
  readonly filePath?: string | undefined;
}

export type Action = 'Create' | 'Update' | 'Delete';

/** Its version is the one that the change made or removed. */
export interface Row extends Version {
  /** An int64 in decimal digits: a JavaScript number cannot hold all of them. */
  readonly sequence: string;
  readonly action: Action;
  /** What the feed calls the action, where that is not its own name. */
  readonly toldAs?: string | undefined;
  readonly at: Instant;
  /** Milliseconds since 1970 UTC; before that the transaction counts as not committed. */
  readonly visibleFrom: number;
}

/** Plain data, in the order of the sequence. */
export interface FeedData {
  last: string;
  at: Instant;
  rows: Row[];
}

/** A change as it looks now: its state and version follow later changes of the same instance. */
export interface Change {
  readonly row: Row;
  readonly state: 'Current' | 'Replaced' | 'Deleted';
  /** The version whose metadata the change shows; undefined while the instance is deleted. */
  readonly current: number | undefined;
  /** A bulk update rewrites that of all older changes of the instance, too. */
  readonly filePath: string | undefined;
}

/** Something out of the ordinary that happens to the next `left` of something. */
interface Oddity<T> {
  left: number;
  readonly value: T;
}

export const emptyFeed = (): FeedData => ({ last: '0', at: { ms: 0, ticks: 0 }, rows: [] });

export class Feed {
  readonly #data: FeedData;
  readonly #now: Now;
  readonly #late = new Override<Oddity<number>>();
  readonly #early = new Override<Oddity<number>>();
  readonly #tied = new Override<Oddity<true>>();
  readonly #renamed = new Override<Oddity<string>>();

  constructor(data: FeedData, now: Now) {
    this.#data = data;
    this.#now = now;
  }

  /** Appends one row for each instance, all with the time of the one statement that SQL Server would run. */
  append(action: Action, changed: readonly Version[]): void {
    const now = this.#now();
    if (this.#data.rows.length === 0 || take(this.#tied) === undefined)
      this.#data.at = nextInstant(now, this.#data.at, this.#data.rows.length * 2711);
    const { ms, ticks } = this.#data.at;
    const at = { ms: ms - (take(this.#early) ?? 0), ticks };
    const toldAs = take(this.#renamed);
    for (const version of changed) {
      this.skip(1n);
      const visibleFrom = now + (take(this.#late) ?? 0);
      this.#data.rows.push({ ...version, sequence: this.#data.last, action, toldAs, at, visibleFrom });
    }
  }

  /** Draws sequence numbers that no row will ever have. */
  skip(count: bigint): void {
    this.#data.last = String(BigInt(this.#data.last) + count);
  }

  /** The next `sequences` rows become visible `ms` after they were written; the answer ends that for those still to come. */
  commitLate(sequences: number, ms: number): () => void {
    return this.#late.set({ left: sequences, value: ms });
  }

  /** The next statements carry the time at which their transaction began, `ms` before it ended: earlier than older changes. */
  beginEarly(statements: number, ms: number): () => void {
    return this.#early.set({ left: statements, value: ms });
  }

  /** The next statements have the time of the one before them. */
  stopClock(statements: number): () => void {
    return this.#tied.set({ left: statements, value: true });
  }

  /** The feed calls the action of the next statements by another name. */
  rename(statements: number, name: string): () => void {
    return this.#renamed.set({ left: statements, value: name });
  }

  /** Every visible change, by sequence. */
  changes(): Change[] {
    const now = this.#now();
    const visible = this.#data.rows.filter(({ visibleFrom }) => visibleFrom <= now);
    const newest = new Map(visible.map((row) => [keyOf(row), row]));
    const updates = new Map(
      visible.filter(({ action }) => action === 'Update').map((row) => [keyOf(row), row]),
    );
    return visible.map((row) => {
      const latest = newest.get(keyOf(row)) ?? row;
      const update = updates.get(keyOf(row));
      const rewritten = update && BigInt(update.sequence) > BigInt(row.sequence) ? update : row;
      const { filePath } = rewritten;
      if (latest.action === 'Delete') return { row, state: 'Deleted', current: undefined, filePath };
      const state = latest.watermark === row.watermark ? 'Current' : 'Replaced';
      return { row, state, current: latest.watermark, filePath };
    });
  }

  /** The version that the change with this sequence, visible or not, made or removed. */
  watermarkOf(sequence: string): number | undefined {
    return this.#data.rows.find((row) => row.sequence === sequence)?.watermark;
  }
}

function take<T>({ current }: Override<Oddity<T>>): T | undefined {
  if (!current || current.left === 0) return undefined;
  current.left -= 1;
  return current.value;
}

/** The order of v2: by time, and by sequence within the same time. */
export function byTime(a: Change, b: Change): number {
  return compareInstants(a.row.at, b.row.at) || Number(BigInt(a.row.sequence) - BigInt(b.row.sequence));
}

function keyOf({ partition = defaultPartition, study, series, sop }: Placed): string {
  return `${partition}/${study}/${series}/${sop}`;
}
