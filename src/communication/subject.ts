// Whose identity is meant: the typed key of a user, and how a backend's plain user id becomes one.
import { AppError } from '../platform/errors.ts';
import { sha256Hex } from '../platform/hash.ts';

export interface Subject {
  /** `entra.<tid>.<oid>`, `oidc.<digest>` or `app.<user id of the application>`. */
  readonly key: string;
  /** `iat` of the caller's own access token, seconds since 1970; absent where a backend acts for the user. */
  readonly tokenIssuedAt?: number;
  /** Entra object id of the verified caller. */
  readonly oid?: string;
}

const guid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const entraKey = new RegExp(`^entra\\.${guid}\\.${guid}$`, 'i');
const oidcKey = /^oidc\.[\w-]{43}$/;

/**
 * The subject that a backend names: self-service keys as they are, anything else as a user of the application itself.
 * Throws `invalid_request` for anything but 1..256 of `A-Z a-z 0-9 . _ ~ -`, for only dots, and for a misspelt self-service
 * key: nobody signs in as one, so that a ban of it would ban nobody.
 */
export function backendSubject(userId: string): Subject {
  if (!/^[A-Za-z0-9._~-]{1,256}$/.test(userId) || /^\.+$/.test(userId)) {
    throw new AppError(
      'invalid_request',
      'userId: expected 1 to 256 characters of A-Z a-z 0-9 . _ ~ -, and not only dots.',
    );
  }
  // Sign-in writes GUIDs in lower case; another spelling would ban or erase nobody.
  if (entraKey.test(userId)) return { key: userId.toLowerCase() };
  if (oidcKey.test(userId)) return { key: userId };
  if (/^(entra|oidc)\./i.test(userId)) {
    throw new AppError(
      'invalid_request',
      'userId: expected entra.<tenant id>.<object id> or oidc.<43 characters> where it begins with entra. or oidc.',
    );
  }
  return { key: `app.${userId}` };
}

/** The row of a user is named by a digest: keys of rows appear in storage URLs and logs. */
export function rowKeyOf({ key }: Subject): string {
  return sha256Hex(key);
}

/** How the user behind a row is named in logs and audit records: the same as `subjectHash` of the key. */
export function subjectOf(rowKey: string): string {
  return rowKey.slice(0, 16);
}
