// What a run has seen, as plain facts without any secret or hint: the only thing a plan is made of.
import type { ProbeAnswer, ProbeIds } from './tokenProbe.ts';

export interface CredentialFact {
  readonly keyId: string;
  readonly displayName: string | undefined;
  /** Milliseconds since 1970, as all times here. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** Whether its hint is how the vault's current value begins; unknown where there is no hint or no value. */
  readonly hint: 'matches' | 'differs' | 'unknown';
}

export interface VersionFact {
  readonly versionId: string;
  readonly enabled: boolean;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  /** The tag `CredentialId`: a claim that anybody with access to the vault could have written. */
  readonly credentialId: string | undefined;
  /** The tag `rotation-app`. */
  readonly taggedApp: string | undefined;
}

export interface Intent {
  readonly displayName: string;
  /** Server time at which the mint was decided. */
  readonly time: number;
  /** Whether a version with its secret is known to have been stored. */
  readonly published: boolean;
}

/** What earlier runs left in the state. */
export interface Memory {
  readonly intents: readonly Intent[];
  /** When a version of the secret was first rejected without having been accepted since. */
  readonly rejection?: { readonly versionId: string; readonly time: number } | undefined;
  /** Key ids that were adopted: ours although their display names do not say so. */
  readonly adopted: readonly string[];
  /** Key ids on the application when it was last seen; undefined before the first run. */
  readonly knownKeys?: readonly string[] | undefined;
  /** The last one that was made. */
  readonly survey?: Survey | undefined;
  readonly obstacle?: Obstacle | undefined;
}

/** What is read before a mint and otherwise once a day. What could not be learnt is undefined, and stops nothing. */
export interface Survey {
  readonly time: number;
  /** Object id of our own service principal. */
  readonly principalId?: string | undefined;
  /** Which applications our app roles at Graph let us change. */
  readonly mayChange?: 'every' | 'owned' | 'none' | undefined;
  /** Whether our service principal owns this application. */
  readonly isOwner?: boolean | undefined;
  /** How many the application has. */
  readonly federatedCredentials?: number | undefined;
  /** Secrets of the service principal: they work like those of the application, and are never ours. */
  readonly principalSecrets?: readonly { readonly keyId: string; readonly endsAt: number }[] | undefined;
}

/** A definite refusal of the last mint or publish. It would be met again until somebody changes something. */
export interface Obstacle {
  /** Code of the problem. */
  readonly code: string;
  readonly time: number;
  /** The vault's current version and the client's settings when it was met. */
  readonly versionId?: string | undefined;
  readonly settings: string;
}

/** `proven`: Entra issued a token for the vault's current value, or an answer that counts as proof. */
export type Health = 'proven' | 'rejected' | 'unknown' | 'absent';

/** Read only before a mint. */
export interface Preflight {
  /** Whether a soft-deleted secret blocks the name; read only where the vault holds no secret. */
  readonly deleted: 'no' | 'yes' | 'unreadable';
  /** How Entra answers a deliberately wrong secret. */
  readonly control: ProbeAnswer;
}

export interface Observation {
  /** The earlier of Graph's and Key Vault's time. */
  readonly now: number;
  readonly clocksAgree: boolean;
  readonly objectId: string;
  readonly credentials: readonly CredentialFact[];
  readonly current: VersionFact | undefined;
  /** All versions, the current one too. */
  readonly versions: readonly VersionFact[];
  readonly health: Health;
  /** AADSTS number of the probe's answer, where there was one. */
  readonly probeCode: number | undefined;
  readonly memory: Memory;
  readonly preflight?: Preflight | undefined;
  /** Made in this run; `memory` has the last one of another. */
  readonly survey?: Survey | undefined;
  /** Entra's ids of the probe's answer, where it proved nothing. */
  readonly probeIds?: ProbeIds | undefined;
}
