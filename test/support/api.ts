// Calls the running app over HTTP and reads its answers with what the tests expect of every one of them.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { RunFile } from '../../local/runFile.ts';
import { checkReply } from './openapi/answers.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  json<T>(shape: z.ZodMiniType<T>): T;
}

export interface Api {
  /** A call with the function key. */
  operation(method: string, path: string, body?: unknown): Promise<Reply>;
  /** As `operation`, asked again while the timer is at the same work (409 `busy`). */
  whenFree(method: string, path: string, body?: unknown): Promise<Reply>;
  /** A call with a bearer, by default the demo user's. */
  user(
    method: string,
    path: string,
    options?: { readonly bearer?: string; readonly body?: unknown },
  ): Promise<Reply>;
  plain(method: string, path: string, init?: RequestInit): Promise<Reply>;
  /** Posts a body with the demo user's bearer and without a Content-Length. */
  chunked(path: string, body: string): Promise<Reply>;
  /** Signs an access token as Entra would. */
  sign(request: unknown): Promise<string>;
  /** Adds a fault rule and answers its id. */
  fault(rule: unknown): Promise<string>;
  clearFaults(): Promise<void>;
  state<T>(shape: z.ZodMiniType<T>): Promise<T>;
}

export const problem = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  requestId: z.string(),
});

/** Every answer of the app is held to openapi.yaml: one that is not documented fails the test that received it. */
export function apiOf(run: RunFile): Api {
  const plain = async (method: string, path: string, init: RequestInit = {}): Promise<Reply> => {
    const reply = await toReply(await fetch(`${run.host.url}/api/${path}`, { method, ...init }));
    checkReply(method, path, reply);
    return reply;
  };
  const withBody = (headers: Record<string, string>, body: unknown): RequestInit =>
    body === undefined
      ? { headers }
      : { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const faults = async (method: string, path: string, body?: unknown): Promise<Reply> =>
    toReply(await fetch(`${run.azure.faults}${path}`, { method, ...withBody({}, body) }));
  const operation: Api['operation'] = (method, path, body) =>
    plain(method, path, withBody({ 'x-functions-key': run.keys.function }, body));
  return {
    plain,
    operation,
    async whenFree(method, path, body) {
      for (let tries = 1; ; tries += 1) {
        const reply = await operation(method, path, body);
        if (reply.status !== 409 || reply.json(problem).code !== 'busy' || tries === 60) return reply;
        await sleep(500);
      }
    },
    chunked: (path, body) =>
      plain('POST', path, {
        headers: { authorization: `Bearer ${run.demo.bearer}`, 'content-type': 'application/json' },
        // A body of unknown length goes out in chunks.
        body: new Blob([body]).stream(),
        duplex: 'half',
      }),
    user: (method, path, { bearer = run.demo.bearer, body } = {}) =>
      plain(method, path, withBody({ authorization: `Bearer ${bearer}` }, body)),
    sign: async (request) =>
      (await faults('POST', '/tokens', request)).json(z.object({ token: z.string() })).token,
    fault: async (rule) => (await faults('POST', '/faults', rule)).json(z.object({ id: z.string() })).id,
    clearFaults: async () => {
      await faults('DELETE', '/faults');
    },
    state: async (shape) => (await faults('GET', '/state')).json(shape),
  };
}

async function toReply(response: Response): Promise<Reply> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: (shape) => shape.parse(JSON.parse(text)),
  };
}

/** Every refusal is a problem document with its code, never cached, with the request id for the log. */
export function assertProblem(reply: Reply, status: number, code: string): void {
  assert.equal(reply.status, status, reply.text);
  assert.match(reply.headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(reply.headers.get('cache-control'), 'no-store');
  const body = reply.json(problem);
  assert.equal(body.code, code);
  assert.equal(body.status, status);
}
