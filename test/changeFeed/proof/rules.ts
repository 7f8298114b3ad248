// The rules that no order of calls and no trouble may break, and those of them that show in one look at a cursor.
import type { Cursor, Pending } from '../../../src/changeFeed/cursor.ts';
import type { FeedEntry } from '../../../src/changeFeed/entry.ts';
import type { CloudEvent } from '../../../src/changeFeed/events.ts';
import { covers } from '../../../src/changeFeed/intervals.ts';
import type { SinkName } from '../../../src/changeFeed/sink.ts';
import { settleMs } from './world.ts';

export type Rule =
  | 'every change arrives'
  | 'a run halts only for a reason'
  | 'a sink gets the changes in order'
  | 'an id stands for one content'
  | 'no sink lacks what is committed'
  | 'a range stays on record until every sink has it'
  | 'what is sent is on record'
  | 'a blob of a range holds what the range holds'
  | 'who took a range is not asked again'
  | 'a change is waited for as long as it may take'
  | 'only an operator moves a cursor back'
  | 'an epoch is never lowered'
  | 'the birth is on record before anything is sent'
  | 'a lost cursor is not begun anew'
  | 'nothing of another feed is delivered'
  | 'nothing is sent without the lease'
  | 'every write is conditional'
  | 'only what was refused is buried'
  | 'a cursor names nobody'
  | 'a replay brings its range once more';

interface Broken {
  readonly rule: Rule;
  readonly what: string;
}

/** What is true at the moment of a write. */
export interface Books {
  /** Every change of the feed, whether it shows already or not. */
  readonly entries: readonly FeedEntry[];
  /** The sinks that neither have the change of this instance nor had it buried. */
  readonly lacking: (sopInstanceUid: string) => string;
  readonly now: number;
}

/** Whether the event is of the range, and of the feed, that the stored cursor, or the lane of a replay, is about to deliver. */
export function isOnRecord(
  { id, late, data }: CloudEvent,
  { epoch, pending }: Pick<Cursor, 'epoch' | 'pending'>,
): boolean {
  const { sequenceNumber: sequence } = data;
  if (pending?.late !== (late === true) || id !== `${String(epoch)}.${String(sequence)}`) return false;
  return covers([pending], sequence) && !covers(pending.holes, sequence);
}

/** Whether the stored cursor or lane knows already that the sink has the event. */
export function isTaken({ data }: CloudEvent, sink: SinkName, { pending }: Pick<Cursor, 'pending'>): boolean {
  if (pending?.accepted.includes(sink)) return true;
  return sink === 'webhook' && data.sequenceNumber <= (pending?.through ?? 0);
}

/** What a run breaks by writing `next` in the place of `old`. */
export function* brokenByWrite(old: Cursor | undefined, next: Cursor, books: Books): Generator<Broken> {
  if (old) {
    const places = [old, next].map(({ epoch, committed }) => `${String(epoch)}.${String(committed)}`);
    const what = places.join(' to ');
    if (next.epoch < old.epoch) yield { rule: 'an epoch is never lowered', what };
    if (next.committed < old.committed) yield { rule: 'only an operator moves a cursor back', what };
    if (old.pending) yield* brokenByLeaving(old.pending, next, books);
  }
  const { committed, crossed } = next;
  for (const { sequence, sopInstanceUid } of books.entries) {
    const lacking = books.lacking(sopInstanceUid);
    if (sequence <= committed && !covers(crossed, sequence) && lacking !== '')
      yield { rule: 'no sink lacks what is committed', what: `${lacking} lacks ${String(sequence)}` };
  }
  if (next.pending) yield* brokenByCrossing(next.pending, books);
}

function* brokenByLeaving(old: Pending, { pending }: Cursor, { entries, lacking }: Books): Generator<Broken> {
  const shape = ({ from, to, holes, late }: Pending): string => JSON.stringify([from, to, holes, late]);
  if (pending && shape(pending) === shape(old)) return;
  for (const { sequence, sopInstanceUid } of entries) {
    if (!covers([old], sequence) || covers(old.holes, sequence) || lacking(sopInstanceUid) === '') continue;
    const what = `${shape(old)}: ${lacking(sopInstanceUid)} lacks ${String(sequence)}`;
    yield { rule: 'a range stays on record until every sink has it', what };
  }
}

function* brokenByCrossing({ holes }: Pending, { entries, now }: Books): Generator<Broken> {
  for (const { sequence, timestamp } of entries) {
    const age = now - Date.parse(timestamp);
    if (!covers(holes, sequence) || age >= settleMs) continue;
    const what = `${String(sequence)} was crossed after ${String(age)} ms`;
    yield { rule: 'a change is waited for as long as it may take', what };
  }
}
