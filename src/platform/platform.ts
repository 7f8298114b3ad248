// What the capabilities are given to stand on: time, chance, clients, and where to write down who did what.
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { Audit } from './audit.ts';
import type { Clock } from './clock.ts';
import type { CredentialSettings, StorageSettings } from './settings/types.ts';
import type { Storage } from './storage.ts';

export interface Platform {
  readonly clock: Clock;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
  /** A random UUID. */
  readonly uuid: () => string;
  /** One credential per identity and process. */
  credential(settings: CredentialSettings): TokenCredential;
  /** The clients of one account, signed in as `identity` where there is no connection string. */
  storage(settings: StorageSettings, identity: CredentialSettings): Storage;
  audit(settings: StorageSettings, identity: CredentialSettings): Audit;
  /** The transport of the SDKs' pipelines; undefined for their own. */
  readonly httpClient?: HttpClient | undefined;
}

/** Containers of the app's own state: each job may be given its own alone. */
export const stateContainer = 'state';
export const rotationContainer = 'rotation';
export const auditContainer = 'audit';
