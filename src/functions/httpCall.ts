// Reads one HTTP request the way the host delivers it, with everything that the host gets wrong refused.
import type { HttpRequest } from '@azure/functions';
import type * as z from 'zod/mini';
import type { Call } from '../platform/call.ts';
import { AppError } from '../platform/errors.ts';
import { maxBodyBytes } from '../platform/limits.ts';
import type { Log } from '../platform/log.ts';
import type { Run } from '../platform/run.ts';

export function toCall(request: HttpRequest, route: string, run: Run, log: Log): Call {
  return {
    requestId: run.requestId,
    log,
    signal: run.signal,
    remainingMs: run.remainingMs,
    authorization: request.headers.get('authorization') ?? undefined,
    param: (name) => rawParam(request, route, name),
    json: (shape) => readJson(request, shape),
  };
}

/**
 * Before anything else, whether the route reads a body or not. The host drops the body of a chunked request, so that a
 * caller who asked for less would be given more (measured). Throws `length_required` and `too_large`.
 */
export function refuseBody(request: HttpRequest): void {
  if (request.headers.get('transfer-encoding') !== null) {
    throw new AppError(
      'length_required',
      'Send the body with a Content-Length; chunked requests are refused.',
    );
  }
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) throw tooLarge();
}

/**
 * Compares the decoded parameter with the raw segment of the URL: the host decodes once but leaves `%2F` and broken escapes
 * as they are, so that `%2F` and `%252F` look alike to a handler (measured). What holds an escape is no parameter at all.
 */
function rawParam(request: HttpRequest, route: string, name: string): string {
  const template = route.split('/');
  const path = request.url.replace(/^[^/]*\/\/[^/?#]*/, '').replace(/[?#].*$/s, '');
  const segments = path.replace(/\/$/, '').split('/').slice(-template.length);
  const raw = segments[template.indexOf(`{${name}}`)];
  const value = request.params[name];
  if (value === undefined || raw !== value || raw.includes('%')) {
    throw new AppError('invalid_request', `${name}: expected characters that need no encoding in a URL.`);
  }
  return value;
}

async function readJson<T>(request: HttpRequest, shape: z.ZodMiniType<T>): Promise<T | undefined> {
  const text = await request.text();
  if (text === '') return undefined;
  if (Buffer.byteLength(text) > maxBodyBytes) throw tooLarge();
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/(json|[\w.+-]+\+json)\s*(;|$)/i.test(type)) {
    throw new AppError('unsupported_media_type', 'Content-Type: expected application/json.');
  }
  const parsed = shape.safeParse(parseJson(text));
  if (!parsed.success) throw new AppError('invalid_request', parsed.error.issues.map(issueText).join(' '));
  return parsed.data;
}

function tooLarge(): AppError {
  return new AppError('too_large', `Body: expected at most ${maxBodyBytes} bytes.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('invalid_request', 'Body: expected JSON.');
  }
}

/** Whatever does not look like the name of a field may be what somebody meant for its value: a token, a person's address. */
function nameShown(key: string): string {
  return /^[A-Za-z_]\w{0,39}$/.test(key) ? `"${key}"` : '(name not shown)';
}

/** The shapes' own names of what a body can hold, in words for whoever wrote the body. */
const words: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'an array',
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** Names the field and what is expected; never repeats what was sent. */
function issueText(issue: z.core.$ZodIssue): string {
  const field = issue.path.length === 0 ? 'Body' : issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return `${field}: unknown field ${[...new Set(issue.keys.map(nameShown))].join(', ')}.`;
  }
  return `${field}: ${expectation(issue)}.`;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${words[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(String).join(', ')}`;
  // A bound that no shape gave words to is that of whole numbers themselves.
  if (issue.code === 'too_big' && issue.origin === 'int') return `expected at most ${issue.maximum}`;
  return issue.message;
}
