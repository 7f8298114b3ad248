// `GET /api/change-feed`: the stored last report of each DICOM service; asks no upstream.
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function getChangeFeed(context: AppContext): void {
  http(context, {
    name: 'getChangeFeed',
    method: 'GET',
    route: 'change-feed',
    authLevel: 'function',
    section: context.changeFeed,
    handle: async (call, part) => {
      await part.callers().trusted(call, part.settings.operatorRole);
      return { status: 200, body: { services: await part.service().reports(call) } };
    },
  });
}
