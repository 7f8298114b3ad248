// Writes answers: the host's own, which have no body, and a function's from the worker's form.
import type { ServerResponse } from 'node:http';
import * as z from 'zod/mini';

/** Measured: whatever the host itself refuses or fails at has an empty body. */
export function answerEmpty(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'Content-Length': '0' }) }).end();
}

export function answerJson(response: ServerResponse, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response
    .writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': body.length })
    .end(body);
}

const wrapped = <T extends z.ZodMiniType>(value: T) => z.nullish(z.object({ value }));

const cookieShape = z.object({
  name: z.string(),
  value: z.string(),
  domain: wrapped(z.string()),
  path: wrapped(z.string()),
  expires: wrapped(z.object({ seconds: z.number() })),
  secure: wrapped(z.boolean()),
  httpOnly: wrapped(z.boolean()),
  sameSite: z.optional(z.string()),
  maxAge: wrapped(z.number()),
});

const returnShape = z.object({
  http: z.object({
    statusCode: z.string(),
    headers: z.record(z.string(), z.string()),
    cookies: z.array(cookieShape),
    enableContentNegotiation: z.boolean(),
    body: z.nullish(z.object({ bytes: z.instanceof(Uint8Array) })),
  }),
});

/** Not ours to repeat: they say how the bytes travel, which this server decides. */
const framing = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);

/** `returned` is what the programming model made of the handler's result; null or undefined is 204 (measured). */
export function answerFunction(response: ServerResponse, returned: unknown): void {
  if (returned === null || returned === undefined) {
    answerEmpty(response, 204);
    return;
  }
  const { http } = returnShape.parse(returned);
  for (const [name, value] of Object.entries(http.headers)) {
    if (framing.has(name)) continue;
    if (/[^\t\x20-\x7e]/.test(value)) {
      // Measured: the web server refuses the value only when it gets there, so the headers before it are sent.
      answerEmpty(response, 500);
      return;
    }
    response.setHeader(name, value);
  }
  for (const cookie of http.cookies) response.appendHeader('Set-Cookie', formatCookie(cookie));
  let body = Buffer.from(http.body?.bytes ?? []);
  if (http.enableContentNegotiation) {
    // Measured: the host formats the bytes as a value of its own, which is base64 in a JSON string.
    body = Buffer.from(JSON.stringify(body.toString('base64')));
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
  }
  const status = Number(http.statusCode);
  if (![204, 304].includes(status)) response.setHeader('Content-Length', body.length);
  response.writeHead(status).end(body);
}

/** The worker's `none` means that the app said nothing. */
const sameSites: Readonly<Record<string, string>> = { lax: 'lax', strict: 'strict', explicitNone: 'none' };

/** In ASP.NET's order and spelling; its default path is `/`. */
function formatCookie(cookie: z.infer<typeof cookieShape>): string {
  const attribute = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`${name}=${value}`];
  const expires = cookie.expires?.value.seconds;
  const parts = [
    `${cookie.name}=${encodeURIComponent(cookie.value)}`,
    attribute('expires', expires === undefined ? undefined : new Date(expires * 1000).toUTCString()),
    attribute('max-age', cookie.maxAge?.value),
    attribute('domain', cookie.domain?.value),
    attribute('path', cookie.path?.value ?? '/'),
    cookie.secure?.value === true ? 'secure' : [],
    attribute('samesite', sameSites[cookie.sameSite ?? 'none']),
    cookie.httpOnly?.value === true ? 'httponly' : [],
  ];
  return parts.flat().join('; ');
}
