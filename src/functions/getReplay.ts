// `GET /api/change-feed/replays/{id}`: how far a replay is, and how its last run ended.
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function getReplay(context: AppContext): void {
  http(context, {
    name: 'getReplay',
    method: 'GET',
    route: 'change-feed/replays/{id}',
    authLevel: 'function',
    section: context.changeFeed,
    handle: async (call, part) => {
      await part.callers().trusted(call, part.settings.operatorRole);
      return { status: 200, body: await part.service().replay(call.param('id')) };
    },
  });
}
