// The row of one user and every way in which it may change: pure functions from a row to the next one.
//
// Each transition is judged again on whatever row is found after a refused or unanswered write, so each says `keep` when
// what it wants has already come about.
import { AppError } from '../platform/errors.ts';
import { claimLifeMs, cyclesPerHour, maxReplacedIdentities } from '../platform/limits.ts';

export interface Row {
  readonly lifecycle: 'none' | 'pending' | 'ready' | 'deleting';
  readonly access: 'enabled' | 'disabled';
  /** The identity, while `ready` or `deleting`. */
  readonly identity?: string | undefined;
  /** ISO 8601. */
  readonly createdOn?: string | undefined;
  /** Identities that ACS no longer knew and that were replaced; erased with the current one. */
  readonly previous: readonly string[];
  /** Fingerprint of the ACS resource that `identity` and `previous` belong to. */
  readonly resource?: string | undefined;
  /** Who is creating the identity, and until when nobody else may: milliseconds since 1970 by the store's clock. */
  readonly claim?: { readonly writer: string; readonly until: number } | undefined;
  /** A revocation that ACS has not confirmed; named, so that confirming an earlier one does not settle a later one. */
  readonly owed?: string | undefined;
  /** Seconds since 1970: access tokens of the caller issued before are refused. */
  readonly tokensValidFrom?: number | undefined;
  /** Identities erased or replaced in one hour, counted since 1970. */
  readonly cycles?: { readonly hour: number; readonly count: number } | undefined;
  /** Claims that ended without anybody knowing whether an identity was created: possible orphans. */
  readonly lostClaims: number;
  /** Last change, milliseconds since 1970 by the store's clock. */
  readonly changedOn: number;
}

export type Change<R> = { readonly result: R; readonly row?: Row };

/** What a transition works on: the row as it was read, the store's time of that reading, and the configured resource. */
export interface Found {
  readonly row: Row | undefined;
  readonly now: number;
  readonly here: string;
}

const keep = <R>(result: R): Change<R> => ({ result });

function write<R>({ row, now }: Found, changes: Partial<Row>, result: R): Change<R> {
  return { result, row: { ...(row ?? emptyRow), ...changes, changedOn: now } };
}

const emptyRow: Row = { lifecycle: 'none', access: 'enabled', previous: [], lostClaims: 0, changedOn: 0 };
const noIdentity = { identity: undefined, createdOn: undefined, claim: undefined, owed: undefined } as const;

export type ClaimResult =
  | { readonly kind: 'ready'; readonly identity: string }
  | { readonly kind: 'claimed'; readonly lost: boolean }
  | { readonly kind: 'wait' };

/**
 * Gets the identity or the right to create it. `replacing` names one that ACS no longer knows and that may be replaced.
 * Throws `disabled`, `conflict`, `rate_limited`, `identity_stale` and `identity_of_other_resource`.
 */
export function claim(found: Found, writer: string, replacing?: string): Change<ClaimResult> {
  const { row = emptyRow, now } = found;
  refuseClaim(row, found.here);
  if (row.claim?.writer === writer) return keep({ kind: 'claimed', lost: false });
  if (row.claim && now < row.claim.until) return keep({ kind: 'wait' });
  if (row.identity !== undefined && row.identity !== replacing) {
    return keep({ kind: 'ready', identity: row.identity });
  }
  refuseTooManyCycles(found);
  const claimed: Partial<Row> = {
    ...noIdentity,
    lifecycle: 'pending',
    resource: found.here,
    claim: { writer, until: now + claimLifeMs },
    lostClaims: row.lostClaims + (row.claim ? 1 : 0),
    ...(row.identity === undefined
      ? {}
      : { previous: replaced(row, row.identity), cycles: nextCycle(found) }),
  };
  return write(found, claimed, { kind: 'claimed', lost: row.claim !== undefined });
}

function refuseClaim(row: Row, here: string): void {
  if (row.access === 'disabled') throw disabled();
  if (row.lifecycle === 'deleting') throw beingErased();
  // Replaced identities of another resource have to be erased there: taking the row over would forget whose they are.
  if (owns(row) && row.resource !== here) throw ofOtherResource();
}

/** Writes the identity down under its creator's claim. `lost`: the row provably does not name it and never will. */
export function record(
  found: Found,
  writer: string,
  identity: string,
  createdOn: string,
): Change<'recorded' | 'lost'> {
  const { row, here } = found;
  if (row && names(row, identity)) return keep('recorded');
  if (row?.claim?.writer !== writer) return keep('lost');
  const ready = { lifecycle: 'ready', identity, createdOn, resource: here, claim: undefined } as const;
  return write(found, ready, 'recorded');
}

/** Gives a claim of one's own back; `lost` when nobody knows whether an identity was created under it. */
export function release(found: Found, writer: string, lost: boolean): Change<'released' | 'not mine'> {
  if (found.row?.claim?.writer !== writer) return keep('not mine');
  return write(found, withoutClaim(found.row, lost), 'released');
}

