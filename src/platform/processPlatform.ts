// Makes the platform's services once per process: one credential per identity, one client set per account, one key cache per issuer.
import type { TokenCredential } from '@azure/core-auth';
import { createAudit, type Audit } from './audit.ts';
import type { Clock } from './clock.ts';
import { createCredential } from './credential.ts';
import { IssuerKeys } from './issuerKeys.ts';
import { auditContainer, type Platform } from './platform.ts';
import { createRestClient } from './restClient.ts';
import type { CredentialSettings, StorageSettings } from './settings/types.ts';
import { createStorage, type Storage } from './storage.ts';

export interface ProcessPlatform extends Platform {
  readonly issuerKeys: (issuer: string) => IssuerKeys;
}

/** Told of each sign-in, and with what it failed. */
export type SignInListener = (settings: CredentialSettings, error?: unknown) => void;

export function createPlatform(
  clock: Clock,
  uuid: () => string,
  signedIn: SignInListener = () => undefined,
): ProcessPlatform {
  const credential = memoize((settings: CredentialSettings) => {
    return observed(createCredential(settings, clock), (error) => {
      signedIn(settings, error);
    });
  });
  const storage = memoize((settings: StorageSettings, identity: CredentialSettings): Storage => {
    const clientId = settings.kind === 'identity' ? settings.clientId : undefined;
    return createStorage(settings, () =>
      credential(clientId === undefined ? identity : { ...identity, clientId }),
    );
  });
  const audit = (settings: StorageSettings, identity: CredentialSettings): Audit =>
    createAudit(storage(settings, identity).container(auditContainer), clock, uuid);
  const issuerKeys = memoize(
    (issuer: string) => new IssuerKeys(issuer, createRestClient({ service: 'issuer', maxRetries: 1 }), clock),
  );
  return { clock, random: Math.random, uuid, credential, storage, audit, issuerKeys };
}

function observed(credential: TokenCredential, ended: (error?: unknown) => void): TokenCredential {
  return {
    async getToken(scopes, options) {
      try {
        const token = await credential.getToken(scopes, options);
        ended();
        return token;
      } catch (error) {
        ended(error);
        throw error;
      }
    },
  };
}

/** Remembers what was made for equal arguments; a connection string counts by identity of its wrapper, never by its text. */
function memoize<A extends readonly unknown[], T>(make: (...given: A) => T): (...given: A) => T {
  const made: { readonly given: A; readonly value: T }[] = [];
  return (...given) => {
    const known = made.find((entry) => entry.given.every((argument, index) => same(argument, given[index])));
    if (known) return known.value;
    const value = make(...given);
    made.push({ given, value });
    return value;
  };
}

function same(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return keys.size > 0 && [...keys].every((key) => Reflect.get(left, key) === Reflect.get(right, key));
}
