// `POST /api/change-feed/replays`: delivers a range of the change feed again, or for the first time.
import * as z from 'zod/mini';
import { sinkName } from '../changeFeed/sink.ts';
import { isZonedTime, zonedTime } from '../platform/clock.ts';
import { AppError } from '../platform/errors.ts';
import { httpRunBudgetMs } from '../platform/limits.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';
import { reason } from './reason.ts';

const sequence = z.int().check(z.positive('expected 1 or more'));
const expectedTime = 'expected ISO 8601 with a zone, such as 2026-01-31T08:00:00Z';
const time = z
  .string()
  .check(z.regex(zonedTime, { error: expectedTime, abort: true }), z.refine(isZonedTime, expectedTime));
export const replayRequest = z.strictObject({
  service: z.string(),
  from: z.optional(sequence),
  to: z.optional(sequence),
  since: z.optional(time),
  until: z.optional(time),
  sinks: z.optional(z.array(sinkName).check(z.minLength(1, 'expected one or more'))),
  reason,
});

export function startReplay(context: AppContext): void {
  http(context, {
    name: 'startReplay',
    method: 'POST',
    route: 'change-feed/replays',
    authLevel: 'function',
    // Thousands of changes may share the time that a range begins with.
    budgetMs: httpRunBudgetMs,
    section: context.changeFeed,
    handle: async (call, part) => {
      const actor = await part.callers().trusted(call, part.settings.operatorRole);
      const request = await call.json(replayRequest);
      if (!request)
        throw new AppError('invalid_request', 'Body: expected {"service","from" or "since","reason"}.');
      const started = await part.service().startReplay(request, actor, call);
      return { status: 202, body: started, location: `replays/${started.id}` };
    },
  });
}
