// A change feed in memory with a clock of its own, and what may go wrong in reading it.
import type { Page } from '../../src/changeFeed/cursor.ts';
import type { PageAnswer, ChangeFeedReader, Latest } from '../../src/changeFeed/dicomChangeFeed.ts';
import type { FeedEntry } from '../../src/changeFeed/entry.ts';
import type { Interval } from '../../src/changeFeed/intervals.ts';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import { AppError } from '../../src/platform/errors.ts';

export const startTime = Date.UTC(2026, 0, 1);

export function entryOf(sequence: number, at: number): FeedEntry {
  return {
    sequence,
    partitionName: 'Microsoft.Default',
    studyInstanceUid: `2.25.${sequence}1`,
    seriesInstanceUid: `2.25.${sequence}2`,
    sopInstanceUid: `2.25.${sequence}3`,
    action: 'Create',
    state: 'Current',
    timestamp: new Date(at).toISOString().replace('Z', '4895+00:00'),
  };
}

export interface Row {
  readonly entry: FeedEntry;
  readonly visibleFrom: number;
}

export class FeedService {
  time = startTime;
  readonly rows: Row[] = [];
  last = 0;
  requests = 0;
  /** What the service cannot answer: metadata of these changes, or of any, and pages of more sequences than this. */
  readonly poisoned = new Set<number>();
  storeDown = false;
  longestPage = 100;
  /** Changes whose instance is deleted: they show no metadata. */
  readonly deleted = new Set<number>();
  /** Called before each page is answered. */
  onPage: (range: Interval, metadata: boolean) => void = () => undefined;

  /** Draws a number and commits its change `lateMs` from now. */
  change(lateMs = 0): number {
    this.last += 1;
    this.rows.push({ entry: entryOf(this.last, this.time), visibleFrom: this.time + lateMs });
    return this.last;
  }

  gap(numbers: number): void {
    this.last += numbers;
  }

  reader(): ChangeFeedReader {
    const visible = (): FeedEntry[] =>
      this.rows.filter(({ visibleFrom }) => visibleFrom <= this.time).map(({ entry }) => entry);
    const header = (): number => Math.floor(this.time / 1000) * 1000;
    const page: ChangeFeedReader['page'] = async ({ from, to }, { metadata }) => {
      this.requests += 1;
      this.onPage({ from, to }, metadata);
      if (to - from >= this.longestPage) throw new AppError('upstream_timeout', 'too slow');
      const found = visible()
        .filter(({ sequence }) => sequence >= from && sequence <= to)
        .map((entry) => (this.deleted.has(entry.sequence) ? { ...entry, state: 'Deleted' } : entry));
      const entries = metadata ? found.map((entry) => this.#described(entry)) : found;
      return Promise.resolve({ from, to, entries, requestedAt: header(), repliedAt: header(), bytes: 100 });
    };
    return {
      latest: (): Promise<Latest> => {
        this.requests += 1;
        return Promise.resolve({ entry: visible().at(-1), time: header() });
      },
      answer: async (...asked) => answerWith(await page(...asked)),
      page,
      window: ({ startTime: start, endTime, offset }) => {
        this.requests += 1;
        const inside = visible()
          .filter(({ timestamp }) => Date.parse(timestamp) >= Date.parse(start))
          .filter(({ timestamp }) => endTime === undefined || Date.parse(timestamp) < Date.parse(endTime))
          .sort((left, right) => Date.parse(left.timestamp) - Date.parse(right.timestamp));
        return Promise.resolve(inside.slice(offset, offset + 200));
      },
    };
  }

  #described(entry: FeedEntry): FeedEntry {
    if (this.deleted.has(entry.sequence)) return entry;
    if (this.storeDown || this.poisoned.has(entry.sequence))
      throw new FeedStop('upstream_failed', 'HTTP 503', { advice: '' });
    return { ...entry, metadata: {} };
  }
}

/** An answer that holds this page. */
export function answerWith(page: Page): PageAnswer {
  return { bytes: page.bytes, page: () => page };
}
