// Which crossed holes are read again, and when one has been watched long enough. No I/O.
import { feedAuditFirstMs } from '../platform/limits.ts';
import type { CrossedHole, Page } from './cursor.ts';
import { covers, join, missing, overlap, subtract, type Interval } from './intervals.ts';

export interface AuditFrame {
  /** The service's clock, milliseconds. */
  readonly now: number;
  /** How long a hole is watched after its crossing, milliseconds. */
  readonly watchMs: number;
  readonly pageSize: number;
  readonly mostReads: number;
}

/**
 * The pages, each at most `pageSize` sequences, that contain the crossed holes due for a read. The pause between reads
 * doubles from a minute on, and one read always follows the end of the watch.
 */
export function dueReads(crossed: readonly CrossedHole[], frame: AuditFrame): Interval[] {
  const due = crossed.filter((hole) => isDue(hole, frame)).sort((left, right) => left.from - right.from);
  const reads: Interval[] = [];
  for (const hole of due) {
    let from = hole.from;
    while (from <= hole.to) {
      const last = reads.at(-1);
      const lastEnd = last ? last.from + frame.pageSize - 1 : 0;
      if (last && from <= lastEnd) reads.splice(-1, 1, { from: last.from, to: Math.min(hole.to, lastEnd) });
      else reads.push({ from, to: Math.min(hole.to, from + frame.pageSize - 1) });
      from = (reads.at(-1)?.to ?? hole.to) + 1;
    }
  }
  return reads.slice(0, frame.mostReads);
}

function isDue({ crossedAt, readAt }: CrossedHole, { now, watchMs }: AuditFrame): boolean {
  return now - crossedAt >= watchMs || now - readAt >= Math.max(feedAuditFirstMs, readAt - crossedAt);
}

/** The sequences of `page` that turned up in a crossed hole: late changes. */
export function lateIn(crossed: readonly CrossedHole[], page: Page): number[] {
  return page.entries.map(({ sequence }) => sequence).filter((sequence) => covers(crossed, sequence));
}

/**
 * The crossed holes after `page` was read: what it shows empty leaves when its watch was over before the page was asked
 * for, and else remembers the read. What it shows filled stays until it is delivered.
 */
export function afterRead(crossed: readonly CrossedHole[], page: Page, watchMs: number): CrossedHole[] {
  const empty = missing(
    page,
    page.entries.map(({ sequence }) => sequence),
  );
  const updated = crossed.flatMap((hole) => {
    const read = empty.flatMap((gap) => overlap(hole, gap) ?? []);
    const unread = subtract(hole, read).map((part) => ({ ...hole, ...part }));
    const over = page.requestedAt - hole.crossedAt >= watchMs;
    return over
      ? unread
      : [...unread, ...read.map((part) => ({ ...hole, ...part, readAt: page.requestedAt }))];
  });
  return join(
    updated.sort((left, right) => left.from - right.from),
    (left, right) => left.crossedAt === right.crossedAt && left.readAt === right.readAt,
  );
}
