// `PUT /api/users/{userId}/access`: disables or enables a user, also one not seen yet.
import * as z from 'zod/mini';
import { AppError } from '../platform/errors.ts';
import { backend } from './communicationPart.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export const accessRequest = z.strictObject({
  enabled: z.boolean(),
  reason: z.optional(z.string().check(z.maxLength(500, 'expected at most 500 characters'))),
});

export function setUserAccess(context: AppContext): void {
  http(context, {
    name: 'setUserAccess',
    method: 'PUT',
    route: 'users/{userId}/access',
    authLevel: 'function',
    section: context.communication,
    handle: async (call, part) => {
      const { subject, actor } = await backend(call, part);
      const access = await call.json(accessRequest);
      if (!access)
        throw new AppError('invalid_request', 'Body: expected {"enabled": true or false, "reason"?}.');
      return { status: 200, body: await part.service().setAccess(subject, access, actor, call) };
    },
  });
}
