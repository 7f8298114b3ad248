// Requests to Azure services that have no client of their own here, through the SDKs' pipeline.
import type { TokenCredential } from '@azure/core-auth';
import {
  bearerTokenAuthenticationPolicy,
  bearerTokenAuthenticationPolicyName,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
  logPolicyName,
  RestError,
  tracingPolicyName,
  type HttpClient,
  type HttpMethods,
  type Pipeline,
  type PipelineOptions,
  type PipelinePolicy,
  type PipelineResponse,
} from '@azure/core-rest-pipeline';
import { AppError } from './errors.ts';
import { maxRetryAfterMs, maxUpstreamBytes, upstreamTimeoutMs } from './limits.ts';
import { capRetryAfter } from './retryAfter.ts';
import type { UpstreamService } from './telemetry.ts';
import { showRequestId, traced, traceTries } from './tracedRequests.ts';

export interface RestRequest {
  /** What is asked for, as traces call it: a word that is the same for every target and user. The method by default. */
  readonly operation?: string;
  /** Which try this is where the caller itself repeats a request; 1 by default. */
  readonly attempt?: number;
  readonly method: HttpMethods;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is; give a `content-type` with it. */
  readonly body?: string | Uint8Array;
  /** Time for all tries together, milliseconds; 30 s by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Largest answer accepted, bytes; 16 MiB by default. */
  readonly maxBytes?: number;
}

export interface RestReply {
  readonly status: number;
  header(name: string): string | undefined;
  readonly text: string;
  /** The `Date` header in milliseconds since 1970, where there is a readable one. */
  readonly serverTime: number | undefined;
}

/** A reply whose `text` is made anew at each look: who keeps many of them keeps their bytes only. */
export interface RawReply extends RestReply {
  readonly body: Buffer;
}

export interface RestClientOptions {
  /** Without one, the requests show in no trace. */
  readonly service?: UpstreamService;
  /** Without one, requests go out unsigned. */
  readonly auth?: { readonly credential: TokenCredential; readonly scope: string };
  /** Tries after the first: on 408, 429/503 with `Retry-After`, other 5xx and broken connections. 0 for what must not happen twice. */
  readonly maxRetries: number;
  readonly httpClient?: HttpClient | undefined;
  /** The URLs are secrets: the SDK's own log does not see the requests. */
  readonly secretUrls?: boolean;
}

/** An answer above the size that was accepted: who can ask for less may try that. */
export class AnswerTooLarge extends AppError {
  constructor() {
    super('upstream_failed', 'A service behind this app answered more than is accepted.');
  }
}

export interface RestClient {
  /**
   * Any status is an answer and returned. Throws `upstream_timeout` when time ran out, `AnswerTooLarge`, broken
   * connections as `upstream_failed`, and the signal's own reason when the caller gave up. After a throw nobody knows
   * whether the service acted.
   */
  send(request: RestRequest): Promise<RawReply>;
  /** Makes the next request ask the credential again. */
  forgetToken(): void;
}

/** Milliseconds that an answer asks to wait, a date read against its own `Date`; undefined where it names no time. */
export function askedPause(reply: RestReply): number | undefined {
  const header = reply.header('x-retry-after') ?? reply.header('retry-after');
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const pause = Date.parse(header) - (reply.serverTime ?? Number.NaN);
  return Number.isNaN(pause) ? undefined : Math.max(0, pause);
}

type Basics = Pick<PipelineOptions, 'retryOptions' | 'userAgentOptions'>;

export interface SdkOptions extends Basics {
  additionalPolicies: { policy: PipelinePolicy; position: 'perRetry' }[];
  httpClient?: HttpClient;
}

/** Retries, the cap on `Retry-After`, name and transport that every SDK client of this app shares. */
export function sdkOptions(maxRetries: number, httpClient: HttpClient | undefined): SdkOptions {
  return {
    ...basics(maxRetries),
    additionalPolicies: [capRetryAfter(maxRetryAfterMs), showRequestId()].map((policy) => ({
      policy,
      position: 'perRetry',
    })),
    ...(httpClient ? { httpClient } : {}),
  };
}

