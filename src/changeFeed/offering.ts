// Takes a range through a sink that is asked request by request, and decides what one of its refusals means.
import { feedRefusalsInARow, feedReserveMs } from '../platform/limits.ts';
import type { CloudEvent } from './events.ts';
import { FeedStop } from './outcome.ts';
import type { Batch, Offer, RequestSink } from './sink.ts';

/** How far a range is with the sink. */
export interface Progress {
  /** Every event up to this sequence is taken, or refused and buried. */
  readonly through: number;
  /** Refusals in a row that are buried already; 0 once the sink took something. */
  readonly refusals: number;
}

export interface Refusal {
  readonly event: CloudEvent;
  /** The receiver's HTTP status. */
  readonly status: number;
}

export interface OfferFrame extends Offer {
  readonly progress: Progress;
  /** Called with each progress that may be kept. */
  readonly note: (progress: Progress) => void;
  /** Resolves when the dead letter is durably written. */
  readonly bury: (refusal: Refusal) => Promise<void>;
}

/**
 * Resolves when every event of the batch is taken or buried. Refusals are buried no sooner than something after them was
 * taken, or the batch ended: a row of more than ten is a receiver that refuses everything, and none of that row is buried.
 * Throws `FeedStop` (`sink_down`, `budget`), what `bury` throws, and the signal's reason.
 */
export async function offerBatch(sink: RequestSink, batch: Batch, frame: OfferFrame): Promise<void> {
  const { note, bury, progress } = frame;
  let { refusals } = progress;
  const row: Refusal[] = [];

  async function settle(through: number): Promise<void> {
    for (const refusal of row.splice(0)) {
      frame.guard();
      await bury(refusal);
    }
    note({ through, refusals });
  }

  async function offer(events: readonly CloudEvent[]): Promise<void> {
    const [first, last] = [events[0], events.at(-1)];
    if (!first || !last) return;
    if (frame.remainingMs() < feedReserveMs) throw outOfTime();
    const answer = await sink.offer(events, frame);
    if (answer.kind === 'taken') {
      refusals = 0;
      await settle(last.data.sequenceNumber);
    } else if (events.length === 1) {
      refusals += 1;
      if (refusals > feedRefusalsInARow) throw refusesAll(answer.status);
      row.push({ event: first, status: answer.status });
    } else {
      const half = Math.ceil(events.length / 2);
      await offer(events.slice(0, half));
      await offer(events.slice(half));
    }
  }

  const rest = batch.events.filter(({ data }) => data.sequenceNumber > progress.through);
  for (const portion of sink.portions(rest)) await offer(portion);
  await settle(batch.to);
}

function refusesAll(status: number): FeedStop {
  return new FeedStop(
    'sink_down',
    `The webhook refused more than ${feedRefusalsInARow} changes in a row, the last one with ${status}.`,
    {
      advice:
        'Check that CHANGE_FEED_WEBHOOK_URL leads to the receiver, and that it takes these events. ' +
        'The cursor stands still meanwhile; the service keeps every change.',
    },
  );
}

/** The next run goes on behind what the sink has taken of the range. */
function outOfTime(): FeedStop {
  return new FeedStop('budget', 'The time of the run was up in the middle of a range.', {
    code: 'upstream_timeout',
    advice:
      'Nothing: the next run goes on. If it stays, CHANGE_FEED_WEBHOOK_MODE=batched takes fewer requests.',
  });
}
