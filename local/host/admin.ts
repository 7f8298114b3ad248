// The host's admin routes, as far as people and scripts use them: ping, status, run a function now.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerEmpty, answerJson } from './answers.ts';
import { levelOf, presentedKey, type HostKeys } from './keys.ts';
import type { RequestTarget } from './requestTarget.ts';

export interface AdminDeps {
  readonly keys: HostKeys | undefined;
  /** For `GET /admin/host/status`. */
  readonly status: () => object;
  /** Starts a run in the background; false when there is no such function. */
  readonly runNow: (name: string) => boolean;
}

export interface AdminRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: RequestTarget;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: () => Promise<Buffer>;
}

/** Answers a request whose path starts with `/admin/`; anything unknown there is 404. */
export async function answerAdmin(one: AdminRequest, deps: AdminDeps): Promise<void> {
  const { response, target } = one;
  const path = target.path.replace(/\/$/, '');
  const action = `${one.request.method ?? ''} ${path.toLowerCase()}`;
  if (/^(?:GET|POST) \/admin\/host\/ping$/.test(action)) {
    answerEmpty(response, 200, { 'Cache-Control': 'no-store,no-cache', Pragma: 'no-cache' });
    return;
  }
  const name = action.startsWith('POST ') ? /^\/admin\/functions\/([^/]+)$/i.exec(path)?.[1] : undefined;
  if (name === undefined && action !== 'GET /admin/host/status') answerEmpty(response, 404);
  else if (!mayAdminister(one, deps.keys)) return;
  else if (name === undefined) answerJson(response, deps.status());
  else await answerRun(one, deps, name);
}

/** Measured: no or a wrong key is 401 with a challenge, a function's key is 403. */
function mayAdminister({ response, target, headers }: AdminRequest, keys: HostKeys | undefined): boolean {
  const level = levelOf(keys, presentedKey(headers, target.query));
  if (level === 'anonymous') answerEmpty(response, 401, { 'WWW-Authenticate': 'Bearer' });
  else if (level === 'function') answerEmpty(response, 403);
  return level === 'admin';
}

async function answerRun(
  { response, headers, body }: AdminRequest,
  deps: AdminDeps,
  name: string,
): Promise<void> {
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(headers.get('content-type') ?? '')) {
    answerEmpty(response, 415);
    return;
  }
  if (!asksForRun((await body()).toString('utf8'))) answerEmpty(response, 400);
  else answerEmpty(response, deps.runNow(name) ? 202 : 404);
}

/** `{}` or `{"input": "text"}` (a timer has no use for the text); anything else is a bad request to the real host. */
function asksForRun(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const input = 'input' in value ? value.input : undefined;
    return input === undefined || input === null || typeof input === 'string';
  } catch {
    return false;
  }
}
