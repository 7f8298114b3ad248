// `GET /api/users/{userId}`: a user's identity and whether tokens may be issued for it.
import { backend } from './communicationPart.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function getUser(context: AppContext): void {
  http(context, {
    name: 'getUser',
    method: 'GET',
    route: 'users/{userId}',
    authLevel: 'function',
    section: context.communication,
    handle: async (call, part) => {
      const { subject } = await backend(call, part);
      return { status: 200, body: await part.service().identity(subject, call) };
    },
  });
}
