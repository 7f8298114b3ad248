// `PUT /api/change-feed/cursor`: moves a cursor, or acknowledges that a feed was reset or a cursor lost.
import * as z from 'zod/mini';
import { AppError } from '../platform/errors.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';
import { reason } from './reason.ts';

const sequence = z.int().check(z.nonnegative('expected 0 or more'));
export const cursorRequest = z.strictObject({
  service: z.string(),
  sequence,
  expect: z.union([sequence, z.null()], 'expected a whole number, or null where there is no cursor'),
  reason,
});

export function setCursor(context: AppContext): void {
  http(context, {
    name: 'setCursor',
    method: 'PUT',
    route: 'change-feed/cursor',
    authLevel: 'function',
    section: context.changeFeed,
    handle: async (call, part) => {
      const actor = await part.callers().trusted(call, part.settings.operatorRole);
      const request = await call.json(cursorRequest);
      if (!request)
        throw new AppError('invalid_request', 'Body: expected {"service","sequence","expect","reason"}.');
      return {
        status: 200,
        body: await part.service().setCursor(request, actor, { log: call.log, run: call }),
      };
    },
  });
}
