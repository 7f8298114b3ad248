// Reads the pages of the next range, and a range again exactly as it was recorded.
import { feedRangeBytes, feedRangePages, feedReserveMs, feedScanPages } from '../platform/limits.ts';
import type { Ahead } from './ahead.ts';
import { highWater, wasReset, type Cursor, type Page, type Pending, type Scan } from './cursor.ts';
import type { ChangeFeedReader, Frame } from './dicomChangeFeed.ts';
import type { FeedEntry } from './entry.ts';
import { count, covers, overlap, subtract } from './intervals.ts';
import { FeedStop } from './outcome.ts';
import type { Pages } from './pages.ts';

/**
 * The next pages, until a range is full. Pages without an entry count little, so that a jump of the numbers is passed in one
 * go. It reads on behind a hole that is too young: the next ones age meanwhile. What comes before a page that fails is still
 * delivered; the failure is thrown by the next call.
 */
export async function scan(ahead: Ahead, latest: FeedEntry, frame: Frame): Promise<Scan> {
  const pages: Page[] = [];
  let [filled, bytes] = [0, 0];
  while (
    filled < feedRangePages &&
    bytes < feedRangeBytes &&
    pages.length < feedScanPages &&
    (pages.length === 0 || frame.remainingMs() >= feedReserveMs)
  ) {
    const page = await nextOf(ahead, pages.length > 0 && !frame.signal.aborted);
    if (!page) break;
    pages.push(page);
    bytes += page.bytes;
    if (page.entries.length > 0) filled += 1;
  }
  return { pages, latest };
}

/** Undefined after the last page, and for one that fails while the failure can wait. */
async function nextOf(ahead: Ahead, canWait: boolean): Promise<Page | undefined> {
  try {
    return await ahead.next();
  } catch (error) {
    if (canWait) return undefined;
    throw error;
  }
}

/**
 * The entries of a recorded range. What has turned up in its holes since is left out: it goes the late way, because a sink
 * may hold this range already. Throws `FeedStop` (`feed_reset`) when an entry is gone, which no feed does.
 */
export async function reread(pending: Pending, pages: Pages): Promise<readonly FeedEntry[]> {
  const expected = subtract(pending, pending.holes);
  const entries: FeedEntry[] = [];
  let { from } = pending;
  while (from <= pending.to) {
    const range = { from, to: Math.min(pending.to, from + pages.size - 1) };
    from = range.to + 1;
    if (!expected.some((part) => overlap(part, range))) continue;
    for await (const page of pages.read(range))
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
      'npm run feed -- set-cursor, or PUT /api/change-feed/cursor, with the sequence to go on from (0 for all) and the ' +
      'cursor shown here as "expect".',
  });
}
