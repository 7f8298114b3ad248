// Holds a parameter to its type and to what its decorators ask of it.
import type { Parameter } from './templates.ts';
import { lengthOf, list, number, same, type Scope } from './values.ts';

/** What is given or else its default. Throws what Azure would say of a wrong one. */
export function valueOf({ name, type, fallback, rules }: Parameter, given: unknown, scope: Scope): unknown {
  const value = given ?? fallback?.(scope);
  const form = types[type] ?? ((one: unknown) => one !== undefined);
  if (!form(value)) throw new Error(`${name}: ${JSON.stringify(value)} is no ${type}`);
  for (const [rule, [limit]] of rules)
    if (!(limits[rule]?.(value, limit?.(scope)) ?? true))
      throw new Error(`${name}: ${JSON.stringify(value)} is not allowed`);
  return value;
}

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  bool: (value) => typeof value === 'boolean',
  int: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  'string[]': (value) => Array.isArray(value),
};

const limits: Readonly<Record<string, (value: unknown, limit: unknown) => boolean>> = {
  allowed: (value, all) => list(all).some((one) => same(one, value)),
  minLength: (value, least) => lengthOf(value) >= number(least),
  maxLength: (value, most) => lengthOf(value) <= number(most),
  minValue: (value, least) => number(value) >= number(least),
  maxValue: (value, most) => number(value) <= number(most),
};
