// A token service in the place of fetch, under a clock that moves only when told to: it answers what a test has scripted.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { TokenRefreshError } from '../../client/tokenRefresher.ts';

export const start = Date.parse('2026-03-01T12:00:00.000Z');
export const bearer = 'header.payload-of-the-bearer.signature';
export const identity = '8:acs:resource_user';

type Reply = (signal: AbortSignal) => Promise<Response>;

interface SeenRequest {
  /** Milliseconds since the test began. */
  readonly at: number;
  readonly url: string;
  readonly init: RequestInit;
  readonly signal: AbortSignal;
}

export interface Scripted {
  readonly requests: readonly SeenRequest[];
  /** When each request came, in milliseconds since the test began. */
  readonly times: () => readonly number[];
  /** Adds what is answered next, in order. An unscripted request fails the test, as does an answer that nobody fetched. */
  readonly answers: (...replies: readonly Reply[]) => void;
  /** Lets the time pass, and whatever is due happen in it. */
  readonly elapse: (ms: number) => Promise<void>;
}

/** From here to the end of the test, fetch, the time and the chance (`random`, always the same) are the script's. */
export function script(context: TestContext, random = 0.5): Scripted {
  const { mock } = context;
  const requests: SeenRequest[] = [];
  const replies: Reply[] = [];
  let unexpected = 0;
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: start });
  const pending = countTimers(context);
  mock.method(Math, 'random', () => random);
  mock.method(globalThis, 'fetch', async (url: string, init: RequestInit) => {
    const signal = init.signal ?? new AbortController().signal;
    requests.push({ at: Date.now() - start, url, init, signal });
    const reply = replies.shift();
    unexpected += reply === undefined ? 1 : 0;
    return (reply ?? dropped)(signal);
  });
  context.after(() => {
    assert.deepEqual(
      { unexpected, neverFetched: replies.length, timersLeft: pending() },
      { unexpected: 0, neverFetched: 0, timersLeft: 0 },
    );
  });
  return {
    requests,
    times: () => requests.map(({ at }) => at),
    answers: (...next) => {
      replies.push(...next);
    },
    async elapse(ms) {
      const step = Math.min(ms, 250);
      await turn();
      for (let passed = 0; passed < ms; passed += step) {
        mock.timers.tick(step);
        await turn();
      }
    },
  };
}

/** How many timers are set that have neither gone off nor been cleared: one that is forgotten keeps a process alive. */
function countTimers({ mock }: TestContext): () => number {
  const { setTimeout, clearTimeout } = globalThis;
  const pending = new Set<unknown>();
  mock.method(globalThis, 'setTimeout', (run: () => void, ms: number) => {
    const timer = setTimeout(() => {
      pending.delete(timer);
      run();
    }, ms);
    pending.add(timer);
    return timer;
  });
  mock.method(globalThis, 'clearTimeout', (timer: NodeJS.Timeout | undefined) => {
    pending.delete(timer);
    clearTimeout(timer);
  });
  return () => pending.size;
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Reply => {
  return async () => new Response(JSON.stringify(body), { status, headers });
};

/** The answer of the service, an hour long and named `token`, with the given fields instead. */
export function served(token: string, fields: Readonly<Record<string, unknown>> = {}): Reply {
  return async (signal) =>
    json(200, {
      token,
      expiresOn: new Date(Date.now() + 3_600_000).toISOString(),
      scopes: ['chat', 'voip'],
      user: { communicationUserId: identity },
      endpoint: 'https://resource.communication.azure.com',
      ...fields,
    })(signal);
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Reply {
  const body = {
    type: 'about:blank',
    title: 'Title',
    status,
    detail: 'Detail.',
    code,
    requestId: 'request-1',
  };
  return json(status, body, headers);
}

export const answered = (status: number, text: string): Reply => {
  return async () => new Response(text, { status });
};

/** What fetch says when there is no connection. */
export const dropped: Reply = async () => {
  throw new TypeError('Failed to fetch');
};

/** The connection breaks when half of the body has come. */
export const cut: Reply = async () =>
  new Response(
    new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode('{"token":'));
        controller.error(new TypeError('terminated'));
      },
    }),
  );

/** Never answers; ends as fetch does when the request is aborted. */
export const hanging: Reply = (signal) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(new DOMException('This operation was aborted', 'AbortError'));
    });
  });

export const late = (ms: number, reply: Reply): Reply => {
  return async (signal) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return reply(signal);
  };
};

/** The refresher's own error, with all that it tells; the request id is the one of `problem`, which other answers have not. */
export function assertRefused(outcome: unknown, code: string, status?: number): void {
  assert.ok(outcome instanceof TokenRefreshError, String(outcome));
  const answer = status === undefined ? '' : `, HTTP status ${status}`;
  const ours = status === undefined || status === 200 || code === 'http_error';
  assert.deepEqual(
    { message: outcome.message, code: outcome.code, status: outcome.status, requestId: outcome.requestId },
    {
      message: `No communication token: ${code}${answer}.`,
      code,
      status,
      requestId: ours ? undefined : 'request-1',
    },
  );
}
