// Reads the pages of the next range, and a range again exactly as it was recorded.
import { feedRangeBytes, feedRangePages, feedReserveMs, feedScanPages } from '../platform/limits.ts';
import { highWater, wasReset, type Cursor, type Page, type Pending, type Scan } from './cursor.ts';
import type { ChangeFeedReader, Frame } from './dicomChangeFeed.ts';
import type { FeedEntry } from './entry.ts';
import { count, covers, overlap, subtract } from './intervals.ts';
import { FeedStop } from './outcome.ts';

export interface Reading {
  readonly reader: ChangeFeedReader;
  /** 1..100 sequences. */
  readonly pageSize: number;
  readonly metadata: boolean;
  readonly frame: Frame;
}

/**
 * Pages from the committed sequence up to the newest entry, until a range is full. Pages without an entry count little, so
 * that a jump of the numbers is passed in one go. It reads on behind a hole that is too young: the next ones age meanwhile.
 */
export async function scan(
  { committed }: Cursor,
  latest: FeedEntry,
  { reader, pageSize, metadata, frame }: Reading,
): Promise<Scan> {
  const pages: Page[] = [];
  let [from, filled, bytes] = [committed + 1, 0, 0];
  while (
    from <= latest.sequence &&
    filled < feedRangePages &&
    bytes < feedRangeBytes &&
    pages.length < feedScanPages &&
    (pages.length === 0 || frame.remainingMs() >= feedReserveMs)
  ) {
    const to = Math.min(latest.sequence, from + pageSize - 1);
    const page = await reader.page({ from, to }, { metadata }, frame);
    pages.push(page);
    from = to + 1;
    bytes += page.bytes;
    if (page.entries.length > 0) filled += 1;
  }
  return { pages, latest };
}

/**
 * The entries of a recorded range. What has turned up in its holes since is left out: it goes the late way, because a sink
 * may hold this range already. Throws `FeedStop` (`feed_reset`) when an entry is gone, which no feed does.
 */
export async function reread(
  pending: Pending,
  { reader, pageSize, metadata, frame }: Reading,
): Promise<readonly FeedEntry[]> {
  const expected = subtract(pending, pending.holes);
  const entries: FeedEntry[] = [];
  for (let { from } = pending; from <= pending.to; from += pageSize) {
    const range = { from, to: Math.min(pending.to, from + pageSize - 1) };
    if (!expected.some((part) => overlap(part, range))) continue;
    const page = await reader.page(range, { metadata }, frame);
    entries.push(...page.entries.filter(({ sequence }) => covers(expected, sequence)));
  }
  if (entries.length !== count(expected)) throw feedReset();
  return entries;
}

/** True when the feed whose newest sequence is `newest` is not the one that the cursor stands in. */
export async function isOtherFeed(
  reader: ChangeFeedReader,
  cursor: Cursor,
  newest: number,
  frame: Frame,
): Promise<boolean> {
  const { anchor } = cursor;
  if (!anchor || newest < highWater(cursor)) return wasReset(cursor, newest, undefined);
  const place = { from: anchor.sequence, to: anchor.sequence };
  const page = await reader.page(place, { metadata: false }, frame);
  return wasReset(cursor, newest, page.entries[0]);
}

export function feedReset(): FeedStop {
  return new FeedStop('feed_reset', 'The change feed is not the one that the cursor stands in.', {
    code: 'conflict',
    advice:
      'The service was made anew, or DICOM_SERVICE_URL leads to another one. If that is meant, acknowledge it: ' +
      'PUT /api/change-feed/cursor with the sequence to go on from (0 for all) and the cursor shown here as "expect".',
  });
}
