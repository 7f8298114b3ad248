// Key Vault: reads the current version and the older ones, publishes a new version, tags and disables.
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { SecretClient, type KeyVaultSecret, type SecretProperties } from '@azure/keyvault-secrets';
import { signInFailed } from '../platform/credential.ts';
import { AppError } from '../platform/errors.ts';
import { rotationVaultTimeoutMs } from '../platform/limits.ts';
import { sdkOptions } from '../platform/restClient.ts';
import { timeLimit } from '../platform/run.ts';
import { Secret } from '../platform/secret.ts';
import { once } from '../platform/once.ts';
import { requestIdIn } from './requestIds.ts';
import { saysAbsent, vaultFailure } from './vaultAnswers.ts';

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
export type PublishReply = { readonly requestId?: string | undefined } & (
  | { readonly kind: 'published'; readonly versionId: string }
  | { readonly kind: 'refused' | 'throttled' | 'unanswered'; readonly error: AppError }
);

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
    current: (name, signal) =>
      ask(signal, async (options, answer) => {
        const found = await orAbsent(repeating().getSecret(name, options));
        return { value: found && toCurrent(found), serverTime: answer.serverTime };
      }),
    versions: (name, signal) =>
      ask(signal, async (options) => {
        const found: SecretVersion[] = [];
        for await (const properties of repeating().listPropertiesOfSecretVersions(name, options)) {
          found.push(toVersion(properties));
        }
        return found;
      }),
    isDeleted: (name, signal) =>
      ask(
        signal,
        async (options) => (await orAbsent(repeating().getDeletedSecret(name, options))) !== undefined,
      ),
    publish: (name, publication) => publish(single(), name, publication),
    tag: (name, versionId, tags, expiresAt, signal) =>
      ask(signal, async (options) => {
        const properties = { tags: { ...tags }, expiresOn: new Date(expiresAt), contentType };
        await repeating().updateSecretProperties(name, versionId, { ...properties, ...options });
      }),
    disable: (name, versionId, signal) =>
      ask(signal, async (options) => {
        await repeating().updateSecretProperties(name, versionId, { enabled: false, ...options });
      }),
  };
}

function clientWith({ vaultUrl, credential, httpClient }: VaultOptions, maxRetries: number): SecretClient {
  return new SecretClient(vaultUrl, credential, sdkOptions(maxRetries, httpClient));
}

async function publish(
  client: SecretClient,
  name: string,
  { value, expiresAt, tags }: Publication,
): Promise<PublishReply> {
  const { options, answer } = listening(undefined);
  try {
    const attributes = { tags: { ...tags }, expiresOn: new Date(expiresAt), contentType };
    const stored = await client.setSecret(name, value.reveal(), { ...attributes, ...options });
    const { versionId } = toVersion(stored.properties);
    return { kind: 'published', versionId, requestId: answer.requestId };
  } catch (error) {
    const { status, requestId } = answer;
    const failure = { error: vaultFailure(error, answer), requestId };
    if (status === 429) return { kind: 'throttled', ...failure };
    const definite = status !== undefined && status >= 400 && status < 500 && status !== 408;
    return { kind: definite || signInFailed(error) ? 'refused' : 'unanswered', ...failure };
  }
}

/** Of the last answer after all repetitions; undefined where none came. */
interface Answer {
  status: number | undefined;
  serverTime: number | undefined;
  requestId: string | undefined;
}

interface CallOptions {
  readonly abortSignal: AbortSignal;
  readonly onResponse: (response: {
    readonly status: number;
    readonly headers: { get(name: string): string | undefined };
  }) => void;
}

/** The client's own error cannot be asked: at an error answer without a body it throws a TypeError (measured with 4.12). */
function listening(signal: AbortSignal | undefined): { options: CallOptions; answer: Answer } {
  const answer: Answer = { status: undefined, serverTime: undefined, requestId: undefined };
  const abortSignal = timeLimit(rotationVaultTimeoutMs, signal);
  const onResponse: CallOptions['onResponse'] = ({ status, headers }) => {
    answer.status = status;
    answer.requestId = requestIdIn(headers.get('x-ms-request-id'));
    const time = Date.parse(headers.get('date') ?? '');
    answer.serverTime = Number.isNaN(time) ? undefined : time;
  };
  return { options: { abortSignal, onResponse }, answer };
}

async function ask<T>(
  signal: AbortSignal | undefined,
  work: (options: CallOptions, answer: Answer) => Promise<T>,
): Promise<T> {
  const { options, answer } = listening(signal);
  try {
    return await work(options, answer);
  } catch (error) {
    signal?.throwIfAborted();
    throw vaultFailure(error, answer);
  }
}

async function orAbsent<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (saysAbsent(error)) return undefined;
    throw error;
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
