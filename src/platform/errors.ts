// The closed set of errors that the app answers with.

/** Every `code` a caller can meet; the problem-details table and `openapi.yaml` have each of them. */
export const errorCodes = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'disabled',
  'not_found',
  'conflict',
  'busy',
  'identity_stale',
  'identity_of_other_resource',
  'length_required',
  'too_large',
  'unsupported_media_type',
  'rate_limited',
  'upstream_throttled',
  'upstream_failed',
  'upstream_timeout',
  'misconfigured',
  'internal',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

export interface AppErrorOptions {
  /** What went wrong underneath; logged in a reduced form, never shown to a caller. */
  readonly cause?: unknown;
  /** Whole seconds, for `Retry-After`. */
  readonly retryAfterSeconds?: number | undefined;
  /** The `error` parameter of `WWW-Authenticate`, for `unauthenticated` and `forbidden`. */
  readonly challenge?: 'invalid_token' | 'insufficient_scope' | undefined;
}

/**
 * An error with a stable `code`. Its message may be shown to a caller: it names fields and expectations,
 * never a secret, an upstream's words or the inside of the app.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly retryAfterSeconds: number | undefined;
  readonly challenge: AppErrorOptions['challenge'];

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.challenge = options.challenge;
  }
}

/** Narrows to an `AppError`, of one of the codes where they are given. */
export function isAppError(error: unknown, ...codes: ErrorCode[]): error is AppError {
  return error instanceof AppError && (codes.length === 0 || codes.includes(error.code));
}
