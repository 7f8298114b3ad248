// `POST /api/change-feed/dead-letters/redrive`: offers the changes that a sink refused to it again.
import * as z from 'zod/mini';
import { AppError } from '../platform/errors.ts';
import { httpRunBudgetMs } from '../platform/limits.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';
import { reason } from './reason.ts';

export const redriveRequest = z.strictObject({
  service: z.optional(z.string()),
  reason,
});

export function redriveDeadLetters(context: AppContext): void {
  http(context, {
    name: 'redriveDeadLetters',
    method: 'POST',
    route: 'change-feed/dead-letters/redrive',
    authLevel: 'function',
    budgetMs: httpRunBudgetMs,
    section: context.changeFeed,
    handle: async (call, part) => {
      const actor = await part.callers().trusted(call, part.settings.operatorRole);
      const request = await call.json(redriveRequest);
      if (!request) throw new AppError('invalid_request', 'Body: expected {"service"?,"reason"}.');
      return {
        status: 200,
        body: await part.service().redrive(request, actor, { log: call.log, run: call }),
      };
    },
  });
}
