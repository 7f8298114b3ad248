// `DELETE /api/change-feed/replays/{id}`: ends a replay before it is done.
import * as z from 'zod/mini';
import type { AppContext } from './context.ts';
import { http } from './http.ts';
import { reason } from './reason.ts';

/** Not every client can send a body with DELETE. */
export const cancelRequest = z.strictObject({ reason: z.optional(reason) });

export function cancelReplay(context: AppContext): void {
  http(context, {
    name: 'cancelReplay',
    method: 'DELETE',
    route: 'change-feed/replays/{id}',
    authLevel: 'function',
    section: context.changeFeed,
    handle: async (call, part) => {
      const actor = await part.callers().trusted(call, part.settings.operatorRole);
      const request = await call.json(cancelRequest);
      return {
        status: 200,
        body: await part.service().cancelReplay(call.param('id'), request?.reason, actor, call),
      };
    },
  });
}
