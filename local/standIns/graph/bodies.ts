// Request bodies and filters of Graph's registration endpoints: strict, and refused in Graph's words.
import type { Context } from 'hono';
import * as z from 'zod/mini';
import type { StandInEnv } from '../kit.ts';
import { refused } from './errors.ts';
import { isGuid } from './passwords.ts';

export const guid = z.pipe(
  z.string().check(z.refine(isGuid)),
  z.transform((text: string) => text.toLowerCase()),
);

/** The JSON body with exactly these fields. Throws `GraphError` (400), which names an unknown or a wrong one. */
export async function bodyOf<T extends z.core.$ZodLooseShape>(
  c: Context<StandInEnv>,
  type: string,
  fields: T,
): Promise<z.output<z.ZodMiniObject<T>>> {
  let json: unknown;
  try {
    json = JSON.parse(await c.req.text());
  } catch {
    throw refused.json();
  }
  const parsed = z.strictObject(fields).safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys' && issue.path.length === 0)
    throw refused.unknownProperty(issue.keys[0] ?? '', `microsoft.graph.${type}`);
  const [field] = issue?.path ?? [];
  throw field === undefined ? refused.json() : refused.badValue(String(field), type);
}

/** The named groups of `$filter`, its doubled quotes made single. Throws `GraphError` (400) for any other filter, or none. */
export function filterOf(
  c: Context<StandInEnv>,
  pattern: RegExp,
): { readonly value: string; readonly [name: string]: string | undefined } {
  const filter = new URL(c.req.url).searchParams.get('$filter') ?? '';
  const groups = pattern.exec(filter)?.groups;
  if (!groups) throw refused.filter();
  const plain = Object.entries(groups as Record<string, string | undefined>).map(
    ([name, text]) => [name, text?.replaceAll("''", "'")] as const,
  );
  return { value: '', ...Object.fromEntries(plain) };
}
