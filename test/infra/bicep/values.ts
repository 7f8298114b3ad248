// The values of Bicep, as its functions and templates hand them about.

export type Function = (...given: unknown[]) => unknown;

/** What a name stands for where an expression is evaluated. */
export interface Scope {
  readonly get: (name: string) => unknown;
  readonly call: (name: string, given: readonly unknown[]) => unknown;
}

export type Expression = (scope: Scope) => unknown;

/** A resource or module, of which more is known than its template says. */
export interface Reference {
  readonly member: (name: string) => unknown;
}

export function isReference(value: unknown): value is Reference {
  return (
    typeof value === 'object' && value !== null && 'member' in value && typeof value.member === 'function'
  );
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isReference(value);
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw new Error(`expected an object, not ${JSON.stringify(value)}`);
}

export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`expected an array, not ${JSON.stringify(value)}`);
}

export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error(`expected a text, not ${JSON.stringify(value)}`);
}

export function number(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new Error(`expected a number, not ${JSON.stringify(value)}`);
}

export function truth(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new Error(`expected true or false, not ${JSON.stringify(value)}`);
}

export function call(value: unknown, ...given: unknown[]): unknown {
  if (typeof value === 'function') return (value as Function)(...given);
  throw new Error(`expected a lambda, not ${JSON.stringify(value)}`);
}

export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return Object.keys(record(value)).length;
}

/** As `${…}` puts it into a text. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `undefined` where there is none. */
export function memberOf(value: unknown, key: unknown): unknown {
  if (isReference(value)) return value.member(text(key));
  if (Array.isArray(value)) return (value as readonly unknown[])[number(key)];
  const found = record(value);
  return Object.hasOwn(found, text(key)) ? found[text(key)] : undefined;
}
