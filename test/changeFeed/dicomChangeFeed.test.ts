// The requests to the DICOM service and the waits between them, over a transport in memory.
import { createHttpHeaders, type HttpClient, type PipelineRequest } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { createReader, type ChangeFeedReader, type Frame } from '../../src/changeFeed/dicomChangeFeed.ts';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { isAppError } from '../../src/platform/errors.ts';
import { AnswerTooLarge } from '../../src/platform/restClient.ts';
import { service } from './feedWorld.ts';

const date = 'Thu, 01 Jan 2026 00:00:10 GMT';
const dateMs = Date.parse(date);

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** How long it takes by the monotonic clock, milliseconds. */
  readonly tookMs?: number;
}

/** Gives the answers in order; fails on a request too many, and `asked` shows one too few. */
function scripted(...answers: Answer[]): { reader: ChangeFeedReader; asked: string[]; waits: number[] } {
  const asked: string[] = [];
  const waits: number[] = [];
  let time = 0;
  const httpClient: HttpClient = {
    sendRequest(request: PipelineRequest) {
      asked.push(request.url.replace(service, ''));
      const {
        status,
        headers = {},
        body = '[]',
        tookMs = 0,
      } = answers.shift() ?? assert.fail('a request too many');
      time += tookMs;
      return Promise.resolve({
        request,
        status,
        headers: createHttpHeaders({ date, ...headers }),
        bodyAsText: body,
      });
    },
  };
  const sleep = (ms: number): Promise<void> => {
    waits.push(ms);
    return Promise.resolve();
  };
  return { reader: over(httpClient, { monotonic: () => time, sleep }), asked, waits };
}

function over(
  httpClient: HttpClient,
  time: Omit<Clock, 'now'> = { monotonic: () => 0, sleep: () => assert.fail('no waiting') },
): ChangeFeedReader {
  const clock = { ...time, now: () => assert.fail('only the service tells the time') };
  const credential = { getToken: () => Promise.resolve({ token: 't', expiresOnTimestamp: 9e15 }) };
  const auth = { credential, scope: 'https://dicom.healthcareapis.azure.com/.default' };
  return createReader({ service, auth, httpClient, clock, random: () => 0.5 });
}

const frame: Frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };
const stop = (outcome: string) => (error: unknown) => error instanceof FeedStop && error.outcome === outcome;

test('v1 is asked by sequence, v2 by rows of a window with its zone encoded, and latest without metadata', async () => {
  const { reader, asked } = scripted({ status: 200 }, { status: 200 }, { status: 204, body: '' });
  await reader.page({ from: 11, to: 15 }, { metadata: true }, frame);
  await reader.window(
    { startTime: '2026-01-01T01:00:00.1234567+01:00', endTime: '2026-01-02T00:00:00Z', offset: 200 },
    frame,
  );
  await reader.latest(frame);
  assert.deepEqual(asked, [
    '/v1/changefeed?offset=10&limit=5&includeMetadata=true',
    '/v2/changefeed?startTime=2026-01-01T01%3A00%3A00.1234567%2B01%3A00&endTime=2026-01-02T00%3A00%3A00Z&offset=200&limit=200&includeMetadata=false',
    '/v1/changefeed/latest?includeMetadata=false',
  ]);
});

test('an answer that is a failure is refused as it comes, one that is no page when it is taken apart', async () => {
  const { reader } = scripted({ status: 403 }, { status: 200, body: '[' });
  const ask = () => reader.answer({ from: 1, to: 5 }, { metadata: false }, frame);
  await assert.rejects(ask(), stop('forbidden'));
  const answer = await ask();
  assert.equal(answer.bytes, 1);
  assert.throws(() => answer.page(), stop('upstream_failed'));
});

test('a page counts as asked for no later than it was sent, by the clock of the service', async () => {
  const { reader } = scripted({ status: 200, tookMs: 3000.5 });
  const page = await reader.page({ from: 1, to: 5 }, { metadata: false }, frame);
  assert.deepEqual([page.repliedAt, page.requestedAt], [dateMs, dateMs - 3001]);
});

test('a pause is as long as the service says, in seconds or as a date of its own clock, or grows without a word', async () => {
  const inSeconds = { status: 429, headers: { 'retry-after': '7' } };
  const asDate = { status: 429, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:19 GMT' } };
  const { reader, waits } = scripted(inSeconds, asDate, { status: 429 }, { status: 429 }, { status: 200 });
  await reader.page({ from: 1, to: 1 }, { metadata: false }, frame);
  assert.deepEqual(waits, [7000, 9000, 4000, 8000]);
  const unreadable = { 'retry-after': 'soon' };
  const unclear = scripted({ status: 429, headers: unreadable }, { status: 503, headers: unreadable });
  await assert.rejects(
    unclear.reader.page({ from: 1, to: 1 }, { metadata: false, once: true }, frame),
    stop('upstream_failed'),
  );
  assert.deepEqual(unclear.waits, [1000]);
});

test('what is tried once is not tried again, and a silence of the gateway is one of the service', async () => {
  const once = scripted({ status: 500 });
  await assert.rejects(
    once.reader.page({ from: 1, to: 1 }, { metadata: true, once: true }, frame),
    stop('upstream_failed'),
  );
  for (const status of [408, 504]) {
    const silent = scripted({ status });
    await assert.rejects(
      silent.reader.page({ from: 1, to: 1 }, { metadata: true, once: true }, frame),
      (error) => isAppError(error, 'upstream_timeout'),
    );
  }
});

test('a pause that the run has no time for, and one too many, end it as throttled', async () => {
  const long = { status: 429, headers: { 'retry-after': '56' } };
  await assert.rejects(scripted(long).reader.latest(frame), stop('throttled'));
  const again = scripted(...Array.from({ length: 6 }, () => ({ status: 429 })));
  await assert.rejects(again.reader.latest({ ...frame, remainingMs: () => 1e9 }), stop('throttled'));
  assert.equal(again.asked.length, 6);
});

test('each request ends after the time that the run gives it, and says that the service is silent', async () => {
  const httpClient: HttpClient = {
    sendRequest: ({ abortSignal }) =>
      new Promise((_, reject) => {
        abortSignal?.addEventListener('abort', () => {
          reject(new Error('given up'));
        });
      }),
  };
  const reader = over(httpClient);
  const short = { ...frame, requestMs: 5 };
  const place = { from: 1, to: 5 };
  for (const asked of [
    reader.latest(short),
    reader.page(place, { metadata: false }, short),
    reader.answer(place, { metadata: true }, short),
    reader.window({ startTime: '2026-01-01T00:00:00Z', offset: 0 }, short),
  ])
    await assert.rejects(asked, (error) => isAppError(error, 'upstream_timeout'));
});

test('an answer over what was allowed of it is not read', async () => {
  const body = JSON.stringify([]).padEnd(101);
  const place = { from: 1, to: 10 };
  const reader = over({
    sendRequest: (request) =>
      Promise.resolve({
        ...{ request, status: 200, headers: createHttpHeaders({ date }) },
        readableStreamBody: Readable.from([Buffer.from(body)]),
      }),
  });
  assert.equal((await reader.answer(place, { metadata: false, maxBytes: 101 }, frame)).bytes, 101);
  await assert.rejects(reader.answer(place, { metadata: false, maxBytes: 100 }, frame), AnswerTooLarge);
});
