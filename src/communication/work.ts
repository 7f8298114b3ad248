// What is owed for a row: the one plan that the call which owes it and the clean-up timer both follow.
import { tombstoneMs } from '../platform/limits.ts';
import { identitiesOf, type Row } from './directory.ts';

export type Work =
  /** Nothing, or nothing before `at` (milliseconds since 1970 by the store's clock). */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'later'; readonly at: number }
  | { readonly kind: 'revoke'; readonly identity: string; readonly owed: string }
  | { readonly kind: 'delete'; readonly identities: readonly string[] }
  /** A claim whose owner died. */
  | { readonly kind: 'expire' }
  /** A row without identity that protects nobody any more. */
  | { readonly kind: 'forget' }
  /** Owed to another ACS resource than the configured one, which must never confirm it. */
  | { readonly kind: 'otherResource' };

export function nextWork(row: Row | undefined, here: string, now: number): Work {
  switch (row?.lifecycle) {
    case undefined:
      return { kind: 'nothing' };
    case 'deleting':
      return row.resource === here
        ? { kind: 'delete', identities: identitiesOf(row) }
        : { kind: 'otherResource' };
    case 'ready':
      return owedBy(row, here);
    case 'pending':
      return row.claim && now < row.claim.until ? { kind: 'later', at: row.claim.until } : { kind: 'expire' };
    case 'none':
      return withoutIdentity(row, now);
  }
}

function owedBy({ identity, owed, resource }: Row, here: string): Work {
  if (owed === undefined || identity === undefined) return { kind: 'nothing' };
  return resource === here ? { kind: 'revoke', identity, owed } : { kind: 'otherResource' };
}

function withoutIdentity(row: Row, now: number): Work {
  const { access, previous, changedOn, tokensValidFrom, cycles, lostClaims } = row;
  if (access === 'disabled' || previous.length > 0) return { kind: 'nothing' };
  // A refused creation leaves a row that remembers nothing, and an entry for each time that the user asked.
  const remembers = tokensValidFrom !== undefined || cycles !== undefined || lostClaims > 0;
  const at = changedOn + (remembers ? tombstoneMs : 0);
  return now < at ? { kind: 'later', at } : { kind: 'forget' };
}
