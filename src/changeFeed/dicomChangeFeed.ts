// Asks a DICOM service for its change feed: v1 by sequence for the cursor, v2 only to find the sequence of a time.
import type { Clock } from '../platform/clock.ts';
import {
  feedRequestRetries,
  feedRequestTimeoutMs,
  feedReserveMs,
  feedThrottleWaits,
  feedWindowRows,
} from '../platform/limits.ts';
import {
  askedPause,
  createRestClient,
  type RawReply,
  type RestClient,
  type RestClientOptions,
  type RestReply,
  type RestRequest,
} from '../platform/restClient.ts';
import type { Run } from '../platform/run.ts';
import type { Page } from './cursor.ts';
import { judgeLatest, judgePage, judgeStatus, judgeTime, judgeWindow } from './dicomReplies.ts';
import type { FeedEntry } from './entry.ts';
import type { Interval } from './intervals.ts';
import { FeedStop } from './outcome.ts';

/** The time frame of one run over one service. */
export interface Frame extends Pick<Run, 'signal' | 'remainingMs'> {
  /** Time for one request with its retries, milliseconds; 90 s when absent. */
  readonly requestMs?: number | undefined;
}

/**
 * The frame of a run that begins, with a third of its time for a request: a silent service is met twice, and told, before the
 * time is up. Little time left later shortens no request: that the run ends says nothing about the service.
 */
export function patient(frame: Frame): Frame {
  const requestMs = Math.min(feedRequestTimeoutMs, Math.ceil(frame.remainingMs() / 3));
  return { ...frame, requestMs };
}

export interface Latest {
  /** Undefined when the feed is empty. */
  readonly entry: FeedEntry | undefined;
  /** The service's clock, milliseconds. */
  readonly time: number;
}

export interface TimeWindow {
  /** Inclusive, ISO 8601 with zone. */
  readonly startTime: string;
  /** Exclusive; open without it. */
  readonly endTime?: string;
  /** Rows to skip. */
  readonly offset: number;
}

export interface PageOptions {
  readonly metadata: boolean;
  /** One try only, for whoever knows what to do after a failure. */
  readonly once?: boolean;
  /** Largest answer to take; `AnswerTooLarge` for more. What any upstream may answer when absent. */
  readonly maxBytes?: number;
}

/** What came for a page, not taken apart yet. */
export interface PageAnswer {
  readonly bytes: number;
  /** Throws `FeedStop` for what does not have the shape of the page that was asked for. */
  page(): Page;
}

/** Every method throws `FeedStop`, `upstream_timeout` and `upstream_failed`, and the frame's reason when its signal aborts. */
export interface ChangeFeedReader {
  /** The entry with the highest sequence. */
  latest(frame: Frame): Promise<Latest>;
  /** What exists of `range` (at most 100 sequences). A short or an empty page says nothing about what follows. */
  page(range: Interval, options: PageOptions, frame: Frame): Promise<Page>;
  /** The same for a page whose turn has not come: its bytes take a fraction of the memory of its entries. */
  answer(range: Interval, options: PageOptions, frame: Frame): Promise<PageAnswer>;
  /** At most `feedWindowRows` entries without metadata, oldest first. */
  window(window: TimeWindow, frame: Frame): Promise<readonly FeedEntry[]>;
}

export interface ReaderOptions {
  /** URL of the service, without a trailing slash. */
  readonly service: string;
  readonly auth: NonNullable<RestClientOptions['auth']>;
  readonly httpClient?: RestClientOptions['httpClient'];
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
}

