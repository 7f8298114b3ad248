// The cursor of one service: what the next range is, when a hole may be crossed, and what a commit changes. No I/O.
import { feedOldNeighbourMs, feedOldNeighbourSettles } from '../platform/limits.ts';
import { anchorOf, isAnchored, timestampMs, type Anchor, type FeedEntry } from './entry.ts';
import { join, missing, overlap, subtract, type Interval } from './intervals.ts';
import type { SinkName } from './sink.ts';

/** Numbers not seen yet. `firstSeen` is the service's clock, milliseconds, when we first saw that they are absent. */
export interface Hole extends Interval {
  readonly firstSeen: number;
}

/** Numbers that the cursor passed without an entry; times by the service's clock, milliseconds. */
export interface CrossedHole extends Interval {
  readonly crossedAt: number;
  /** When the last audit read was asked for; at first the crossing itself. */
  readonly readAt: number;
}

/** Where a cursor is put by its start or by an operator. */
export interface Position {
  /** The change after this sequence is the first to be delivered. */
  readonly committed: number;
  readonly anchor: Anchor | null;
  /** What is missing just below, and may still commit. */
  readonly crossed: readonly CrossedHole[];
}

/** A range on its way to the sinks: written before the first delivery, repeated exactly until every sink has taken it. */
export interface Pending extends Interval {
  /** Numbers inside that are not delivered with it, though they may turn up later. */
  readonly holes: readonly Interval[];
  /** One change that turned up in a crossed hole: the committed sequence stays where it is. */
  readonly late: boolean;
  /** The sinks that have taken it: a repetition leaves them out. */
  readonly accepted: readonly SinkName[];
  /** Up to this sequence it is with the sink that is asked request by request: a repetition goes on behind it. */
  readonly through?: number | undefined;
}

/** The sink that failed last. It is asked first from then on, since it decides whether the others are to get a range. */
export interface SinkFailure {
  readonly sink: SinkName;
  /** In a row; 0 once it took something again. */
  readonly count: number;
  /** No try before this time of ours, milliseconds. */
  readonly notBefore: number;
  /** How the last of them was reported; none in documents of older releases. */
  readonly why?: string | undefined;
}

/** What runs learnt about reading this service, for the next one. */
export interface Reading {
  /** Sequences a page; null where the settings decide alone. */
  readonly pageSize: number | null;
  /** Changes, ascending, whose metadata could not be read while that of others could. */
  readonly suspects: readonly number[];
  /** The last change whose metadata could be read. */
  readonly witness: number | null;
}

export const nothingLearnt: Reading = { pageSize: null, suspects: [], witness: null };

export interface Cursor {
  /** Part of every event id and blob name; raised when the feed turns out to be another one. */
  readonly epoch: number;
  /** Everything up to this sequence is delivered, or is in `crossed`. */
  readonly committed: number;
  readonly anchor: Anchor | null;
  readonly pending: Pending | null;
  readonly failure: SinkFailure | null;
  readonly holes: readonly Hole[];
  readonly crossed: readonly CrossedHole[];
  readonly reading: Reading;
  /** Changes in a row that a sink refused, none when absent; kept, because ranges may be short. */
  readonly refusals?: number | undefined;
}

export interface Page extends Interval {
  /** By the service's clock, milliseconds: certainly not after the page was asked for. */
  readonly requestedAt: number;
  /** By the service's clock, milliseconds: when the answer was made, to the second. */
  readonly repliedAt: number;
  readonly entries: readonly FeedEntry[];
  /** Size of the reply in bytes. */
  readonly bytes: number;
}

/** The pages that follow the committed sequence without a break, and an entry behind them, such as the newest of the feed. */
export interface Scan {
  readonly pages: readonly Page[];
  readonly latest: FeedEntry;
}

export interface RangePlan {
  /** Undefined when nothing can be passed yet. */
  readonly pending: Pending | undefined;
  readonly entries: readonly FeedEntry[];
  /** Holes that are not old enough, with their first sighting. */
  readonly holes: readonly Hole[];
}

interface JudgedHole extends Hole {
  readonly settled: boolean;
}

/** A `Date` header is cut to seconds: a sighting counts from the end of its second, so that no hole looks older than it is. */
const headerResolutionMs = 1000;

