// Where a new cursor stands: the position that CHANGE_FEED_START names, or that an operator asks for.
import { feedStartWindowMs, feedWindowRows } from '../platform/limits.ts';
import { isoTime } from '../platform/clock.ts';
import type { ChangeFeedStart } from '../platform/settings/types.ts';
import type { Position } from './cursor.ts';
import type { ChangeFeedReader, Frame, Latest } from './dicomChangeFeed.ts';
import { anchorOf, timestampMs, type FeedEntry } from './entry.ts';
import { missing } from './intervals.ts';
import { FeedStop } from './outcome.ts';

/** Through which reader a position is looked up, and in which time. */
export interface Place {
  readonly reader: ChangeFeedReader;
  readonly pageSize: number;
  readonly frame: Frame;
}

/** Throws `FeedStop` (`misconfigured`) for a sequence that the feed has not reached. */
export async function startPosition(start: ChangeFeedStart, place: Place): Promise<Position> {
  const latest = await place.reader.latest(place.frame);
  const newest = latest.entry?.sequence ?? 0;
  const committed = await startSequence(start, latest, place);
  if (committed > newest) {
    throw new FeedStop('misconfigured', `CHANGE_FEED_START names a sequence beyond the newest, ${newest}.`, {
      code: 'misconfigured',
      advice: 'Name a sequence that exists, or beginning, latest or a time.',
    });
  }
  return positionAt(committed, place);
}

/**
 * The position after `committed`. What is missing just below may be changes that have not committed yet: they are watched
 * as if they had been crossed, or a start at the newest entry would lose them.
 */
export async function positionAt(committed: number, { reader, pageSize, frame }: Place): Promise<Position> {
  if (committed === 0) return { committed, anchor: null, crossed: [] };
  const range = { from: Math.max(1, committed - pageSize + 1), to: committed };
  const page = await reader.page(range, { metadata: false }, frame);
  const last = page.entries.at(-1);
  const gaps = missing(
    range,
    page.entries.map(({ sequence }) => sequence),
  );
  return {
    committed,
    anchor: last ? anchorOf(last) : null,
    crossed: gaps.map((gap) => ({ ...gap, crossedAt: page.repliedAt, readAt: page.repliedAt })),
  };
}

async function startSequence(start: ChangeFeedStart, latest: Latest, place: Place): Promise<number> {
  switch (start.kind) {
    case 'beginning':
      return 0;
    case 'latest':
      return latest.entry?.sequence ?? 0;
    case 'sequence':
      return Math.max(0, start.sequence - 1);
    case 'time':
      return beforeTime(start.time, latest.entry?.sequence ?? 0, place);
  }
}

/**
 * The sequence before the lowest one whose timestamp is not before `time`. The first such entry by time need not be the
 * lowest by sequence: a create carries the time at which its transaction began, and thousands can share one timestamp.
 * So everything within two minutes of the first is looked at, four times what a transaction may take (30 s).
 */
export async function beforeTime(time: string, newest: number, { reader, frame }: Place): Promise<number> {
  const [first] = await reader.window({ startTime: time, offset: 0 }, frame);
  if (!first) return newest;
  const endTime = isoTime(timestampMs(first) + feedStartWindowMs);
  let lowest = first.sequence;
  let rows: readonly FeedEntry[];
  let offset = 0;
  do {
    rows = await reader.window({ startTime: time, endTime, offset }, frame);
    lowest = rows.reduce((least, { sequence }) => Math.min(least, sequence), lowest);
    offset += rows.length;
  } while (rows.length === feedWindowRows);
  return lowest - 1;
}
