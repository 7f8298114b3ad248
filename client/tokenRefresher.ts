// Gets and renews the signed-in user's ACS token from `POST /api/tokens`, for `AzureCommunicationTokenCredential` in a browser.

/** What communication-common 2.4 and 2.5 pass to a refresher; every `AbortSignal` is one. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What communication-common 2.5 takes besides a string; milliseconds since 1970. */
export interface AccessToken {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}

/** The service's whole answer: what the calling and chat clients need to start. */
export interface Session extends AccessToken {
  readonly scopes: readonly string[];
  readonly user: { readonly communicationUserId: string };
  /** Of the ACS resource; the chat client takes it. */
  readonly endpoint: string;
}

export interface TokenRefresherOptions {
  /** Of `POST /api/tokens`. */
  readonly url: string;
  /**
   * The user's access token for the token service, got without asking the user anything: a new one, not the cached one, with
   * `forceRefresh`. `signal` aborts when its time is up or nobody waits. An error ends the refresh and reaches the app as it is.
   */
  readonly getAccessToken: (request: { signal: AbortSignal; forceRefresh: boolean }) => Promise<string>;
  /** Which errors of `getAccessToken` pass by themselves, as being offline does: they are retried. Default: none. */
  readonly isTransient?: ((error: unknown) => boolean) | undefined;
  /** Fewer than the service's `TOKEN_SCOPES`. */
  readonly scopes?: readonly string[] | undefined;
  /** 60 to the service's `TOKEN_MINUTES_MAX`. */
  readonly expiresInMinutes?: number | undefined;
  /** For `getAccessToken` and the request together. Default 30,000: a user's first token may take the service 20 s. */
  readonly requestTimeoutMs?: number | undefined;
  /** For all tries together, default 120,000; while the last token lives at least that life, up to 10 minutes. */
  readonly totalTimeoutMs?: number | undefined;
}

/** Resolves to a new token, as communication-common 2.4 and 2.5 take it. One request is in flight however many ask. */
export interface TokenRefresher {
  (abortSignal?: AbortSignalLike): Promise<string>;
  /** The same for 2.5 alone, with the end that the service named: it also serves tokens that cannot be decoded. */
  readonly accessToken: (abortSignal?: AbortSignalLike) => Promise<AccessToken>;
  /** The last answer while its token is valid, else a new one. */
  readonly session: (abortSignal?: AbortSignalLike) => Promise<Session>;
}

/** Why there is no token; it never holds one, nor free text of the service or the network. */
export class TokenRefreshError extends Error {
  override readonly name = 'TokenRefreshError';
  /**
   * The problem document's; else `http_error`, `network_error`, `timeout`, `invalid_answer`, `invalid_access_token`,
   * `token_expired` (by the device's clock) or `identity_changed`.
   */
  readonly code: string;
  /** Of the answer, if there was one. */
  readonly status: number | undefined;
  /** Finds the call in the service's log. */
  readonly requestId: string | undefined;

  constructor(code: string, status?: number, requestId?: string) {
    super(`No communication token: ${code}${status === undefined ? '' : `, HTTP status ${String(status)}`}.`);
    this.code = code;
    this.status = status;
    this.requestId = requestId;
  }
}

/** No token. `retryAfterMs` is the least wait before another try, Infinity when none would help. */
interface Refusal {
  readonly error: unknown;
  readonly retryAfterMs: number;
}
type Outcome = Session | Refusal;
type Work<T> = (signal: AbortSignal) => Promise<T>;

const mostTries = 50;
const firstBackoffMs = 1000;
const longestBackoffMs = 30_000;
// Measured, communication-common 2.4.2 and 2.5.0: a proactive refresh comes at most this long before the token ends.
const proactiveLeadMs = 600_000;

/**
 * Makes the refresher of one sign-in: another user needs another one.
 *
 * Network errors, time-outs, 408, 429, 5xx and 409 `busy` or `conflict` are retried with exponential backoff and full jitter,
 * never before `Retry-After`; a 401 once, with a new access token. Everything else is final.
 * Rejects with a `TokenRefreshError`, an error named `AbortError` when the caller aborted, or `getAccessToken`'s own.
 */
export function createTokenRefresher(options: TokenRefresherOptions): TokenRefresher {
  let last: Session | undefined;
  const refresh = shared(async (signal) => {
    const session = await retry(options, last?.expiresOnTimestamp ?? 0, signal);
    // A running client keeps the identity that it began with; and a user who signs in must not get the last one's client.
    if (last !== undefined && last.user.communicationUserId !== session.user.communicationUserId)
      throw new TokenRefreshError('identity_changed');
    last = session;
    return session;
  });
  return Object.assign(async (abortSignal?: AbortSignalLike) => (await refresh(abortSignal)).token, {
    accessToken: refresh,
    session: async (abortSignal?: AbortSignalLike) =>
      last !== undefined && Date.now() < last.expiresOnTimestamp ? last : refresh(abortSignal),
  });
}

