// Who may have a token: the row judged before ACS is asked, and once more before the token is handed out.
import { AppError } from '../platform/errors.ts';
import { beingErased, disabled, ofOtherResource, type Row } from './directory.ts';
import type { Subject } from './subject.ts';

export interface IdentityView {
  readonly communicationUserId: string | null;
  /** ISO 8601. */
  readonly createdOn: string | null;
  readonly access: 'enabled' | 'disabled';
}

/** Throws `unauthenticated` when the caller's own token was issued before the backend revoked everything. */
export function requireFresh(row: Row | undefined, { tokenIssuedAt }: Subject): void {
  if (tokenIssuedAt === undefined || row?.tokensValidFrom === undefined) return;
  if (tokenIssuedAt >= row.tokensValidFrom) return;
  throw new AppError('unauthenticated', 'The access token was revoked; sign in again.', {
    challenge: 'invalid_token',
  });
}

/** Throws `disabled` and `unauthenticated`. */
export function admit(row: Row | undefined, subject: Subject): void {
  requireFresh(row, subject);
  if (row?.access === 'disabled') throw disabled();
}

/**
 * The identity that is ready for use, or undefined where one has yet to be created.
 * Throws `conflict` while it is being erased, and `identity_of_other_resource`.
 */
export function readyIdentity(row: Row | undefined, here: string): string | undefined {
  if (row?.lifecycle === 'deleting') throw beingErased();
  if (row?.lifecycle !== 'ready') return undefined;
  if (row.resource !== here) throw ofOtherResource();
  return row.identity;
}

/** After ACS issued a token for `identity`: throws unless the row still is ready, enabled and names the same one. */
export function requireUnchanged(
  row: Row | undefined,
  subject: Subject,
  identity: string,
  here: string,
): void {
  admit(row, subject);
  if (readyIdentity(row, here) !== identity) {
    throw new AppError('conflict', 'The identity of this user changed meanwhile; ask again.');
  }
}

/** Throws `not_found` when there is neither an identity nor a ban. An identity is shown until ACS confirmed its erasure. */
export function viewOf(row: Row | undefined): IdentityView {
  if (row?.identity === undefined && row?.access !== 'disabled') {
    throw new AppError('not_found', 'This user has no identity.');
  }
  return accessView(row);
}

export function accessView(row: Row | undefined): IdentityView {
  return {
    communicationUserId: row?.identity ?? null,
    createdOn: row?.createdOn ?? null,
    access: row?.access ?? 'enabled',
  };
}
