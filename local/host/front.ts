// The host's web server. It stands on node:http itself and not on a web framework, because the answers to give depend on
// what a framework hides: the raw path, headers sent twice, whether a body came chunked, and headers written half-way.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { answerAdmin, type AdminDeps } from './admin.ts';
import { answerEmpty, answerFunction } from './answers.ts';
import { takes, type Catalog, type HttpFunction } from './catalog.ts';
import { applyCors } from './cors.ts';
import type { Invoker } from './invoke.ts';
import { levelOf, presentedKey, reaches, type HostKeys } from './keys.ts';
import { joinValues, readTarget, type RequestTarget } from './requestTarget.ts';
import type { CorsSettings } from './settings.ts';

export interface FrontDeps {
  readonly keys: HostKeys | undefined;
  readonly cors: CorsSettings | undefined;
  readonly customHeaders: Readonly<Record<string, string>>;
  readonly functions: Catalog['functions'];
  readonly invoker: Invoker;
  readonly admin: Omit<AdminDeps, 'keys'>;
  /** False: the host's state is Error and every route but the admin ones answers 503. */
  readonly healthy: boolean;
  readonly welcomePage: boolean;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: RequestTarget;
  /** Lower-case names, repeated ones joined. */
  readonly headers: ReadonlyMap<string, string>;
}

const maxRequestLineBytes = 8 * 1024;
const maxHeaderBytes = 32 * 1024;
const maxBodyBytes = 100 * 1024 * 1024;

const welcome = '<!DOCTYPE html>\n<title>Functions</title>\n<p>The function app is up and running.</p>\n';

export interface Front {
  readonly server: Server;
  /** Resolves when the requests that are being answered now have got their answers. */
  readonly answered: () => Promise<void>;
}

export function createFront(deps: FrontDeps): Front {
  const open = new Set<Promise<void>>();
  // Node's own limit is for line and headers together and must lie above both, so that each gets its own answer.
  const server = createServer(
    { maxHeaderSize: 2 * (maxRequestLineBytes + maxHeaderBytes) },
    (request, response) => {
      if (!server.listening) response.shouldKeepAlive = false;
      const closed = new Promise<void>((resolve) => response.once('close', resolve));
      open.add(closed);
      void closed.then(() => open.delete(closed));
      answer(request, response, deps).catch(() => {
        if (response.headersSent) response.destroy();
        else answerEmpty(response, 500);
      });
    },
  );
  server.on('clientError', refuseConnection);
  return {
    server,
    async answered() {
      await Promise.all(open);
    },
  };
}

function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

async function answer(request: IncomingMessage, response: ServerResponse, deps: FrontDeps): Promise<void> {
  for (const [name, value] of Object.entries(deps.customHeaders)) response.setHeader(name, value);
  const refusal = tooLong(request);
  const target = readTarget(request.url ?? '');
  if (refusal !== undefined || target === undefined) {
    answerEmpty(response, refusal ?? 400);
    return;
  }
  if (applyCors(request, response, deps.cors)) return;
  const exchange = { request, response, target, headers: readHeaders(request.rawHeaders) };
  if (/^\/admin\//i.test(target.path)) {
    await answerAdmin({ ...exchange, body: () => readBody(request) }, { ...deps.admin, keys: deps.keys });
  } else if (!deps.healthy) answerEmpty(response, 503);
  else if (target.path === '/' && deps.welcomePage) {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(welcome);
  } else await answerRoute(exchange, deps);
}

function tooLong({ method = '', url = '', rawHeaders }: IncomingMessage): number | undefined {
  if (method.length + url.length + ' HTTP/1.1 \r\n'.length > maxRequestLineBytes) return 414;
  const headerBytes = rawHeaders.reduce((sum, text) => sum + text.length + 2, 0);
  return headerBytes > maxHeaderBytes ? 431 : undefined;
}

/** The web server of the real host reads header values as UTF-8, Node as Latin-1. */
function readHeaders(raw: readonly string[]): Map<string, string> {
  const lists = new Map<string, string[]>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    const value = Buffer.from(raw[at + 1] ?? '', 'latin1').toString('utf8');
    lists.set(name, [...(lists.get(name) ?? []), value]);
  }
  return new Map([...lists].map(([name, values]) => [name, joinValues(values)]));
}

async function answerRoute(exchange: Exchange, deps: FrontDeps): Promise<void> {
  const { request, response, target, headers } = exchange;
  const match = findRoute(deps.functions, request.method ?? '', target.path);
  if (match === undefined) {
    answerEmpty(response, 404);
    return;
  }
  const { found, params } = match;
  const level = levelOf(deps.keys, presentedKey(headers, target.query), found.name);
  const isMaster = deps.keys !== undefined && level === 'admin';
  if (!reaches(level, found.authLevel)) answerEmpty(response, 401);
  else if (found.disabled && !isMaster) answerEmpty(response, 404);
  else if (Number(headers.get('content-length') ?? 0) > maxBodyBytes) answerEmpty(response, 500);
  else await callFunction(exchange, found, params, deps.invoker);
}

/** Measured: functions are sorted by name and the first that fits answers; a wrong method is 404 like a wrong path. */
function findRoute(functions: Catalog['functions'], method: string, path: string) {
  for (const found of functions) {
    if (found.type !== 'httpTrigger' || !takes(found, method)) continue;
    const params = found.template.match(path);
    if (params !== undefined) return { found, params };
  }
  return undefined;
}

async function callFunction(
  { request, response, target, headers }: Exchange,
  found: HttpFunction,
  params: Record<string, string>,
  invoker: Invoker,
): Promise<void> {
  // Measured: without a Content-Length above 0 the body is lost, so a chunked upload reaches the handler empty.
  const body =
    Number(headers.get('content-length') ?? 0) > 0 ? { bytes: await readBody(request) } : undefined;
  const http = {
    method: request.method,
    // Measured: the scheme and the Host header as they are; X-Forwarded-* change nothing.
    url: `http://${headers.get('host') ?? ''}${target.encoded}`,
    nullableHeaders: nullable(headers),
    nullableQuery: nullable(target.query),
    nullableParams: nullable(Object.entries(params)),
    body,
  };
  const returned = await invoker.run({
    target: found.registered,
    input: { name: found.binding, data: { http } },
    traceParent: headers.get('traceparent'),
    reason: 'This function was programmatically called via the host APIs.',
  });
  answerFunction(response, returned);
}

function nullable(entries: Iterable<[string, string]>): Record<string, { value: string }> {
  return Object.fromEntries(Array.from(entries, ([name, value]) => [name, { value }]));
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
