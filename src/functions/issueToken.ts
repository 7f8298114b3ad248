// `POST /api/tokens`: gets or creates the caller's identity and issues or refreshes a token for it.
import { selfService, signedIn } from './communicationPart.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';
import { tokenRequest } from './tokenRequest.ts';
export function issueToken(context: AppContext): void {
  http(context, {
    name: 'issueToken',
    method: 'POST',
    route: 'tokens',
    authLevel: 'anonymous',
    section: selfService(context),
    handle: async (call, part) => {
      const subject = await signedIn(call, part);
      const request = (await call.json(tokenRequest)) ?? {};
      return { status: 200, body: await part.service().issue(subject, request, call) };
    },
  });
}
