// Hands a range to every sink that has not taken it yet, and says what a failing sink means for the next try.
import { cureOf } from '../platform/cures.ts';
import { feedSinkPauseMaxMs, feedSinkPauseMs } from '../platform/limits.ts';
import { storageFailure } from '../platform/storage.ts';
import type { Cursor } from './cursor.ts';
import type { Progress } from './offering.ts';
import { FeedStop } from './outcome.ts';
import type { Batch, Delivery, RangeSink, Sink, SinkName } from './sink.ts';

/** The sinks that have yet to take the pending range; the one that failed last comes first. */
export function sinksToAsk(sinks: readonly Sink[], { pending, failure }: Cursor): readonly Sink[] {
  const rank = ({ name }: Sink): number => (name === failure?.sink ? 0 : 1);
  return sinks
    .filter(({ name }) => !pending?.accepted.includes(name))
    .sort((left, right) => rank(left) - rank(right));
}

/** Throws `FeedStop` (`sink_down`) while the pause after a failure lasts. `now` is our clock, milliseconds. */
export function respectPause(sinks: readonly Sink[], { failure }: Cursor, now: number): void {
  if (!failure || !sinks.some(({ name }) => name === failure.sink)) return;
  const left = failure.notBefore - now;
  // A pause longer than the longest: the clock was set back.
  if (left <= 0 || left > feedSinkPauseMaxMs) return;
  const why = failure.why === undefined ? '.' : `, the last time so: ${failure.why}`;
  throw new FeedStop('sink_down', `The ${failure.sink} sink failed ${failure.count} times in a row${why}`, {
    advice: `It is asked again in ${Math.ceil(left / 1000)} s. ${keeps}`,
  });
}

/** `stop` may hold the pause that the sink itself asked for. */
export function afterFailure(cursor: Cursor, sink: SinkName, now: number, stop: FeedStop): Cursor {
  const times = (cursor.failure?.sink === sink ? cursor.failure.count : 0) + 1;
  const ours = times < 3 ? 0 : feedSinkPauseMs * 2 ** (times - 3);
  const askedMs = (stop.retryAfterSeconds ?? 0) * 1000;
  const pause = Math.min(feedSinkPauseMaxMs, Math.max(ours, askedMs));
  return { ...cursor, failure: { sink, count: times, notBefore: now + pause, why: stop.message } };
}

/** How far the pending range is with the sink that is asked request by request. */
export function progressOf({ committed, pending, refusals = 0 }: Cursor): Progress {
  return { through: pending?.through ?? (pending ? pending.from - 1 : committed), refusals };
}

export function afterProgress(cursor: Cursor, { through, refusals }: Progress): Cursor {
  return { ...cursor, refusals, pending: cursor.pending && { ...cursor.pending, through } };
}

export function afterSuccess(cursor: Cursor, sink: SinkName): Cursor {
  const { pending, failure } = cursor;
  return {
    ...cursor,
    pending: pending && { ...pending, accepted: [...pending.accepted, sink] },
    failure: failure?.sink === sink ? { sink, count: 0, notBefore: 0 } : failure,
  };
}

/** Throws `FeedStop` (`sink_down`, `lost_lease`), or the signal's reason. */
export async function deliverTo(sink: RangeSink, batch: Batch, delivery: Delivery): Promise<void> {
  try {
    await sink.deliver(batch, delivery);
  } catch (cause) {
    if (cause instanceof FeedStop) throw cause;
    delivery.signal.throwIfAborted();
    throw new FeedStop('sink_down', `The ${sink.name} sink did not take a range.`, {
      advice: `${adviceFor(sink.name, storageFailure(cause).status)} ${keeps}`,
      cause,
    });
  }
}

const keeps = 'The cursor stands still meanwhile; the service keeps every change.';

function adviceFor(sink: SinkName, status: number | undefined): string {
  if (status === 401 || status === 403)
    return cureOf(sink === 'blob' ? 'deliveryBlobs' : 'deliveryQueue', 'refused');
  if (status === 400 || status === 413) return 'The store refuses it as it is; the log names the reason.';
  return 'Check that the account of CHANGE_FEED_STORAGE can be reached.';
}
