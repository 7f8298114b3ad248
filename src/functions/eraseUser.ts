// `DELETE /api/users/{userId}`: erases a user's identity, chat messages and mapping.
import { backend } from './communicationPart.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function eraseUser(context: AppContext): void {
  http(context, {
    name: 'eraseUser',
    method: 'DELETE',
    route: 'users/{userId}',
    authLevel: 'function',
    section: context.communication,
    handle: async (call, part) => {
      const { subject, actor } = await backend(call, part);
      const outcome = await part.service().erase(subject, actor, call);
      return { status: outcome === 'erased' ? 204 : 202 };
    },
  });
}
