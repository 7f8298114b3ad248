// The body of a request for a token: what may be asked for, to be narrowed by the policy.
import * as z from 'zod/mini';

export const tokenRequest = z.strictObject({
  scopes: z.optional(
    z
      .array(z.string())
      .check(z.minLength(1, 'expected at least one scope'), z.maxLength(5, 'expected at most five scopes')),
  ),
  expiresInMinutes: z.optional(z.int('expected a whole number')),
});
