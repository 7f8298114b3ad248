// Structured log lines and the reduced form in which an unknown error may appear in them.
import { AppError } from './errors.ts';

export type LogFields = Readonly<
  Record<string, string | number | boolean | null | undefined | readonly string[]>
>;

/** One event a line: `name` in snake_case, fields without secrets, tokens, URLs, user ids or DICOM UIDs. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export interface LogSink {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** Writes each event as one line of JSON, `fixed` fields first; `heard` is told of it too. */
export function createLog(
  sink: LogSink,
  fixed: LogFields = {},
  heard: (event: string, fields: LogFields) => void = () => undefined,
): Log {
  const line = (event: string, fields: LogFields = {}): string => {
    heard(event, fields);
    return JSON.stringify({ event, ...fixed, ...fields });
  };
  return {
    info: (event, fields) => {
      sink.info(line(event, fields));
    },
    warn: (event, fields) => {
      sink.warn(line(event, fields));
    },
    error: (event, fields) => {
      sink.error(line(event, fields));
    },
  };
}

const longestMessage = 300;

/**
 * What may be logged of an error: names, codes, statuses and request ids down the chain of causes. Messages of
 * upstreams are kept (shortened, without query strings and long opaque runs, where tokens and keys would be); bodies,
 * headers and URLs are not.
 */
export function describeError(error: unknown, depth = 0): LogFields {
  if (!(error instanceof Error)) return { error: typeof error };
  const prefix = depth === 0 ? '' : `cause${String(depth)}_`;
  const own: Record<string, string | number> = {
    [`${prefix}error`]: error.name,
    [`${prefix}message`]: wordsOf(error),
  };
  for (const key of ['code', 'statusCode'] as const) {
    const value: unknown = Reflect.get(error, key);
    if (typeof value === 'string' || typeof value === 'number') own[`${prefix}${key}`] = value;
  }
  return depth < 3 && error.cause instanceof Error
    ? { ...own, ...describeError(error.cause, depth + 1) }
    : own;
}

/** What may be logged of an error's own words. The SDKs' parse errors repeat the whole answer (measured): a secret, a token, a row. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const unparsed = Reflect.get(error, 'code') === 'PARSE_ERROR';
  return unparsed ? 'an answer that could not be parsed' : withoutSecrets(error.message);
}

/**
 * Cuts what could be a credential or name a person's study out of a foreign text: query strings, `key=value` pairs of
 * secrets, long opaque runs, DICOM UIDs.
 */
export function withoutSecrets(text: string): string {
  return text
    .replace(/\?[^\s"']*/g, '?…')
    .replace(
      /\b(accesskey|accountkey|sharedaccesskey|sharedaccesssignature|sig|code|client_secret|password|secret)=[^;&\s"']+/gi,
      '$1=…',
    )
    .replace(/[A-Za-z0-9+/_~.=-]{40,}/g, '…')
    .replace(/\d+(?:\.\d+){4,}|\b2\.25\.\d+/g, '…')
    .slice(0, longestMessage);
}

/** The one line a person reads first: an `AppError`'s own words, the name of anything else. */
export function headline(error: unknown): string {
  if (error instanceof AppError) return error.message;
  return error instanceof Error ? error.name : 'unknown error';
}
