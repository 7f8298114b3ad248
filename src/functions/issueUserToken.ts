// `POST /api/users/{userId}/tokens`: a trusted backend gets a token for one of its users.
import { backend } from './communicationPart.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';
import { tokenRequest } from './tokenRequest.ts';

export function issueUserToken(context: AppContext): void {
  http(context, {
    name: 'issueUserToken',
    method: 'POST',
    route: 'users/{userId}/tokens',
    authLevel: 'function',
    section: context.communication,
    handle: async (call, part) => {
      const { subject } = await backend(call, part);
      const request = (await call.json(tokenRequest)) ?? {};
      return { status: 200, body: await part.service().issue(subject, request, call) };
    },
  });
}
