// Who is calling: verifies a bearer access token and answers the user or the application behind it.
import type { Call } from './call.ts';
import type { RequiredRole } from './settings/types.ts';

/** A signed-in user. */
export interface UserCaller {
  /** `entra.<tid>.<oid>` or `oidc.<base64url SHA-256 of issuer NUL subject>`: never an e-mail or a name. */
  readonly key: string;
  /** Entra object id, where the issuer is Entra. */
  readonly oid: string | undefined;
  /** `iat` of the token, seconds since 1970. */
  readonly issuedAt: number;
}

/** Somebody trusted: the actor of an audit record. */
export interface Actor {
  /** `app:<client id>`, `user:<hash>`, or `key` where the function key alone was required. */
  readonly actor: string;
}

export interface Callers {
  /** Throws `unauthenticated` (bad or no token), `forbidden` (no delegated scope, app-only token) or `upstream_failed` (issuer down, no cached keys). */
  user(call: Pick<Call, 'authorization' | 'signal'>): Promise<UserCaller>;
  /** Throws as `user`, and `forbidden` when the token lacks the app role. `none` asks for nothing. */
  trusted(call: Pick<Call, 'authorization' | 'signal'>, role: RequiredRole): Promise<Actor>;
}
