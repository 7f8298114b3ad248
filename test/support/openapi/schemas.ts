// Brings schemas of openapi.yaml and of zod into one form, and makes values that nearly fit a schema.
import * as fc from 'fast-check';
import * as z from 'zod/mini';
import { mismatch } from './answers.ts';
import type { Schema } from './document.ts';

/** What zod says of a shape, as `plain` writes it. */
export function schemaOf(shape: z.ZodMiniType): unknown {
  return plain(z.toJSONSchema(shape));
}

/** Said to people, or finer than a shape can say it. */
const left = ['description', 'examples', 'format', 'allOf', '$schema', 'propertyNames'];

/** The schema without words, without the bounds that every safe integer has, and without the keywords in `also`. */
export function plain(node: unknown, also: readonly string[] = []): unknown {
  if (Array.isArray(node)) return node.map((one) => plain(one, also));
  if (typeof node !== 'object' || node === null) return node;
  const { anyOf, ...rest } = node as Schema;
  const [nullable, none] = Array.isArray(anyOf) ? (anyOf as Schema[]) : [];
  if (nullable && none?.['type'] === 'null')
    return plain({ ...rest, ...nullable, type: [nullable['type'], 'null'] }, also);
  const kept = Object.entries(rest).filter(
    ([key, value]) =>
      ![...left, ...also].includes(key) && Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER,
  );
  return Object.fromEntries(
    kept.map(([key, value]) => [
      key,
      key === 'required' && Array.isArray(value) ? value.map(String).sort() : plain(value, also),
    ]),
  );
}

const guid = '3f0c0d6e-8f4c-4f7e-9d2b-5d8f4a1c2b3e';
const texts = [
  '',
  ' ',
  'x',
  guid,
  'x'.repeat(500),
  'x'.repeat(501),
  'chat',
  'chat.join',
  '2026-01-31T08:00Z',
  '__proto__',
];
const numbers = [-1, 0, 1, 59, 60, 61, 1440, 1441, 60.5, 2 ** 53 - 1, 2 ** 53];
const lists = [
  [],
  ['chat'],
  ['chat', 'voip', 'chat'],
  ['pstn'],
  ['blob', 'queue'],
  [1],
  Array.from({ length: 6 }, () => 'voip'),
];
const interesting: readonly unknown[] = [...texts, ...numbers, ...lists, true, false, null, {}];

/** Objects of the schema's fields, most with values that fit and some with others, now and then with a field too many. */
export function nearly(schema: Schema): fc.Arbitrary<unknown> {
  const fields = Object.entries(schema['properties'] as Record<string, Schema>);
  const values = fields.map(([name, field]): [string, fc.Arbitrary<unknown>] => {
    const fitting = interesting.filter((value) => mismatch(field, value) === undefined);
    return [
      name,
      fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...fitting) },
        { weight: 1, arbitrary: fc.constantFrom(...interesting) },
      ),
    ];
  });
  const required = Object.fromEntries(values);
  const whole = fc.record(required);
  const partial = fc.record(required, { requiredKeys: [] });
  const extra = fc.tuple(partial, fc.constantFrom('userId', 'scope', 'Reason')).map(([value, name]) => ({
    ...value,
    [name]: 'x',
  }));
  return fc.oneof(
    { weight: 4, arbitrary: whole },
    { weight: 4, arbitrary: partial },
    { weight: 1, arbitrary: extra },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
}
