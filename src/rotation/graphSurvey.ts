// Microsoft Graph: who may change an application, and what else than its own secrets signs in for it. Reads only.
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { decodeJwt } from 'jose';
import * as z from 'zod/mini';
import { rotationSurveyTimeoutMs } from '../platform/limits.ts';
import type { RestClient } from '../platform/restClient.ts';
import { dateShape } from './graphAnswers.ts';
import type { Survey } from './observation.ts';

/** The owner of our Graph tokens. */
export interface Identity {
  /** Object id of its service principal, or of the person who signed in. */
  readonly principalId: string;
  /** Applications that its app roles let it change; undefined where a token does not say. */
  readonly mayChange: Survey['mayChange'];
}

export interface WatchedCredential {
  readonly credential: TokenCredential;
  /** As of the newest token; undefined before the first one, and for one that cannot be read. */
  readonly identity: () => Identity | undefined;
}

/** Lets tokens through and remembers whose they are: asking for one more would cost a process each time with Azure CLI. */
export function watch(credential: TokenCredential): WatchedCredential {
  let identity: Identity | undefined;
  return {
    identity: () => identity,
    credential: {
      async getToken(scopes, options): Promise<AccessToken | null> {
        const token = await credential.getToken(scopes, options);
        identity = token ? identityIn(token.token) : undefined;
        return token;
      },
    },
  };
}

const claimsShape = z.looseObject({
  oid: z.guid(),
  roles: z.optional(z.array(z.string())),
  wids: z.optional(z.array(z.string())),
});
const everyApplication = new Set(['Application.ReadWrite.All', 'Directory.ReadWrite.All']);
/**
 * What app-only tokens carry instead of a directory role (commonly seen, documented nowhere). Any other entry may allow
 * changes too, so that it makes the rights unknown.
 */
const noDirectoryRole = '0997a1d0-0d1d-4acb-b408-d5ca73121e90';

/** Exported for its tests. */
export function identityIn(token: string): Identity | undefined {
  try {
    const claims = claimsShape.parse(decodeJwt(token));
    return { principalId: claims.oid.toLowerCase(), mayChange: mayChange(claims) };
  } catch {
    return undefined;
  }
}

/**
 * `none` only where the token has app roles of Graph that explain why it can read and none that could change: a person's
 * token, which has no roles, and a directory role say nothing here, and what is not known must stop nothing.
 */
function mayChange({ roles = [], wids = [] }: z.infer<typeof claimsShape>): Survey['mayChange'] {
  if (roles.some((role) => everyApplication.has(role))) return 'every';
  if (wids.some((id) => id !== noDirectoryRole)) return undefined;
  if (roles.includes('Application.ReadWrite.OwnedBy')) return 'owned';
  const relevant = roles.filter((role) => /^(Application|Directory)\./.test(role));
  return relevant.length > 0 && relevant.every((role) => role.endsWith('.Read.All')) ? 'none' : undefined;
}

const ownersShape = z.looseObject({
  value: z.array(z.looseObject({ id: z.guid() })),
  '@odata.nextLink': z.optional(z.string()),
});
const listShape = z.looseObject({ value: z.array(z.looseObject({ id: z.guid() })) });
const principalShape = z.looseObject({
  passwordCredentials: z.array(z.looseObject({ keyId: z.guid(), endDateTime: dateShape })),
});

/**
 * Three reads at once, at most 10 s. What is refused, fails or has another shape is left undefined; throws only the
 * signal's reason.
 */
export async function survey(
  rest: RestClient,
  base: string,
  appId: string,
  identity: Identity | undefined,
  signal: AbortSignal | undefined,
): Promise<Omit<Survey, 'time'>> {
  const key = `(appId='${encodeURIComponent(appId)}')`;
  const read = async <T>(path: string, shape: z.ZodMiniType<T>): Promise<T | undefined> => {
    const request = {
      operation: 'survey',
      method: 'GET',
      url: `${base}${path}`,
      timeoutMs: rotationSurveyTimeoutMs,
      signal,
    } as const;
    try {
      const reply = await rest.send(request);
      return reply.status === 200 ? shape.parse(JSON.parse(reply.text)) : undefined;
    } catch {
      signal?.throwIfAborted();
      return undefined;
    }
  };
  const [owners, federated, principal] = await Promise.all([
    read(`/applications${key}/owners?$select=id`, ownersShape),
    read(`/applications${key}/federatedIdentityCredentials?$select=id`, listShape),
    read(`/servicePrincipals${key}?$select=id,passwordCredentials`, principalShape),
  ]);
  return {
    principalId: identity?.principalId,
    mayChange: identity?.mayChange,
    isOwner: owners && identity && ownedBy(owners, identity.principalId),
    federatedCredentials: federated?.value.length,
    principalSecrets: principal?.passwordCredentials.map(({ keyId, endDateTime }) => ({
      keyId: keyId.toLowerCase(),
      endsAt: Date.parse(endDateTime),
    })),
  };
}

/** A further page may still name it. */
function ownedBy(owners: z.infer<typeof ownersShape>, principalId: string): boolean | undefined {
  if (owners.value.some(({ id }) => id.toLowerCase() === principalId)) return true;
  return owners['@odata.nextLink'] === undefined ? false : undefined;
}
