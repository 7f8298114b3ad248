// Holds every answer of the app to openapi.yaml, and remembers which of the documented ones have been seen.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import assert from 'node:assert/strict';
import { operations, problemType, type Answer, type Operation, type Schema } from './document.ts';

export interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Headers that a client may build on: none of them comes without being documented. */
const promised = ['cache-control', 'retry-after', 'www-authenticate'];

const ajv = new Ajv2020({ strictTypes: false, allErrors: true });
formats.default(ajv);
const compiled = new Map<Schema, ValidateFunction>();

/** What is wrong with the value, or undefined. */
export function mismatch(schema: Schema, value: unknown): string | undefined {
  const validate = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, validate);
  if (validate(value)) return undefined;
  const faults = validate.errors ?? [];
  return faults
    .map(({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`)
    .join();
}

/** What was seen: `<operation> <status>`, with the code where the answer is a problem. */
export const seen = new Set<string>();

/** The same for all that is documented. */
export const documented: readonly string[] = operations.flatMap(({ id, answers }) =>
  answers.flatMap(({ status, codes, content }) => [
    ...(content === undefined || 'application/json' in content ? [`${id} ${status}`] : []),
    ...codes.map((code) => `${id} ${status} ${code}`),
  ]),
);

/**
 * Checks an answer to `method` and `path` (below `/api/`). What the host answers by itself is outside: 401 without a key
 * and 404 without a route, empty and without our headers (measured).
 */
export function checkReply(method: string, path: string, received: Received): void {
  const { status, headers, text } = received;
  if ((status === 401 || status === 404) && text === '' && !headers.has('cache-control')) return;
  const operation = operationAt(method, path);
  assert.ok(operation, `${method} ${path} was answered ${status}, and openapi.yaml has no such operation`);
  checkAnswer(operation, received);
}

/** Throws with the operation and the reason when the document does not describe the answer. */
export function checkAnswer(operation: Operation, { status, headers, text }: Received): void {
  const answer = operation.answers.find((one) => one.status === status);
  const said = `${operation.id} answered ${status}, against openapi.yaml:`;
  assert.ok(answer, `${said} the status is not documented ${text}`);
  assert.deepEqual([...headerFaults(answer, headers), ...bodyFaults(answer, headers, text)], [], said);
  const code = typeOf(headers) === problemType ? codeOf(text) : undefined;
  // Said in words only: a header cannot be bound to a code.
  if (status === 503 && code !== undefined && code !== 'misconfigured')
    assert.ok(headers.has('retry-after'), `${said} ${code} comes without Retry-After`);
  seen.add(code === undefined ? `${operation.id} ${status}` : `${operation.id} ${status} ${code}`);
}

function headerFaults({ headers: expected }: Answer, headers: Headers): string[] {
  const named = Object.entries(expected).map(([name, header]) => ({ ...header, name: name.toLowerCase() }));
  const wrong = named.flatMap(({ name, required, schema }) => {
    const value = headers.get(name);
    if (value === null) return required ? [`${name} is missing`] : [];
    const fault = mismatch(
      schema,
      schema['type'] === 'integer' && /^\d+$/.test(value) ? Number(value) : value,
    );
    return fault === undefined ? [] : [`${name}: ${fault}`];
  });
  const extra = promised.filter((name) => headers.has(name) && !named.some((one) => one.name === name));
  return [...wrong, ...extra.map((name) => `${name} is not documented`)];
}

function bodyFaults({ content }: Answer, headers: Headers, text: string): string[] {
  if (!content) return text === '' ? [] : ['a body is not documented'];
  const type = typeOf(headers);
  const media = content[type];
  if (!media) return [`content-type ${type} is not documented`];
  const fault = mismatch(media.schema, JSON.parse(text));
  return fault === undefined ? [] : [fault];
}

function typeOf(headers: Headers): string {
  return (headers.get('content-type') ?? '').replace(/;.*/s, '').trim();
}

function codeOf(problem: string): string {
  return String((JSON.parse(problem) as Record<string, unknown>)['code']);
}

/** As the host finds a route: literals in any case, a trailing slash ignored (measured). */
export function operationAt(method: string, path: string): Operation | undefined {
  const segments = segmentsOf(path);
  return operations.find((one) => {
    const template = segmentsOf(one.path);
    return (
      one.method === method &&
      template.length === segments.length &&
      template.every((part, at) => part.startsWith('{') || part === segments[at]?.toLowerCase())
    );
  });
}

function segmentsOf(path: string): string[] {
  return path
    .replace(/[?#].*$/s, '')
    .split('/')
    .filter((segment) => segment !== '');
}
