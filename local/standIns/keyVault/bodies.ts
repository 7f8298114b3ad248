// What may be sent to Key Vault: bodies of set and update within the documented limits, names, page sizes.
import * as z from 'zod/mini';
import { refused } from './errors.ts';

const seconds = z.int().check(z.nonnegative());
const short = z.string().check(z.maxLength(512));
const attributes = z.object({
  enabled: z.optional(z.nullable(z.boolean())),
  nbf: z.optional(z.nullable(seconds)),
  exp: z.optional(z.nullable(seconds)),
});
const common = {
  contentType: z.optional(z.nullable(z.string().check(z.maxLength(255)))),
  attributes: z.optional(z.nullable(attributes)),
  tags: z.optional(
    z.nullable(
      z
        .record(short, short)
        .check(z.refine((tags) => Object.keys(tags).length <= 15, 'at most 15 tags are allowed')),
    ),
  ),
};
const maxValueBytes = 25 * 1024;
const updateSchema = z.object(common);
const setSchema = z.object({
  ...common,
  value: z
    .string()
    .check(z.refine((value) => Buffer.byteLength(value) <= maxValueBytes, `at most ${maxValueBytes} bytes`)),
});

export type UpdateBody = z.infer<typeof updateSchema>;
export type SetBody = z.infer<typeof setSchema>;

export function setBody(text: string): SetBody {
  return parse(setSchema, text);
}

export function updateBody(text: string): UpdateBody {
  return parse(updateSchema, text);
}

/** Throws `VaultError` (400) unless it is 1 to 127 letters, digits and hyphens. */
export function checkName(name: string): void {
  if (!/^[0-9A-Za-z-]{1,127}$/.test(name)) {
    throw refused.parameter(`The request URI contains an invalid name: ${name}`);
  }
}

const pageSize = 25;

export function maxResults(text: string | null): number {
  if (text === null) return pageSize;
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > pageSize) {
    throw refused.parameter(`The value of maxresults must be between 1 and ${pageSize}.`);
  }
  return count;
}

function parse<T>(schema: z.ZodMiniType<T>, text: string): T {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refused.parameter(
    `Property ${issue?.path.join('.') ?? ''} has invalid value: ${issue?.message ?? ''}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused.parameter('The request body is not valid JSON.');
  }
}
