// The operator's move of a cursor, which is also how a reset feed or a lost cursor is acknowledged.
import { AppError } from '../platform/errors.ts';
import { moved, newCursor, type Cursor } from './cursor.ts';
import type { CursorStore } from './cursorStore.ts';
import type { Frame } from './dicomChangeFeed.ts';
import { isOtherFeed } from './reading.ts';
import { emptyTally, makeReport, type FeedReport } from './report.ts';
import type { ServiceParts } from './service.ts';
import { positionAt } from './start.ts';

export interface Move {
  /** The change after this sequence is the next to be delivered. */
  readonly sequence: number;
  /** The committed sequence that the operator saw; null where there was no cursor. */
  readonly expect: number | null;
}

/**
 * Moves the cursor. Where the feed is another one than the cursor's, or the cursor was lost, the epoch is raised, so that
 * what the new feed calls 1 is not taken for the old one's. Throws `busy` while a run holds the cursor, `conflict` when
 * `expect` is not the committed sequence, `invalid_request` for a sequence beyond the newest.
 */
export async function moveCursor(parts: ServiceParts, move: Move, frame: Frame): Promise<FeedReport> {
  const opened = await parts.store.open();
  if (opened.kind === 'busy')
    throw new AppError('busy', 'A run holds the cursor; ask again when it has ended.');
  if (opened.kind === 'open') {
    const { stored, save, close } = opened.session;
    try {
      refuseUnexpected(move.expect, stored.cursor.committed);
      return await put(parts, move, frame, { old: stored.cursor, raised: stored.cursor.epoch + 1, save });
    } finally {
      await close();
    }
  }
  refuseUnexpected(move.expect, null);
  const raised = opened.kind === 'lost' ? opened.epoch + 1 : 1;
  return put(parts, move, frame, { old: undefined, raised, save: parts.store.create });
}

interface Target {
  readonly old: Cursor | undefined;
  /** The epoch where the old cursor says nothing about this feed. */
  readonly raised: number;
  readonly save: CursorStore['create'];
}

async function put(
  { service, reader, rules, clock }: ServiceParts,
  { sequence }: Move,
  frame: Frame,
  { old, raised, save }: Target,
): Promise<FeedReport> {
  const latest = (await reader.latest(frame)).entry?.sequence ?? 0;
  if (sequence > latest)
    throw new AppError('invalid_request', `sequence: expected at most ${latest}, the newest of the service`);
  const position = await positionAt(sequence, { reader, pageSize: rules.pageSize, frame });
  const goesOn = old && !(await isOtherFeed(reader, old, latest, frame)) ? old : undefined;
  const cursor = goesOn ? moved(goesOn, position) : newCursor(position, raised);
  const tally = { ...emptyTally(), latest };
  const report = makeReport(service, { outcome: 'not_started' }, clock.now(), cursor, tally);
  await save({ cursor, report });
  return report;
}

function refuseUnexpected(expect: number | null, committed: number | null): void {
  if (expect === committed) return;
  const found = committed === null ? 'there is no cursor, so null' : String(committed);
  throw new AppError('conflict', `expect: the committed sequence is not that; ${found} is`);
}
