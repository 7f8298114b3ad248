// Turns errors into RFC 9457 problem details: the one place that knows a status for each code.
import { signInFailed } from './credential.ts';
import { AppError, type ErrorCode } from './errors.ts';

export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly type: 'about:blank';
    readonly title: string;
    readonly status: number;
    readonly detail: string;
    readonly code: ErrorCode;
    readonly requestId: string;
  };
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  411: 'Length Required',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

const statuses: Readonly<Record<ErrorCode, number>> = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  disabled: 403,
  not_found: 404,
  conflict: 409,
  busy: 409,
  identity_stale: 409,
  identity_of_other_resource: 409,
  length_required: 411,
  too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  upstream_failed: 502,
  upstream_throttled: 503,
  upstream_timeout: 504,
  misconfigured: 503,
  internal: 500,
};

/** A failing upstream with a time to come back is a passing state of this service, not a broken gateway. */
function statusOf({ code, retryAfterSeconds }: AppError): number {
  return code === 'upstream_failed' && retryAfterSeconds !== undefined ? 503 : statuses[code];
}

/** The second for a service that took a request and was silent. */
const upstreamErrors = ['RestError', 'AbortError'];

/** What no part judged: of an Azure service, mostly the storage account, or ours. Neither says anything about the inside. */
function unjudged(error: unknown): AppError {
  // By its name: SDK clients may carry a copy of the pipeline of their own (measured with communication-identity).
  const isUpstream = signInFailed(error) || (error instanceof Error && upstreamErrors.includes(error.name));
  return isUpstream
    ? new AppError('upstream_failed', 'A service behind this app failed; the request id finds it in the log.')
    : new AppError('internal', 'Something went wrong here; the request id finds it in the log.');
}

/** An unknown error becomes a 502 or 500 that says nothing about the inside. */
export function toProblem(error: unknown, requestId: string): Problem {
  const known = error instanceof AppError ? error : unjudged(error);
  const status = statusOf(known);
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      ...(known.retryAfterSeconds === undefined
        ? {}
        : { 'Retry-After': String(Math.max(1, Math.ceil(known.retryAfterSeconds))) }),
      ...(status === 401 || known.challenge ? { 'WWW-Authenticate': challenge(known) } : {}),
    },
    body: {
      type: 'about:blank',
      title: titles[status] ?? 'Error',
      status,
      detail: sentence(known.message),
      code: known.code,
      requestId,
    },
  };
}

/** As every detail ends, whoever wrote its message. */
function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

function challenge(error: AppError): string {
  return error.challenge === undefined ? 'Bearer' : `Bearer error="${error.challenge}"`;
}
