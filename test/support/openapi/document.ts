// Reads openapi.yaml: every operation with what may be sent to it and what it may answer, its references resolved.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';

const verb = z.enum(['GET', 'POST', 'PUT', 'DELETE']);
const schema = z.record(z.string(), z.unknown());
export type Schema = z.infer<typeof schema>;

const media = z.object({ schema, example: z.optional(z.unknown()) });
const parameter = z.object({ name: z.string(), in: z.string(), schema, example: z.optional(z.unknown()) });
const response = z.object({
  description: z.string(),
  headers: z.record(z.string(), z.object({ required: z.optional(z.boolean()), schema })),
  content: z.optional(z.record(z.string(), media)),
});
const operationShape = z.object({
  operationId: z.string(),
  description: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  requestBody: z.optional(
    z.object({ required: z.boolean(), content: z.object({ 'application/json': media }) }),
  ),
  responses: z.record(z.string(), response),
});
const item = z.object({
  parameters: z.optional(z.array(parameter)),
  get: z.optional(operationShape),
  post: z.optional(operationShape),
  put: z.optional(operationShape),
  delete: z.optional(operationShape),
});
const documentShape = z.object({
  info: z.object({ description: z.string(), version: z.string() }),
  paths: z.record(z.string(), item),
  components: z.object({ schemas: z.record(z.string(), schema), responses: z.record(z.string(), response) }),
});
const codes = z.object({
  allOf: z.tuple([
    schema,
    z.object({
      properties: z.object({
        status: z.object({ const: z.int() }),
        code: z.object({ enum: z.array(z.string()) }),
      }),
    }),
  ]),
});

export const problemType = 'application/problem+json';

export interface Answer extends z.infer<typeof response> {
  readonly status: number;
  /** Of the problem documents that may come with this status. */
  readonly codes: readonly string[];
}

export interface Operation {
  readonly id: string;
  readonly method: z.infer<typeof verb>;
  /** As in the document: without the `/api` of its servers. */
  readonly path: string;
  readonly description: string;
  /** Whether the host asks for a function key, and which bearer the app asks for. */
  readonly key: boolean;
  readonly bearer: string | undefined;
  readonly parameters: readonly z.infer<typeof parameter>[];
  readonly body: (z.infer<typeof media> & { readonly required: boolean }) | undefined;
  readonly answers: readonly Answer[];
}

const root = join(import.meta.dirname, '..', '..', '..');
export const source: unknown = parse(readFileSync(join(root, 'openapi.yaml'), 'utf8'));
export const document = documentShape.parse(resolved(source));
export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(
  ([path, { parameters = [], ...methods }]) =>
    Object.entries(methods).flatMap(([method, one]) =>
      one ? [toOperation({ method: verb.parse(method.toUpperCase()), path, parameters }, one)] : [],
    ),
);

export function operationOf(id: string): Operation {
  const found = operations.find((one) => one.id === id);
  if (!found) throw new Error(`openapi.yaml has no operation ${id}`);
  return found;
}

/** Puts what each local reference names in its place; nothing in the document refers to itself. */
function resolved(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(resolved);
  if (typeof node !== 'object' || node === null) return node;
  const reference: unknown = Reflect.get(node, '$ref');
  if (typeof reference === 'string') return resolved(named(reference));
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, resolved(value)]));
}

function named(reference: string): unknown {
  let at: unknown = source;
  for (const key of reference.replace(/^#\//, '').split('/')) {
    at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
  }
  if (at === undefined) throw new Error(`openapi.yaml: ${reference} names nothing`);
  return at;
}

function toOperation(
  place: Pick<Operation, 'method' | 'path' | 'parameters'>,
  { operationId: id, description, security, requestBody, responses }: z.infer<typeof operationShape>,
): Operation {
  return {
    ...{ ...place, id, description },
    ...securityOf(id, security),
    body: requestBody && { ...requestBody.content['application/json'], required: requestBody.required },
    answers: Object.entries(responses).map(([status, answer]) => answerOf(Number(status), answer)),
  };
}

/** Alternatives differ only in where the key is sent. */
function securityOf(
  id: string,
  alternatives: readonly Readonly<Record<string, unknown>>[],
): Pick<Operation, 'key' | 'bearer'> {
  const names = alternatives.map((one) => Object.keys(one));
  const places = names.map((some) => some.filter((name) => name.startsWith('functionKey')).join());
  const bearers = new Set(names.map((some) => some.filter((name) => !name.startsWith('functionKey')).join()));
  const key = places.some((place) => place !== '');
  if (bearers.size > 1 || (key && places.sort().join() !== 'functionKey,functionKeyInQuery'))
    throw new Error(`${id}: expected one bearer, and the key in the header or the query`);
  const [bearer] = bearers;
  return { key, bearer: bearer === '' ? undefined : bearer };
}

function answerOf(status: number, answer: z.infer<typeof response>): Answer {
  const problem = answer.content?.[problemType];
  if (!problem) return { ...answer, status, codes: [] };
  const { properties } = codes.parse(problem.schema).allOf[1];
  if (properties.status.const !== status) throw new Error(`a problem of ${status} says another status`);
  return { ...answer, status, codes: properties.code.enum };
}
