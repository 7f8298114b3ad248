// Hands a range to every sink that has not taken it yet, and says what a failing sink means for the next try.
import { feedSinkPauseMaxMs, feedSinkPauseMs } from '../platform/limits.ts';
import { storageFailure } from '../platform/storage.ts';
import type { Pending, SinkFailure } from './cursor.ts';
import { FeedStop } from './outcome.ts';
import type { Batch, Delivery, Sink, SinkName } from './sink.ts';

/** The sinks that have yet to take the range; the one that failed last first, since it decides whether there is a point. */
export function sinksToAsk(sinks: readonly Sink[], pending: Pending): readonly Sink[] {
  const open = sinks.filter(({ name }) => !pending.accepted.includes(name));
  const failed = (sink: Sink): number => (sink.name === pending.failure?.sink ? 0 : 1);
  return open.sort((left, right) => failed(left) - failed(right));
}

/** Throws `FeedStop` (`sink_down`) while the pause after a failure lasts. `now` is our clock, milliseconds. */
export function respectPause(sinks: readonly Sink[], pending: Pending, now: number): void {
  const { failure } = pending;
  if (!failure || !sinks.some(({ name }) => name === failure.sink)) return;
  const left = failure.notBefore - now;
  // A pause longer than the longest: the clock was set back.
  if (left <= 0 || left > feedSinkPauseMaxMs) return;
  throw new FeedStop('sink_down', `The ${failure.sink} sink failed ${failure.count} times in a row.`, {
    advice: `It is asked again in ${Math.ceil(left / 1000)} s. ${keeps}`,
  });
}

export function afterFailure({ failure }: Pending, sink: SinkName, now: number): SinkFailure {
  const times = (failure?.sink === sink ? failure.count : 0) + 1;
  const pause = times < 3 ? 0 : Math.min(feedSinkPauseMaxMs, feedSinkPauseMs * 2 ** (times - 3));
  return { sink, count: times, notBefore: now + pause };
}

/** Throws `FeedStop` (`sink_down`, `lost_lease`), or the signal's reason. */
export async function deliverTo(sink: Sink, batch: Batch, delivery: Delivery): Promise<void> {
  try {
    delivery.guard();
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
  const role = sink === 'blob' ? 'Storage Blob Data Contributor' : 'Storage Queue Data Contributor';
  if (status === 401 || status === 403)
    return `Assign the app's identity the role "${role}" on the account of CHANGE_FEED_STORAGE.`;
  if (status === 400 || status === 413) return 'The store refuses it as it is; the log names the reason.';
  return 'Check that the account of CHANGE_FEED_STORAGE can be reached.';
}
