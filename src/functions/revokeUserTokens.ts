// `DELETE /api/users/{userId}/tokens`: revokes a user's tokens and refuses bearers issued before now.
import { backend } from './communicationPart.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function revokeUserTokens(context: AppContext): void {
  http(context, {
    name: 'revokeUserTokens',
    method: 'DELETE',
    route: 'users/{userId}/tokens',
    authLevel: 'function',
    section: context.communication,
    handle: async (call, part) => {
      const { subject, actor } = await backend(call, part);
      await part.service().revokeAll(subject, actor, call);
      return { status: 204 };
    },
  });
}