function basics(maxRetries: number): Basics {
  return {
    retryOptions: { maxRetries, retryDelayInMs: 500, maxRetryDelayInMs: maxRetryAfterMs },
    userAgentOptions: { userAgentPrefix: 'telehealth-functions' },
  };
}

export function createRestClient({
  service,
  auth,
  maxRetries,
  httpClient = createDefaultHttpClient(),
  secretUrls = false,
}: RestClientOptions): RestClient {
  const pipeline = createPipelineFromOptions({
    ...basics(maxRetries),
    redirectOptions: { maxRetries: 0 },
  });
  // The SDK's own would put the URL into each span.
  pipeline.removePolicy({ name: tracingPolicyName });
  pipeline.addPolicy(traceTries(), { afterPhase: 'Retry' });
  pipeline.addPolicy(capRetryAfter(maxRetryAfterMs), { afterPhase: 'Retry' });
  if (secretUrls) pipeline.removePolicy({ name: logPolicyName });
  const sign = (): void => {
    if (!auth) return;
    pipeline.removePolicy({ name: bearerTokenAuthenticationPolicyName });
    pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential: auth.credential, scopes: auth.scope }));
  };
  sign();
  return {
    send(request) {
      if (service === undefined) return send(pipeline, httpClient, request);
      const { operation = request.method, attempt = 1 } = request;
      return traced({ service, operation, attempt }, () => send(pipeline, httpClient, request));
    },
    forgetToken: sign,
  };
}

async function send(pipeline: Pipeline, httpClient: HttpClient, request: RestRequest): Promise<RawReply> {
  const timeout = AbortSignal.timeout(request.timeoutMs ?? upstreamTimeoutMs);
  const abortSignal = request.signal ? AbortSignal.any([timeout, request.signal]) : timeout;
  const last: LastTry = { body: Buffer.alloc(0) };
  try {
    const response = await pipeline.sendRequest(
      reading(httpClient, request.maxBytes ?? maxUpstreamBytes, last),
      createPipelineRequest({
        url: request.url,
        method: request.method,
        headers: createHttpHeaders({ accept: 'application/json', ...request.headers }),
        ...(request.body === undefined ? {} : { body: request.body }),
        abortSignal,
        // Every answer as a stream, so that its size can be judged while it arrives.
        streamResponseStatusCodes: new Set([Number.POSITIVE_INFINITY]),
      }),
    );
    return replyOf(response, last.body);
  } catch (cause) {
    request.signal?.throwIfAborted();
    if (cause instanceof AppError) throw cause;
    if (timeout.aborted)
      throw new AppError('upstream_timeout', 'A service behind this app did not answer in time.', { cause });
    throw new AppError('upstream_failed', 'A service behind this app could not be reached.', { cause });
  }
}

function replyOf({ status, headers }: PipelineResponse, body: Buffer): RawReply {
  const date = Date.parse(headers.get('date') ?? '');
  return {
    status,
    header: (name) => headers.get(name),
    body,
    get text() {
      return body.toString('utf8');
    },
    serverTime: Number.isNaN(date) ? undefined : date,
  };
}

/** The pipeline itself has a place for texts only. */
interface LastTry {
  body: Buffer;
}

/** Reads the body of every try, also of one that is tried again: an unread body would keep its connection busy. */
function reading(httpClient: HttpClient, maxBytes: number, last: LastTry): HttpClient {
  return {
    async sendRequest(request) {
      const { readableStreamBody, ...response } = await httpClient.sendRequest(request);
      last.body = readableStreamBody
        ? await readBody(readableStreamBody, maxBytes).catch(toRestError)
        : Buffer.from(response.bodyAsText ?? '');
      return response;
    },
  };
}

/** An answer that breaks off is a broken connection: only as an error of its own kind does the pipeline try again after it. */
function toRestError(cause: unknown): never {
  if (cause instanceof AnswerTooLarge) throw cause;
  throw new RestError('The answer broke off.', { code: 'ECONNRESET' });
}

async function readBody(stream: NodeJS.ReadableStream, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > maxBytes) throw new AnswerTooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
