// Function keys: which level a request reaches with the key it presents.
import * as z from 'zod/mini';

export const hostKeysSchema = z.strictObject({
  /** Opens everything, the admin routes too. */
  master: z.string().check(z.minLength(1)),
  /** Opens every function of level `function`. */
  function: z.optional(z.string().check(z.minLength(1))),
  /** Opens one function, by its name. */
  functions: z.optional(z.record(z.string(), z.string().check(z.minLength(1)))),
});

export type HostKeys = z.infer<typeof hostKeysSchema>;

export const keyLevels = ['anonymous', 'function', 'admin'] as const;
export type KeyLevel = (typeof keyLevels)[number];

/** What was presented: the header counts before `?code=`, even when it is wrong or empty (measured). */
export function presentedKey(
  headers: ReadonlyMap<string, string>,
  query: ReadonlyMap<string, string>,
): string | undefined {
  const code = [...query].find(([name]) => name.toLowerCase() === 'code')?.[1];
  return headers.get('x-functions-key') ?? code;
}

/** Without `keys` nothing is enforced, as Core Tools does by default. */
export function levelOf(
  keys: HostKeys | undefined,
  presented: string | undefined,
  functionName?: string,
): KeyLevel {
  if (keys === undefined) return 'admin';
  if (presented === undefined) return 'anonymous';
  if (presented === keys.master) return 'admin';
  const own = functionName === undefined ? undefined : keys.functions?.[functionName];
  return presented === keys.function || presented === own ? 'function' : 'anonymous';
}

export function reaches(level: KeyLevel, needed: KeyLevel): boolean {
  return keyLevels.indexOf(level) >= keyLevels.indexOf(needed);
}
