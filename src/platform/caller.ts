// Who is calling: verifies a bearer access token and answers the user or the application behind it.
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { createHash } from 'node:crypto';
import type { Call } from './call.ts';
import type { Clock } from './clock.ts';
import { AppError } from './errors.ts';
import { subjectHash } from './hash.ts';
import type { IssuerKeys } from './issuerKeys.ts';
import { maxAuthorizationBytes, tokenSkewSeconds } from './limits.ts';
import { entraTenant } from './settings/callers.ts';
import type { CallerSettings, RequiredRole } from './settings/types.ts';

/** A signed-in user. */
export interface UserCaller {
  /** `entra.<tid>.<oid>` or `oidc.<base64url SHA-256 of issuer NUL subject>`: never an e-mail or a name. */
  readonly key: string;
  /** Entra object id, where the issuer is Entra. */
  readonly oid: string | undefined;
  /** `iat` of the token, seconds since 1970. */
  readonly issuedAt: number;
}

export interface Callers {
  /**
   * The user of a delegated access token. Throws `unauthenticated` (no token, or a bad one), `forbidden` (no delegated scope,
   * or an application's own token) and `upstream_failed` (issuer down and no keys cached).
   */
  user(call: Pick<Call, 'authorization'>): Promise<UserCaller>;
  /**
   * Who asks for something that needs trust, for the audit: `app:<client id>`, `user:<hash>`, or `key` where the function key
   * alone is required. Throws as `user` does, and `forbidden` when the token lacks the app role.
   */
  trusted(call: Pick<Call, 'authorization'>, role: RequiredRole): Promise<string>;
}

/** Without `settings` nobody can be verified, and only `none` is ever granted. */
export function createCallers(
  settings: CallerSettings | undefined,
  keys: (issuer: string) => IssuerKeys,
  clock: Clock,
): Callers {
  async function verified(
    call: Pick<Call, 'authorization'>,
  ): Promise<{ claims: JWTPayload; settings: CallerSettings }> {
    const token = bearerToken(call.authorization);
    if (!settings)
      throw new AppError('misconfigured', 'This part of the service is not configured correctly.');
    return { claims: await verify(token, settings, keys(settings.issuer), clock), settings };
  }
  return {
    async user(call) {
      const { claims, settings: believed } = await verified(call);
      requireDelegated(claims, believed.requiredScope);
      return userOf(claims, believed.issuer);
    },
    async trusted(call, required) {
      if (required === 'none') return 'key';
      const { claims, settings: believed } = await verified(call);
      const roles: unknown = claims['roles'];
      if (!Array.isArray(roles) || !roles.includes(required.role)) {
        throw new AppError('forbidden', 'The access token lacks the app role that this route needs.', {
          challenge: 'insufficient_scope',
        });
      }
      return actorOf(claims, believed.issuer);
    },
  };
}

function unauthenticated(message: string, cause?: unknown): AppError {
  return new AppError('unauthenticated', message, { challenge: 'invalid_token', cause });
}

/** The host joins repeated headers with a comma (measured), which no token contains: a repeated header never fits. */
function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined)
    throw new AppError('unauthenticated', 'An access token is needed: Authorization: Bearer <token>.');
  const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
  if (token === undefined || authorization.length > maxAuthorizationBytes) {
    throw unauthenticated('The Authorization header is not one Bearer access token.');
  }
  return token;
}

const algorithms = ['RS256', 'PS256', 'ES256'];
const tokenTypes = /^((application\/)?at\+)?jwt$/i;

async function verify(
  token: string,
  settings: CallerSettings,
  keys: IssuerKeys,
  clock: Clock,
): Promise<JWTPayload> {
  const tenant = entraTenant(settings.issuer);
  try {
    const { payload, protectedHeader } = await jwtVerify(token, (header, input) => keys.key(header, input), {
      algorithms,
      issuer:
        tenant === undefined ? settings.issuer : [settings.issuer, `https://sts.windows.net/${tenant}/`],
      audience: [...settings.audiences],
      clockTolerance: tokenSkewSeconds,
      currentDate: new Date(clock.now()),
      requiredClaims: ['exp', 'iat'],
    });
    if (!tokenTypes.test(protectedHeader.typ ?? 'JWT'))
      throw unauthenticated('The token is not an access token.');
    // Whether a revocation covers a token is judged by `iat`: one dated ahead would outlive it.
    if ((payload.iat ?? 0) > clock.now() / 1000 + tokenSkewSeconds)
      throw unauthenticated('The access token is dated ahead.');
    return payload;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unauthenticated(reasonOf(error), error);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The access token has expired.';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The access token's claim "${error.claim}" is not what this service expects.`;
  return 'The access token is not valid.';
}

/** Delegated scopes stand in `scp` (Entra) or `scope` (RFC 9068); an application's own token has none. */
function requireDelegated(claims: JWTPayload, requiredScope: string): void {
  const scopes: unknown = claims['scp'] ?? claims['scope'];
  if (claims['idtyp'] === 'app' || typeof scopes !== 'string' || !scopes.split(' ').includes(requiredScope)) {
    throw new AppError('forbidden', `The access token is not a user's with the scope ${requiredScope}.`, {
      challenge: 'insufficient_scope',
    });
  }
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function userOf(claims: JWTPayload, issuer: string): UserCaller {
  const issuedAt = claims.iat ?? 0;
  const tenant = entraTenant(issuer);
  if (tenant !== undefined) {
    const { tid, oid } = claims;
    if (
      typeof tid !== 'string' ||
      tid.toLowerCase() !== tenant ||
      typeof oid !== 'string' ||
      !guid.test(oid)
    ) {
      throw unauthenticated('The access token must carry tid of the expected tenant and oid of the user.');
    }
    return { key: `entra.${tenant}.${oid.toLowerCase()}`, oid: oid.toLowerCase(), issuedAt };
  }
  if (typeof claims.sub !== 'string' || claims.sub === '')
    throw unauthenticated('The access token must carry sub.');
  const digest = createHash('sha256').update(`${issuer}\0${claims.sub}`).digest('base64url');
  return { key: `oidc.${digest}`, oid: undefined, issuedAt };
}

function actorOf(claims: JWTPayload, issuer: string): string {
  const application: unknown = claims['azp'] ?? claims['appid'] ?? claims['client_id'];
  const delegated = typeof (claims['scp'] ?? claims['scope']) === 'string';
  if (!delegated && typeof application === 'string') return `app:${application}`;
  return `user:${subjectHash(userOf(claims, issuer).key)}`;
}