/** Takes an expired claim away; its owner died or was cut off. */
export function expire(found: Found): Change<'expired' | 'kept'> {
  const { row, now } = found;
  if (!row?.claim || now < row.claim.until) return keep('kept');
  return write(found, withoutClaim(row, true), 'expired');
}

function withoutClaim(row: Row, lost: boolean): Partial<Row> {
  return { lifecycle: 'none', claim: undefined, lostClaims: row.lostClaims + (lost ? 1 : 0) };
}

/** Disables or enables; disabling owes a revocation where there is an identity. `intent` names it. */
export function setAccess(found: Found, enabled: boolean, intent: string): Change<Row | undefined> {
  const access = enabled ? 'enabled' : 'disabled';
  const { row } = found;
  if ((row?.access ?? 'enabled') === access) return keep(row);
  const owed = !enabled && row?.lifecycle === 'ready' ? { owed: intent } : {};
  const change = write(found, { access, ...owed }, row);
  return { ...change, result: change.row };
}

/** Refuses access tokens of the caller issued up to now, and owes a revocation where there is an identity. */
export function revokeAll(found: Found, intent: string): Change<'revoked'> {
  const { row, now } = found;
  // `iat` and the store's clock have whole seconds: what was issued in this very second counts as issued before.
  const tokensValidFrom = Math.max(row?.tokensValidFrom ?? 0, Math.floor(now / 1000) + 1);
  return write(
    found,
    { tokensValidFrom, ...(row?.lifecycle === 'ready' ? { owed: intent } : {}) },
    'revoked',
  );
}

export interface Marked {
  readonly kind: 'deleting' | 'nothing';
  /** A claim was taken away: its creator cleans up, if he lives to. */
  readonly lost: boolean;
}

/** The ACS deletion is owed from here on, or there is nothing to delete. A claim is taken away, whether expired or not. */
export function markDeleting(found: Found): Change<Marked> {
  const { row } = found;
  if (!row || (row.lifecycle === 'none' && !owns(row))) return keep({ kind: 'nothing', lost: false });
  if (row.lifecycle === 'deleting') return keep({ kind: 'deleting', lost: false });
  const lost = row.claim !== undefined;
  const taken = lost ? withoutClaim(row, true) : {};
  if (owns(row)) return write(found, { ...taken, lifecycle: 'deleting' }, { kind: 'deleting', lost });
  const without = { ...taken, cycles: nextCycle(found), resource: undefined };
  return write(found, without, { kind: 'nothing', lost });
}

/** ACS knows none of `gone` any more. The row stays, without identity: a ban and what bounds abuse outlive an erase. */
export function confirmErased(found: Found, gone: readonly string[]): Change<'erased' | 'kept'> {
  const { row } = found;
  if (row?.lifecycle !== 'deleting' || !identitiesOf(row).every((id) => gone.includes(id)))
    return keep('kept');
  const erased = { ...noIdentity, lifecycle: 'none', previous: [], resource: undefined } as const;
  return write(found, { ...erased, cycles: nextCycle(found) }, 'erased');
}

/** ACS confirmed the revocation `owed`; one that was owed later stays. */
export function clearOwed(found: Found, owed: string): Change<'cleared' | 'kept'> {
  return found.row?.owed === owed ? write(found, { owed: undefined }, 'cleared') : keep('kept');
}

/** Every identity that the row holds. */
export function identitiesOf(row: Row): readonly string[] {
  return row.identity === undefined ? row.previous : [row.identity, ...row.previous];
}

export function names(row: Row, identity: string): boolean {
  return identitiesOf(row).includes(identity);
}

const owns = (row: Row): boolean => identitiesOf(row).length > 0;

function replaced(row: Row, identity: string): readonly string[] {
  if (row.previous.length >= maxReplacedIdentities) {
    throw new AppError('identity_stale', 'The identity is unknown to ACS and was replaced too often.');
  }
  return [...row.previous, identity];
}

const hourOf = (now: number): number => Math.floor(now / 3_600_000);

function cyclesNow({ row, now }: Found): number {
  return row?.cycles?.hour === hourOf(now) ? row.cycles.count : 0;
}

function nextCycle(found: Found): NonNullable<Row['cycles']> {
  return { hour: hourOf(found.now), count: cyclesNow(found) + 1 };
}

function refuseTooManyCycles(found: Found): void {
  if (cyclesNow(found) < cyclesPerHour) return;
  throw new AppError('rate_limited', 'The identity was erased too often within the hour; come back later.', {
    retryAfterSeconds: Math.ceil(((hourOf(found.now) + 1) * 3_600_000 - found.now) / 1000),
  });
}

export const disabled = (): AppError => new AppError('disabled', 'This user is disabled.');
export const beingErased = (): AppError =>
  new AppError('conflict', 'The identity of this user is being erased.', { retryAfterSeconds: 10 });
export const ofOtherResource = (): AppError =>
  new AppError(
    'identity_of_other_resource',
    'The identity of this user belongs to another communication resource than the configured one.',
  );
