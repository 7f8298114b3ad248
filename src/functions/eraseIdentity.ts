// `DELETE /api/identity`: erases the caller's identity, chat messages and mapping; only with SELF_ERASE=on.
import { selfService, signedIn } from './communicationPart.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';
import { subjectHash } from '../platform/hash.ts';
export function eraseIdentity(context: AppContext): void {
  http(context, {
    name: 'eraseIdentity',
    method: 'DELETE',
    route: 'identity',
    authLevel: 'anonymous',
    section: selfService(context, ({ selfErase }) => selfErase),
    handle: async (call, part) => {
      const subject = await signedIn(call, part);
      const outcome = await part.service().erase(subject, `user:${subjectHash(subject.key)}`, call);
      return { status: outcome === 'erased' ? 204 : 202 };
    },
  });
}
