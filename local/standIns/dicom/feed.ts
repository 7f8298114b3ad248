// The change feed of one DICOM service: an append-only log whose sequences may have gaps and may become visible late.
import { Override } from '../effects.ts';
import type { Now } from '../kit.ts';
import { compareInstants, nextInstant, type Instant } from './instant.ts';

export interface InstanceUids {
  readonly study: string;
  readonly series: string;
  readonly sop: string;
}

export type Action = 'Create' | 'Update' | 'Delete';

export interface Row extends InstanceUids {
  /** An int64 in decimal digits: a JavaScript number cannot hold all of them. */
  readonly sequence: string;
  readonly action: Action;
  /** The version of the instance that the change made or removed. */
  readonly watermark: number;
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
}

export const emptyFeed = (): FeedData => ({ last: '0', at: { ms: 0, ticks: 0 }, rows: [] });

export class Feed {
  readonly #data: FeedData;
  readonly #now: Now;
  readonly #late = new Override<{ left: number; readonly ms: number }>();

  constructor(data: FeedData, now: Now) {
    this.#data = data;
    this.#now = now;
  }

  /** Appends one row for each instance, all with the time of the one statement that SQL Server would run. */
  append(action: Action, changed: readonly (InstanceUids & { readonly watermark: number })[]): void {
    const now = this.#now();
    this.#data.at = nextInstant(now, this.#data.at, this.#data.rows.length * 2711);
    for (const { study, series, sop, watermark } of changed) {
      this.skip(1n);
      const { last: sequence, at } = this.#data;
      const visibleFrom = now + this.#lateness();
      this.#data.rows.push({ sequence, action, study, series, sop, watermark, at, visibleFrom });
    }
  }

  /** Draws sequence numbers that no row will ever have. */
  skip(count: bigint): void {
    this.#data.last = String(BigInt(this.#data.last) + count);
  }

  /** The next `sequences` rows become visible `ms` after they were written; the answer ends that for those still to come. */
  commitLate(sequences: number, ms: number): () => void {
    return this.#late.set({ left: sequences, ms });
  }

  /** Every visible change, by sequence. */
  changes(): Change[] {
    const now = this.#now();
    const visible = this.#data.rows.filter(({ visibleFrom }) => visibleFrom <= now);
    const newest = new Map(visible.map((row) => [keyOf(row), row]));
    return visible.map((row) => {
      const latest = newest.get(keyOf(row)) ?? row;
      if (latest.action === 'Delete') return { row, state: 'Deleted', current: undefined };
      const state = latest.watermark === row.watermark ? 'Current' : 'Replaced';
      return { row, state, current: latest.watermark };
    });
  }

  /** The version that the change with this sequence, visible or not, made or removed. */
  watermarkOf(sequence: string): number | undefined {
    return this.#data.rows.find((row) => row.sequence === sequence)?.watermark;
  }

  #lateness(): number {
    const rule = this.#late.current;
    if (!rule || rule.left === 0) return 0;
    rule.left -= 1;
    return rule.ms;
  }
}

/** The order of v2: by time, and by sequence within the same time. */
export function byTime(a: Change, b: Change): number {
  return compareInstants(a.row.at, b.row.at) || Number(BigInt(a.row.sequence) - BigInt(b.row.sequence));
}

function keyOf({ study, series, sop }: InstanceUids): string {
  return `${study}/${series}/${sop}`;
}
