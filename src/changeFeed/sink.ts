// What a sink is: where ranges of changes are delivered to, and how it says that it did not take one.
import type { CloudEvent } from './events.ts';

export type SinkName = 'blob' | 'queue';

export interface Batch {
  /** Host of the service: deliveries of several services do not meet. */
  readonly host: string;
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  /** A single change that turned up after the cursor had passed it. */
  readonly late: boolean;
  /** Ascending by sequence, at least one. */
  readonly events: readonly CloudEvent[];
}

export interface Delivery {
  readonly signal: AbortSignal;
  /** Ask before each send: throws when the lease no longer vouches for this run. */
  readonly guard: () => void;
}

export interface Sink {
  readonly name: SinkName;
  /**
   * Resolves when every event is durably taken; taking the same batch again changes nothing that a consumer could not
   * recognise by its ids. Rejects when any part was not taken.
   */
  deliver(batch: Batch, delivery: Delivery): Promise<void>;
  /** How many deliveries wait for consumers, where that can be told. */
  backlog?(signal: AbortSignal): Promise<number>;
}

/** Nineteen digits, so that names sort as numbers do. */
export function padded(sequence: number): string {
  return String(sequence).padStart(19, '0');
}
