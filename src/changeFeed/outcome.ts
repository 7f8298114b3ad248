// How a run over one service can end, and the error that ends it with advice for the operator.
import { AppError, type AppErrorOptions, type ErrorCode } from '../platform/errors.ts';

const fine = [
  'caught_up',
  'budget',
  'holding_gap',
  'throttled',
  'busy',
  'lost_lease',
  'not_started',
] as const;

export const outcomes = [
  ...fine,
  'sink_down',
  'unauthorized',
  'forbidden',
  'upstream_failed',
  'feed_reset',
  'cursor_lost',
  'misconfigured',
  'failed',
] as const;

/**
 * `caught_up` all delivered; `budget` time was up, the rest comes next; `holding_gap` waits for a number that may still
 * commit; `throttled` the service asked for a longer pause than was left; `busy` another run holds the cursor;
 * `lost_lease` it lost the cursor to another; `not_started` not reached, or never run. The others need somebody to look.
 */
export type FeedOutcome = (typeof outcomes)[number];

/** False when somebody has to look. */
export function isFine(outcome: FeedOutcome): boolean {
  return fine.some((one) => one === outcome);
}

export interface FeedStopOptions extends AppErrorOptions {
  readonly code?: ErrorCode;
  /** What to do about it, for operators. */
  readonly advice: string;
}

/** Ends the run over one service; the cursor stays where it is. Its message and advice carry no UID and no upstream's words. */
export class FeedStop extends AppError {
  readonly outcome: FeedOutcome;
  readonly advice: string;

  constructor(
    outcome: FeedOutcome,
    message: string,
    { code = 'upstream_failed', advice, ...rest }: FeedStopOptions,
  ) {
    super(code, message, rest);
    this.outcome = outcome;
    this.advice = advice;
  }
}
