// Why an operator asks for something, as the audit will hold it.
import * as z from 'zod/mini';

export const reason = z
  .string()
  .check(z.minLength(1, 'expected a text'), z.maxLength(500, 'expected at most 500 characters'));
