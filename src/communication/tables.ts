// Calls of the Tables client: a time limit for each, errors of ours for its errors, and the service's own clock.
import type { TableClient } from '@azure/data-tables';
import { AppError } from '../platform/errors.ts';
import { tableTimeoutMs } from '../platform/limits.ts';
import { timeLimit } from '../platform/run.ts';
import { storageFailure, withCreate } from '../platform/storage.ts';

/** Runs one operation with a time limit of its own, making the table first where there is none. Throws what it throws. */
export function run<T>(
  table: TableClient,
  operation: (abortSignal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const abortSignal = timeLimit(tableTimeoutMs, signal);
  return withCreate(
    () => table.createTable({ abortSignal }),
    () => operation(abortSignal),
  );
}

/** An error of ours for one of the Tables client: the signal's reason where the caller gave up, never the SDK's own words. */
export function tableError(error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof AppError) return error;
  const { status } = storageFailure(error);
  if (error instanceof Error && error.name === 'AbortError') {
    return new AppError('upstream_timeout', 'The directory did not answer in time.', { cause: error });
  }
  if (status === 429 || status === 503) {
    const options = { cause: error, retryAfterSeconds: 5 };
    return new AppError('upstream_throttled', 'The directory is busy; come back later.', options);
  }
  return new AppError('upstream_failed', 'The directory could not be reached.', { cause: error });
}

interface HasHeaders {
  readonly headers: { get(name: string): string | undefined };
}

/** The service's clock in an answer's `Date`, milliseconds since 1970, whole seconds. Throws `upstream_failed` without one. */
export function serverTime(answer: HasHeaders | undefined): number {
  const time = Date.parse(answer?.headers.get('date') ?? '');
  if (!Number.isNaN(time)) return time;
  throw new AppError('upstream_failed', 'The directory answered without a date.');
}

/** The answer behind an error of the Tables client, where there was one. */
export function answerOf(error: unknown): HasHeaders | undefined {
  if (!(error instanceof Error)) return undefined;
  const response: unknown = Reflect.get(error, 'response');
  return typeof response === 'object' && response !== null && 'headers' in response
    ? (response as HasHeaders)
    : undefined;
}

export function isMissing(error: unknown): boolean {
  return storageFailure(error).status === 404;
}

/** Spreads rows over 256 partitions; keys are digests, because they appear in storage URLs and logs. */
export function partitionOf(rowKey: string): string {
  return rowKey.slice(0, 2);
}

export function unreadable(): AppError {
  return new AppError('internal', 'The directory holds a record that this release cannot read.');
}