/** The longest range that passes no hole before its time. */
export function planRange(cursor: Cursor, scan: Scan, settleMs: number): RangePlan {
  const judged = judgeHoles(cursor.holes, scan, settleMs);
  const top = scan.pages.at(-1)?.to ?? cursor.committed;
  const held = judged.find(({ settled }) => !settled);
  const to = held ? held.from - 1 : top;
  const young = judged.filter((hole) => hole.from > to).map(({ settled: _, ...hole }) => hole);
  // Beyond the scan the known sightings stay as they are.
  const beyond = cursor.holes
    .filter((hole) => hole.to > top)
    .map((hole) => ({ ...hole, from: Math.max(hole.from, top + 1) }));
  const holes = join([...young, ...beyond], (left, right) => left.firstSeen === right.firstSeen);
  if (to <= cursor.committed) return { pending: undefined, entries: [], holes };
  const crossed = judged.filter((hole) => hole.to <= to).map(({ from, to: end }) => ({ from, to: end }));
  return {
    pending: {
      from: cursor.committed + 1,
      to,
      holes: join(crossed),
      late: false,
      accepted: [],
    },
    entries: scan.pages.flatMap(({ entries }) => entries.filter(({ sequence }) => sequence <= to)),
    holes,
  };
}

function judgeHoles(known: readonly Hole[], { pages, latest }: Scan, settleMs: number): JudgedHole[] {
  const all = pages.flatMap(({ entries }) => entries);
  const neighbourAge = Math.max(feedOldNeighbourMs, feedOldNeighbourSettles * settleMs);
  return pages.flatMap((page) => {
    const gaps = missing(
      page,
      page.entries.map(({ sequence }) => sequence),
    );
    return gaps.flatMap((gap) => {
      // Its number was drawn later than the hole's, so the hole is at least as old as its transaction.
      const neighbour = all.find(({ sequence }) => sequence > gap.to) ?? latest;
      const old = page.requestedAt - timestampMs(neighbour) > neighbourAge;
      return sightings(gap, known, page.repliedAt + headerResolutionMs).map((hole) => ({
        ...hole,
        settled: old || page.requestedAt - hole.firstSeen >= settleMs,
      }));
    });
  });
}

/** Splits a gap into what was seen before, each part with its first sighting, and what is seen now. */
function sightings(gap: Interval, known: readonly Hole[], now: number): Hole[] {
  const before = known.flatMap((hole) => {
    const both = overlap(gap, hole);
    // A sighting cannot lie ahead: the service's clock was set back, and age counts anew from now.
    return both ? [{ ...both, firstSeen: Math.min(hole.firstSeen, now) }] : [];
  });
  const fresh = subtract(gap, before).map((part) => ({ ...part, firstSeen: now }));
  return [...before, ...fresh].sort((left, right) => left.from - right.from);
}

/** After every sink has taken `entries` of the pending range. `now` is the service's clock. */
export function commit(cursor: Cursor, entries: readonly FeedEntry[], now: number): Cursor {
  const { pending } = cursor;
  if (!pending) return cursor;
  if (pending.late) return { ...cursor, pending: null, crossed: without(cursor.crossed, pending) };
  const last = entries.at(-1);
  return {
    ...cursor,
    committed: pending.to,
    anchor: last ? anchorOf(last) : cursor.anchor,
    pending: null,
    crossed: [...cursor.crossed, ...pending.holes.map((hole) => ({ ...hole, crossedAt: now, readAt: now }))],
  };
}

function without(crossed: readonly CrossedHole[], interval: Interval): CrossedHole[] {
  return crossed.flatMap((hole) => subtract(hole, [interval]).map((part) => ({ ...hole, ...part })));
}

/** The highest sequence that this feed is known to have had. */
export function highWater({ committed, anchor, pending }: Cursor): number {
  return Math.max(committed, anchor?.sequence ?? 0, pending?.to ?? 0);
}

/**
 * True when the feed is not the one that the cursor stands in: its latest sequence fell behind, or the entry that never
 * changes reads differently. `atAnchor` is what the feed has at the anchor's sequence now.
 */
export function wasReset(cursor: Cursor, latest: number, atAnchor: FeedEntry | undefined): boolean {
  if (latest < highWater(cursor)) return true;
  return cursor.anchor !== null && !isAnchored(cursor.anchor, atAnchor);
}

export function newCursor(position: Position, epoch: number): Cursor {
  return { epoch, ...position, pending: null, failure: null, holes: [], reading: nothingLearnt };
}

/** A cursor put elsewhere in the same feed: what it watches below the new place, it watches on. */
export function moved(cursor: Cursor, position: Position): Cursor {
  const above = { from: position.committed + 1, to: Number.MAX_SAFE_INTEGER };
  const kept = without(cursor.crossed, above);
  const added = position.crossed.flatMap((hole) =>
    subtract(hole, kept).map((part) => ({ ...hole, ...part })),
  );
  return {
    ...newCursor(position, cursor.epoch),
    anchor: position.anchor ?? cursor.anchor,
    crossed: [...kept, ...added].sort((left, right) => left.from - right.from),
  };
}
