// A credential for the SDK clients that play somebody in the stand-ins' tenant: signs what Entra would hand out.
import type { TokenCredential } from '@azure/core-auth';
import { appOnlyClaims, type Principal } from './claims.ts';
import type { Directory } from './directory.ts';
import type { TokenOffice } from './tokens.ts';

/** Has no cache of its own; each token is good for an hour by the stand-ins' clock. */
export function credentialOf(
  { directory, tokens }: { readonly directory: Directory; readonly tokens: TokenOffice },
  principal: Principal,
): TokenCredential {
  return {
    async getToken(scopes) {
      const resource = [scopes].flat()[0]?.replace(/\/\.default$/, '') ?? '';
      const token = await tokens.sign({ claims: appOnlyClaims(directory, principal, resource) });
      return { token, expiresOnTimestamp: directory.now() + 3_600_000 };
    },
  };
}
