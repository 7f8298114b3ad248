// Key Vault: reads the current version and the older ones, publishes a new version, tags and disables.
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { SecretClient, type KeyVaultSecret, type SecretProperties } from '@azure/keyvault-secrets';
import { AppError } from '../platform/errors.ts';
import { maxRetryAfterMs, rotationVaultTimeoutMs } from '../platform/limits.ts';
import { capRetryAfter } from '../platform/restClient.ts';
import { Secret } from '../platform/secret.ts';
import { once } from '../platform/storage.ts';
import { saysAbsent, serverTimeOf, vaultFailure, vaultStatus } from './vaultAnswers.ts';

export interface SecretVersion {
  readonly versionId: string;
  readonly enabled: boolean;
  /** Milliseconds since 1970, in whole seconds. */
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export interface CurrentSecret extends SecretVersion {
  readonly value: Secret;
}

export interface Dated<T> {
  readonly value: T;
  /** Key Vault's `Date`. */
  readonly serverTime: number | undefined;
}

export interface Publication {
  readonly value: Secret;
  readonly expiresAt: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** `refused`: certainly not stored. `throttled`: neither, and may be tried again. `unanswered`: perhaps stored, perhaps later. */
export type PublishReply =
  | { readonly kind: 'published'; readonly versionId: string }
  | { readonly kind: 'refused' | 'throttled' | 'unanswered'; readonly error: AppError };

/** Throws `RotationProblem`, `AppError` and the signal's reason, unless said otherwise. */
export interface VaultSecrets {
  /** The version that consumers get; undefined where the vault has no such secret. */
  current(name: string, signal?: AbortSignal): Promise<Dated<CurrentSecret | undefined>>;
  versions(name: string, signal?: AbortSignal): Promise<readonly SecretVersion[]>;
  /** Whether a soft-deleted secret blocks the name. */
  isDeleted(name: string, signal?: AbortSignal): Promise<boolean>;
  /** Sent exactly once. Throws nothing. */
  publish(name: string, publication: Publication): Promise<PublishReply>;
  /** Replaces all tags of the version and sets its expiry. */
  tag(
    name: string,
    versionId: string,
    tags: Readonly<Record<string, string>>,
    expiresAt: number,
    signal?: AbortSignal,
  ): Promise<void>;
  disable(name: string, versionId: string, signal?: AbortSignal): Promise<void>;
}

export interface VaultOptions {
  readonly vaultUrl: string;
  readonly credential: TokenCredential;
  readonly httpClient?: HttpClient | undefined;
}

const contentType = 'application/vnd.entra.client-secret';

export function createKeyVaultSecrets(options: VaultOptions): VaultSecrets {
  // One client per process: each begins with a request that is answered 401 (measured).
  const repeating = once(() => clientWith(options, 2));
  // A repeated PUT makes a second version (measured), so that what happened could no longer be told.
  const single = once(() => clientWith(options, 0));

  return {
    current: (name, signal) => readCurrent(repeating(), name, signal),
    versions: (name, signal) =>
      judged(async () => {
        const found: SecretVersion[] = [];
        const pages = repeating().listPropertiesOfSecretVersions(name, { abortSignal: limited(signal) });
        for await (const properties of pages) found.push(toVersion(properties));
        return found;
      }, signal),
    isDeleted: (name, signal) =>
      judged(async () => {
        try {
          await repeating().getDeletedSecret(name, { abortSignal: limited(signal) });
          return true;
        } catch (error) {
          if (saysAbsent(error)) return false;
          throw error;
        }
      }, signal),
    publish: (name, publication) => publish(single(), name, publication),
    tag: (name, versionId, tags, expiresAt, signal) =>
      judged(async () => {
        const properties = { tags: { ...tags }, expiresOn: new Date(expiresAt), contentType };
        await repeating().updateSecretProperties(name, versionId, {
          ...properties,
          abortSignal: limited(signal),
        });
      }, signal),
    disable: (name, versionId, signal) =>
      judged(async () => {
        const abortSignal = limited(signal);
        await repeating().updateSecretProperties(name, versionId, { enabled: false, abortSignal });
      }, signal),
  };
}

function clientWith({ vaultUrl, credential, httpClient }: VaultOptions, maxRetries: number): SecretClient {
  return new SecretClient(vaultUrl, credential, {
    retryOptions: { maxRetries, retryDelayInMs: 500, maxRetryDelayInMs: maxRetryAfterMs },
    userAgentOptions: { userAgentPrefix: 'telehealth-functions' },
    additionalPolicies: [{ policy: capRetryAfter(maxRetryAfterMs), position: 'perRetry' }],
    ...(httpClient ? { httpClient } : {}),
  });
}

async function readCurrent(
  client: SecretClient,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Dated<CurrentSecret | undefined>> {
  let serverTime: number | undefined;
  const options = {
    abortSignal: limited(signal),
    onResponse: (response: { headers: { get(name: string): string | undefined } }) => {
      serverTime = serverTimeOf(response.headers);
    },
  };
  return judged(async () => {
    try {
      const value = toCurrent(await client.getSecret(name, options));
      return { value, serverTime };
    } catch (error) {
      if (saysAbsent(error)) return { value: undefined, serverTime };
      throw error;
    }
  }, signal);
}

async function publish(client: SecretClient, name: string, publication: Publication): Promise<PublishReply> {
  const { value, expiresAt, tags } = publication;
  try {
    const options = {
      tags: { ...tags },
      expiresOn: new Date(expiresAt),
      contentType,
      abortSignal: limited(undefined),
    };
    const stored = await client.setSecret(name, value.reveal(), options);
    return { kind: 'published', versionId: toVersion(stored.properties).versionId };
  } catch (error) {
    const status = vaultStatus(error);
    const failure = vaultFailure(error);
    if (status === 429) return { kind: 'throttled', error: failure };
    const definite = status !== undefined && status >= 400 && status < 500 && status !== 408;
    return { kind: definite ? 'refused' : 'unanswered', error: failure };
  }
}

function limited(signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(rotationVaultTimeoutMs);
  return signal ? AbortSignal.any([timeout, signal]) : timeout;
}

async function judged<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    throw vaultFailure(error);
  }
}

function toCurrent({ value, properties }: KeyVaultSecret): CurrentSecret {
  if (value === undefined)
    throw new AppError('upstream_failed', 'Key Vault answered a secret without its value.');
  return { ...toVersion(properties), value: new Secret(value) };
}

function toVersion({ version, enabled, createdOn, expiresOn, tags }: SecretProperties): SecretVersion {
  if (version === undefined || enabled === undefined || createdOn === undefined) {
    throw new AppError(
      'upstream_failed',
      'Key Vault gave an answer that does not have its documented shape.',
    );
  }
  return {
    versionId: version,
    enabled,
    createdAt: createdOn.getTime(),
    expiresAt: expiresOn?.getTime(),
    tags: tags ?? {},
  };
}