/** One run of `work` for all who ask meanwhile; a caller who aborts leaves it, and the last one to leave aborts it. */
function shared<T>(work: Work<T>): (signal?: AbortSignalLike) => Promise<T> {
  let current: { result: Promise<T>; controller: AbortController; waiting: number } | undefined;
  const join = (): NonNullable<typeof current> => {
    const controller = new AbortController();
    current ??= { result: work(controller.signal), controller, waiting: 0 };
    current.waiting += 1;
    return current;
  };
  return (signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(aborted());
        return;
      }
      const run = join();
      const end = (): void => {
        signal?.removeEventListener('abort', leave);
        if (current === run) current = undefined;
      };
      const leave = (): void => {
        reject(aborted());
        run.waiting -= 1;
        if (run.waiting > 0) return;
        end();
        run.controller.abort();
      };
      signal?.addEventListener('abort', leave);
      run.result.finally(end).then(resolve, reject);
    });
}

async function retry(options: TokenRefresherOptions, lastEnd: number, signal: AbortSignal): Promise<Session> {
  const { requestTimeoutMs = 30_000, totalTimeoutMs = 120_000 } = options;
  // Giving up while the credential's token lives helps nobody: the credential would not ask again before its end.
  const deadline = Date.now() + Math.max(totalTimeoutMs, Math.min(lastEnd - Date.now(), proactiveLeadMs));
  for (let tries = 1; !signal.aborted; tries += 1) {
    const limitMs = Math.min(requestTimeoutMs, deadline - Date.now());
    const outcome = (await within(limitMs, signal, (inner) => ask(options, inner))) ?? refusal('timeout', 0);
    if ('token' in outcome) return outcome;
    const backoffMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** (tries - 1));
    const waitMs = outcome.retryAfterMs + Math.random() * backoffMs;
    if (tries === mostTries || Date.now() + waitMs >= deadline) throw outcome.error;
    await within(waitMs, signal, () => new Promise<never>(() => undefined));
  }
  throw aborted();
}

/** The work's result; undefined after that time, or when `outer` aborts, and then the work is aborted too. */
async function within<T>(ms: number, outer: AbortSignal, work: Work<T>): Promise<T | undefined> {
  if (outer.aborted) return undefined;
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const interrupted = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
    outer.addEventListener('abort', resolve, { signal: controller.signal });
  });
  try {
    return await Promise.race([interrupted.then(() => undefined), work(controller.signal)]);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

async function ask(options: TokenRefresherOptions, signal: AbortSignal, again = false): Promise<Outcome> {
  const { url, getAccessToken, isTransient, scopes, expiresInMinutes } = options;
  let bearer: unknown;
  try {
    bearer = await getAccessToken({ signal, forceRefresh: again });
  } catch (error) {
    return { error, retryAfterMs: isTransient?.(error) ? 0 : Infinity };
  }
  // What cannot stand in a header would come back in the message of fetch's error.
  if (!isText(bearer, /^[\w.~+/-]+=*$/)) return refusal('invalid_access_token', Infinity);
  const narrowed = scopes !== undefined || expiresInMinutes !== undefined;
  const sent = fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${bearer}`, ...(narrowed && { 'Content-Type': 'application/json' }) },
    body: narrowed ? JSON.stringify({ scopes, expiresInMinutes }) : null,
    signal,
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
  });
  const answer = await sent
    .then(async (response) => ({ response, text: await response.text() }))
    .catch(() => undefined);
  if (answer === undefined) return refusal('network_error', 0);
  if (answer.response.status === 401 && !again) return ask(options, signal, true);
  return judge(answer.response, parse(answer.text));
}

function judge({ status, headers }: Response, body: unknown): Outcome {
  if (status === 200) return readSession(body);
  const [code, requestId] = [field(body, 'code'), field(body, 'requestId')];
  const error = new TokenRefreshError(
    isText(code, /^[a-z_]{1,40}$/) ? code : 'http_error',
    status,
    isText(requestId, /^[\w-]{1,64}$/) ? requestId : undefined,
  );
  const passes =
    [408, 429].includes(status) || status >= 500 || (status === 409 && /^(busy|conflict)$/.test(error.code));
  return { error, retryAfterMs: passes ? leastWait(headers.get('Retry-After') ?? '0') : Infinity };
}

function readSession(body: unknown): Outcome {
  const [token, endpoint, scopes] = ['token', 'endpoint', 'scopes'].map((name) => field(body, name));
  const communicationUserId = field(field(body, 'user'), 'communicationUserId');
  const expiresOnTimestamp = Date.parse(String(field(body, 'expiresOn')));
  const whole = isText(token) && isText(endpoint) && isText(communicationUserId) && expiresOnTimestamp > 0;
  if (!whole || !Array.isArray(scopes) || !scopes.every((scope) => isText(scope)))
    return refusal('invalid_answer', Infinity, 200);
  if (expiresOnTimestamp <= Date.now()) return refusal('token_expired', Infinity, 200);
  return { token, expiresOnTimestamp, scopes, user: { communicationUserId }, endpoint };
}

/** Seconds or an HTTP date, in milliseconds from now. */
function leastWait(retryAfter: string): number {
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now();
  return Math.max(0, ms || 0);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
const isText = (value: unknown, form = /./s): value is string =>
  typeof value === 'string' && form.test(value);
const refusal = (code: string, retryAfterMs: number, status?: number): Refusal => {
  return { error: new TokenRefreshError(code, status), retryAfterMs };
};
const aborted = (): Error => Object.assign(new Error('The refresh was aborted.'), { name: 'AbortError' });