export function createReader({ service, auth, httpClient, clock, random }: ReaderOptions): ChangeFeedReader {
  const common = { service: 'dicom', auth, httpClient } as const;
  const stubborn = createRestClient({ ...common, maxRetries: feedRequestRetries });
  const brisk = createRestClient({ ...common, maxRetries: 0 });

  async function send(client: RestClient, request: RestRequest, frame: Frame): Promise<RawReply> {
    const { signal, requestMs: timeoutMs = feedRequestTimeoutMs } = frame;
    for (let waits = 0; ; waits += 1) {
      const reply = await client.send({ ...request, attempt: waits + 1, signal, timeoutMs });
      const pause = throttlePause(reply, waits, random);
      if (pause === undefined) return reply;
      if (waits >= feedThrottleWaits || pause > frame.remainingMs() - feedReserveMs) throw throttled(pause);
      await clock.sleep(pause, signal);
    }
  }

  /** A refused token may have been replaced or granted its audience meanwhile: once more with a fresh one. */
  async function ask(request: RestRequest, frame: Frame, client = stubborn): Promise<RawReply> {
    const reply = await send(client, request, frame);
    if (reply.status !== 401) return reply;
    client.forgetToken();
    return send(client, request, frame);
  }

  async function answer(range: Interval, options: PageOptions, frame: Frame): Promise<PageAnswer> {
    const asked = clock.monotonic();
    const reply = await ask(pageRequest(service, range, options), frame, options.once ? brisk : stubborn);
    return answerOf(reply, range, clock.monotonic() - asked);
  }

  return {
    async latest(frame) {
      const reply = await ask(latestRequest(service), frame);
      return { entry: judgeLatest(reply), time: judgeTime(reply) };
    },
    answer,
    page: async (...asked) => (await answer(...asked)).page(),
    async window(window, frame) {
      return judgeWindow(await ask(windowRequest(service, window), frame), feedWindowRows);
    },
  };
}

/** `tookMs` from the request to the answer. */
function answerOf(reply: RawReply, range: Interval, tookMs: number): PageAnswer {
  judgeStatus(reply);
  const repliedAt = judgeTime(reply);
  // The answer was made after the request was sent, so this is never later than the sending by the service's clock.
  const requestedAt = repliedAt - Math.ceil(tookMs);
  const bytes = reply.body.length;
  return {
    bytes,
    page: () => ({ ...range, requestedAt, repliedAt, entries: judgePage(reply, range), bytes }),
  };
}

function latestRequest(service: string): RestRequest {
  return get('latest', `${service}/v1/changefeed/latest`, { includeMetadata: 'false' });
}

/** v1: `offset` is the sequence before the first, `limit` the length of the range, not a number of rows. */
function pageRequest(
  service: string,
  { from, to }: Interval,
  { metadata, maxBytes }: PageOptions,
): RestRequest {
  const request = get('page', `${service}/v1/changefeed`, {
    offset: String(from - 1),
    limit: String(to - from + 1),
    includeMetadata: String(metadata),
  });
  return maxBytes === undefined ? request : { ...request, maxBytes };
}

/** v2: `offset` is rows to skip in the window, `limit` rows. */
function windowRequest(service: string, { startTime, endTime, offset }: TimeWindow): RestRequest {
  return get('window', `${service}/v2/changefeed`, {
    startTime,
    ...(endTime === undefined ? {} : { endTime }),
    offset: String(offset),
    limit: String(feedWindowRows),
    includeMetadata: 'false',
  });
}

function get(operation: string, url: string, query: Readonly<Record<string, string>>): RestRequest {
  // Encodes the + of a zone, which the service would read as a space.
  return {
    operation,
    method: 'GET',
    url: `${url}?${new URLSearchParams(query).toString()}`,
  };
}

/** Milliseconds to wait before the request is sent again, or undefined for an answer that is no throttling. */
function throttlePause(reply: RestReply, waits: number, random: () => number): number | undefined {
  if (reply.status !== 429 && reply.status !== 503) return undefined;
  const asked = askedPause(reply);
  // A 503 without a time to come back is a failure, perhaps one that lasts; the pipeline has tried it enough.
  if (asked !== undefined || reply.status === 503) return asked;
  return 1000 * 2 ** waits * (0.5 + random());
}

function throttled(pause: number): FeedStop {
  return new FeedStop('throttled', 'The DICOM service asks for a longer pause than the run has left.', {
    code: 'upstream_throttled',
    retryAfterSeconds: Math.ceil(pause / 1000),
    advice:
      'Nothing: the next run goes on. If it stays, ask for fewer requests with a larger CHANGE_FEED_PAGE_SIZE.',
  });
}
