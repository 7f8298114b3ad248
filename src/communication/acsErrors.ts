// What an error of the ACS client means: a stale identity, throttling, a bad Teams token, or a failure that is not the caller's.
import { SignInError } from '../platform/credential.ts';
import { AppError } from '../platform/errors.ts';
import { acsRetryAfterSeconds } from '../platform/limits.ts';
import { wordsOf } from '../platform/log.ts';
import type { AcsOperation } from './rateLimit.ts';

/** What is kept of an error of the SDK: the SDK's own carries the request, and with it a Teams token. */
class AcsFailure extends Error {
  override readonly name = 'AcsFailure';
  readonly statusCode: number | undefined;
  readonly code: string | undefined;

  constructor(operation: AcsOperation, { error, status, code, header }: Told) {
    const trace = header('ms-cv') ?? 'none';
    super(
      `ACS ${operation}, MS-CV ${trace}: ${wordsOf(error)}`,
      error instanceof SignInError ? { cause: error } : {},
    );
    this.statusCode = status;
    this.code = code;
  }
}

interface Told {
  readonly error: unknown;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly header: (name: string) => string | undefined;
}

function readError(error: unknown): Told {
  if (!(error instanceof Error))
    return { error, status: undefined, code: undefined, header: () => undefined };
  const status: unknown = Reflect.get(error, 'statusCode');
  const code: unknown = Reflect.get(error, 'code');
  const response: unknown = Reflect.get(error, 'response');
  return {
    error,
    status: typeof status === 'number' ? status : undefined,
    code: typeof code === 'string' ? code : undefined,
    header: (name) => (hasHeaders(response) ? response.headers.get(name) : undefined),
  };
}

interface HasHeaders {
  readonly headers: { get(name: string): string | undefined };
}

function hasHeaders(response: unknown): response is HasHeaders {
  return typeof response === 'object' && response !== null && 'headers' in response;
}

/**
 * ACS does not know the identity: 404, or 400/401/403 with a code that begins with `Identity`. The status and code of a
 * deleted one are not documented; one of another resource is 401 `IdentityNotOwned` (recorded answers). A 404 counts only
 * from ACS itself, which all its recorded answers show: a gateway's must confirm no erasure and replace nobody's identity.
 */
export function isGone(error: unknown): boolean {
  const { status, code, header } = readError(error);
  if (status === 404) return header('ms-cv') !== undefined || header('api-supported-versions') !== undefined;
  return [400, 401, 403].includes(status ?? 0) && code?.startsWith('Identity') === true;
}

const neverSent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'];

/** True when ACS certainly did nothing: it answered with a refusal, or the request never left. */
export function isRefusal(error: unknown): boolean {
  const { status, code } = readError(error);
  if (error instanceof SignInError || neverSent.includes(code ?? '')) return true;
  return status !== undefined && status >= 400 && status < 500 && status !== 408;
}

/** Set when ACS refused the request as one too many; the seconds are those of its answer, where it named any. */
export function throttling(error: unknown): { readonly retryAfterSeconds: number | undefined } | undefined {
  const told = readError(error);
  const retryAfterSeconds = retryAfter(told);
  const throttled = told.status === 429 || (told.status === 503 && retryAfterSeconds !== undefined);
  return throttled ? { retryAfterSeconds } : undefined;
}

/** True when another try may succeed: no answer, or a server error that is not about throttling. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'RestError') return false;
  const { status } = readError(error);
  if (status === undefined || status === 408) return true;
  return status >= 500 && ![501, 505].includes(status) && !throttling(error);
}

/** For the log: the most frequent reason of a first run in Azure, and ACS says no more than `Denied` (recorded answer). */
const howToBeLetIn =
  "ACS refuses this app. The identity that calls it needs the role Communication and Email Service Owner on the ACS resource; with a connection string, its key must be the resource's current one.";

/** An upstream's 401 is about this app's credential or the identity, never about our caller. */
export function acsError(error: unknown, operation: AcsOperation): AppError {
  const told = readError(error);
  const cause = new AcsFailure(operation, told);
  const { status, code } = told;
  if (error instanceof Error && error.name === 'AbortError') {
    return new AppError('upstream_timeout', 'The communication service did not answer in time.', { cause });
  }
  const throttled = throttling(error);
  if (throttled) {
    const options = { cause, retryAfterSeconds: throttled.retryAfterSeconds ?? acsRetryAfterSeconds };
    return new AppError('upstream_throttled', 'The communication service is busy; come back later.', options);
  }
  // Recorded answer for a Teams token that is expired, another user's or another application's: 401 InvalidAccessToken.
  if (operation === 'exchange' && (code === 'InvalidAccessToken' || status === 400)) {
    const expected = 'teamsToken: expected a valid Entra token of the caller for Teams.';
    return new AppError('invalid_request', expected, { cause });
  }
  const refusesUs = status === 401 || status === 403;
  return new AppError('upstream_failed', 'The communication service failed or refused this app.', {
    cause: refusesUs ? new Error(howToBeLetIn, { cause }) : cause,
  });
}

/** Whole seconds; the pipeline keeps a wait that is too long for it under the second name. */
function retryAfter({ header }: Told): number | undefined {
  const value = header('retry-after') ?? header('x-retry-after');
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}
