// As whom the app signs in: told from its own token, which is neither shown nor kept.
import { decodeJwt } from 'jose';
import * as z from 'zod/mini';
import type { Platform } from '../../../src/platform/platform.ts';
import type { CredentialSettings } from '../../../src/platform/settings/types.ts';
import { identityName } from '../../../src/platform/dependencies.ts';
import { fine, look, unproven, type Finding, type Looked } from '../finding.ts';

const claimsShape = z.looseObject({
  oid: z.guid(),
  tid: z.guid(),
  appid: z.optional(z.guid()),
  azp: z.optional(z.guid()),
  scp: z.optional(z.string()),
});

/** Who has an identity here may ask for this one; the Azure CLI may not for every service (azure-cli issue 26271). */
const storageScope = 'https://storage.azure.com/.default';

export function signInCheck(
  identity: CredentialSettings,
  platform: Pick<Platform, 'credential'>,
): Promise<Finding> {
  return look('signIn', `Sign-in: ${wayOf(identity)}`, async () =>
    whoIn((await platform.credential(identity).getToken(storageScope))?.token ?? '', identity),
  );
}

function wayOf(identity: CredentialSettings): string {
  if (identity.tokenCredentials !== undefined) return identity.tokenCredentials;
  if (!identity.managedIdentity) return 'Azure CLI and its like';
  return identity.clientId === undefined
    ? 'the system-assigned identity'
    : `the identity ${identityName(identity)}`;
}

/** Nobody else vouches for what a token of ours says: good for people to read, never for a decision. */
function whoIn(token: string, { managedIdentity }: CredentialSettings): Looked {
  let payload: unknown;
  try {
    payload = decodeJwt(token);
  } catch {
    payload = undefined;
  }
  const claims = claimsShape.safeParse(payload);
  if (!claims.success) return unproven('signed in; the token does not say as whom');
  const { oid, tid, scp, appid, azp } = claims.data;
  const client = appid ?? azp;
  const kind = scp === undefined ? `an application (${client ?? 'unknown'})` : 'a person';
  const other = managedIdentity ? '' : '; not as the app, which has roles of its own';
  return fine(`as ${kind}, object id ${oid}, tenant ${tid}${other}`);
}
