// `DELETE /api/tokens`: revokes all tokens of the caller.
import { selfService, signedIn } from './communicationPart.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function revokeTokens(context: AppContext): void {
  http(context, {
    name: 'revokeTokens',
    method: 'DELETE',
    route: 'tokens',
    authLevel: 'anonymous',
    section: selfService(context),
    handle: async (call, part) => {
      await part.service().revoke(await signedIn(call, part), call);
      return { status: 204 };
    },
  });
}
