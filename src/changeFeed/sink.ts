// What a sink is: where ranges of changes are delivered to, and how it says that it did not take one.
import * as z from 'zod/mini';
import type { SinkName } from '../platform/settings/types.ts';
import type { CloudEvent } from './events.ts';

export type { SinkName } from '../platform/settings/types.ts';

export const sinkName = z.enum(['blob', 'queue', 'webhook'] satisfies SinkName[]);

export interface Batch {
  /** Host of the service: deliveries of several services do not meet. */
  readonly host: string;
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  /** A single change that turned up after the cursor had passed it. */
  readonly late: boolean;
  /** The replay that it belongs to: its deliveries and the live ones do not meet. */
  readonly replay?: string | undefined;
  /** Ascending by sequence, at least one. */
  readonly events: readonly CloudEvent[];
}

export interface Delivery {
  readonly signal: AbortSignal;
  /** Ask before each send: throws when the lease no longer vouches for this run. */
  readonly guard: () => void;
}

/** A sink of our own storage: a range is taken as a whole. */
export interface RangeSink {
  readonly name: SinkName;
  /**
   * Resolves when every event is durably taken; taking the same batch again changes nothing that a consumer could not
   * recognise by its ids. Rejects when any part was not taken.
   */
  deliver(batch: Batch, delivery: Delivery): Promise<void>;
  /** How many deliveries wait for consumers, where that can be told. */
  backlog?(signal: AbortSignal): Promise<number>;
}

export interface Offer extends Delivery {
  /** Milliseconds of the run that are left. */
  readonly remainingMs: () => number;
}

/** `refused`: the receiver judged the content and does not want it, for which `status` is its word. */
export type Answer = { readonly kind: 'taken' } | { readonly kind: 'refused'; readonly status: number };

/** A sink of somebody else's: it is asked request by request, and may refuse what it is offered. */
export interface RequestSink {
  readonly name: SinkName;
  /** Cuts events into what goes in one request each, in order. */
  portions(events: readonly CloudEvent[]): readonly (readonly CloudEvent[])[];
  /** One request. Throws `FeedStop` when the receiver is down, and the signal's reason. */
  offer(events: readonly CloudEvent[], offer: Offer): Promise<Answer>;
}

export type Sink = RangeSink | RequestSink;

export function isRequestSink(sink: Sink): sink is RequestSink {
  return 'offer' in sink;
}

/** Nineteen digits, so that names sort as numbers do. */
export function padded(sequence: number): string {
  return String(sequence).padStart(19, '0');
}
