// The App Service endpoint where the platform hands out tokens of the app's managed identities.
import { Hono } from 'hono';
import { randomUUID } from 'node:crypto';
import { appOnlyClaims, resourceExists, resourceMissing, type Principal } from './claims.ts';
import type { Directory } from './directory.ts';
import type { Now, StandIn, StandInEnv } from './kit.ts';
import type { TokenOffice } from './tokens.ts';

export interface ManagedIdentity extends Principal {
  /** ARM id, by which `mi_res_id` names a user-assigned identity. */
  readonly resourceId?: string;
}

export interface ManagedIdentityOptions {
  readonly directory: Directory;
  readonly tokens: TokenOffice;
  readonly now: Now;
  /** What `x-identity-header` must carry: the app's `IDENTITY_HEADER`. */
  readonly identityHeader: string;
  /** Those assigned to the app; the first one answers when the request names none. */
  readonly identities: readonly [ManagedIdentity, ...ManagedIdentity[]];
}

/** The platform's tokens live for a day, not for Entra's usual hour (Azure docs: managed identity FAQ). */
const lifeSeconds = 24 * 3600;
const apiVersion = '2019-08-01';

interface Answer {
  readonly status: 200 | 400 | 401;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Serves `GET /msi/token`. Other api-versions than 2019-08-01 are refused, as no current SDK sends one. */
export function createManagedIdentity(options: ManagedIdentityOptions): StandIn {
  const state = { issued: 0 };
  const app = new Hono<StandInEnv>();
  app.get('/msi/token', async (c) => {
    const query = new URL(c.req.url).searchParams;
    const answer = await respond(options, query, c.req.header('x-identity-header'));
    if (answer.status === 200) state.issued += 1;
    return c.json(answer.body, answer.status);
  });
  return {
    service: 'managedIdentity',
    app,
    state: () => ({
      ...state,
      identities: options.identities.map((identity) => ({
        clientId: identity.clientId,
        principalId: identity.principalId,
        roles: options.directory.rolesOf(identity.principalId),
      })),
    }),
  };
}

async function respond(
  options: ManagedIdentityOptions,
  query: URLSearchParams,
  header: string | undefined,
): Promise<Answer> {
  if (header !== options.identityHeader) return refusal(401, 'The X-IDENTITY-HEADER is missing or wrong.');
  if (query.get('api-version') !== apiVersion)
    return refusal(400, 'The api-version is missing or unsupported.');
  const resource = query.get('resource');
  if (!resource) return refusal(400, 'The resource parameter is missing.');
  const identity = named(options.identities, query);
  if (!identity) {
    return refusal(
      400,
      'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
    );
  }
  if (!resourceExists(options.directory, resource)) {
    return refusal(400, `AADSTS500011: ${resourceMissing(options.directory, resource)}`);
  }
  const expiresOn = Math.floor(options.now() / 1000) + lifeSeconds;
  const claims = { ...appOnlyClaims(options.directory, identity, resource), exp: expiresOn };
  return {
    status: 200,
    body: {
      access_token: await options.tokens.sign({ claims }),
      expires_on: String(expiresOn),
      // Byte for byte as asked: the SDK's cache key (measured).
      resource,
      token_type: 'Bearer',
      client_id: identity.clientId,
    },
  };
}

/** `principal_id` is the documented name of what the SDK sends as `object_id`. */
function named(
  identities: ManagedIdentityOptions['identities'],
  query: URLSearchParams,
): ManagedIdentity | undefined {
  const wanted = [
    ['clientId', query.get('client_id')],
    ['principalId', query.get('object_id') ?? query.get('principal_id')],
    ['resourceId', query.get('mi_res_id')],
  ] as const;
  return identities.find((identity) =>
    wanted.every(([key, value]) => value === null || identity[key]?.toLowerCase() === value.toLowerCase()),
  );
}

function refusal(statusCode: 400 | 401, message: string): Answer {
  return { status: statusCode, body: { statusCode, message, correlationId: randomUUID() } };
}
