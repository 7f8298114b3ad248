// `GET /api/identity`: the ACS identity that belongs to the caller.
import { selfService, signedIn } from './communicationPart.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function getIdentity(context: AppContext): void {
  http(context, {
    name: 'getIdentity',
    method: 'GET',
    route: 'identity',
    authLevel: 'anonymous',
    section: selfService(context),
    handle: async (call, part) => {
      return { status: 200, body: await part.service().identity(await signedIn(call, part), call) };
    },
  });
}
