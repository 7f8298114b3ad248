// `GET /api/rotations`: the stored last report of each service client; asks no upstream.
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function getRotations(context: AppContext): void {
  http(context, {
    name: 'getRotations',
    method: 'GET',
    route: 'rotations',
    authLevel: 'function',
    section: context.rotation,
    handle: async (call, part) => {
      await part.callers().trusted(call, part.settings.operatorRole);
      return { status: 200, body: { clients: await part.service().reports(call) } };
    },
  });
}
