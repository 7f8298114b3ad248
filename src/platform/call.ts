// One HTTP call as the capabilities see it, free of the Functions library.
import type * as z from 'zod/mini';
import type { Log } from './log.ts';

export interface Call {
  /** Goes into the problem details and every log line of the call. */
  readonly requestId: string;
  readonly log: Log;
  /** Aborts when the time for the call is used up or the process shuts down. */
  readonly signal: AbortSignal;
  readonly remainingMs: () => number;
  /** The `Authorization` header, still unjudged. */
  readonly authorization: string | undefined;
  /**
   * A route parameter exactly as it stands in the URL. Throws `invalid_request` when the host's decoded value differs from
   * the raw segment: the host leaves `%2F` undecoded, so that two different users could look alike (measured).
   */
  param(name: string): string;
  /**
   * The JSON body, or undefined when there is none. Throws `length_required`, `too_large`, `unsupported_media_type` and
   * `invalid_request`, which names the field and what is expected.
   */
  json<T>(shape: z.ZodMiniType<T>): Promise<T | undefined>;
}

/** What a handler answers; `body` becomes JSON. 204 carries none. */
export interface Answer {
  readonly status: 200 | 202 | 204 | 404 | 503;
  readonly body?: unknown;
  /** Where what was begun can be looked at, relative to the URL that was asked. */
  readonly location?: string;
}
