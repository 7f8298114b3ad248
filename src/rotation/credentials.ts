// Whose is each credential of the application, and what is it to the vault: the pure classification behind every plan.
import type { CredentialFact, Observation, VersionFact } from './observation.ts';
import { targetIdIn } from './target.ts';

/**
 * `current` is named by the vault's current version; `previous` by an older one and ours; `orphan` ours by name and named by
 * no version; `expired` ours and over; `foreign` is everything else and is never touched.
 */
export type CredentialKind = 'current' | 'previous' | 'orphan' | 'expired' | 'foreign';

export interface Classified {
  readonly credential: CredentialFact;
  readonly kind: CredentialKind;
  /** Made for this target by name, or recorded as adopted. A tag in the vault alone never makes it so. */
  readonly ours: boolean;
}

export function classify(seen: Observation, targetId: string): readonly Classified[] {
  const named = new Set(seen.versions.map(({ credentialId }) => credentialId));
  return seen.credentials.map((credential) => {
    const { keyId } = credential;
    const marked = targetIdIn(credential.displayName) === targetId;
    const adopted = seen.memory.adopted.includes(keyId) && named.has(keyId);
    const ours = marked || adopted;
    const kind = (): CredentialKind => {
      if (keyId === seen.current?.credentialId) return 'current';
      if (!ours) return 'foreign';
      if (credential.endsAt <= seen.now) return 'expired';
      return named.has(keyId) ? 'previous' : 'orphan';
    };
    return { credential, kind: kind(), ours };
  });
}

/** How the vault's current version stands to the application. */
export type Standing =
  | { readonly kind: 'none' }
  /** Tagged with a credential that exists, is valid and whose hint does not contradict the value. */
  | { readonly kind: 'settled'; readonly version: VersionFact; readonly credential: CredentialFact }
  | { readonly kind: 'untagged' | 'contradicted'; readonly version: VersionFact };

export function standingOf({ current, credentials, now }: Observation): Standing {
  if (!current) return { kind: 'none' };
  if (current.credentialId === undefined) return { kind: 'untagged', version: current };
  const credential = credentials.find(({ keyId }) => keyId === current.credentialId);
  if (!credential || credential.hint === 'differs' || credential.endsAt <= now) {
    return { kind: 'contradicted', version: current };
  }
  return { kind: 'settled', version: current, credential };
}
