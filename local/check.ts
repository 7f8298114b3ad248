// Checks what people and files say against a schema, with an answer that names the field and what is expected.
import * as z from 'zod/mini';

// The mini form says no more than "Invalid input" until it is given a language.
z.config(z.locales.en());

/** Answers the checked value; throws what `refuse` makes of a text for the person who wrote the input. */
export function checked<T extends z.ZodMiniType>(
  schema: T,
  input: unknown,
  refuse: (text: string) => Error,
): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw refuse(z.prettifyError(parsed.error));
}
