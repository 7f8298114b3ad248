// Key Vault: the key that the webhook's requests are signed with.
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { SecretClient } from '@azure/keyvault-secrets';
import type { Clock } from '../platform/clock.ts';
import { feedSigningKeyMs, feedSigningKeyTimeoutMs } from '../platform/limits.ts';
import { sdkOptions } from '../platform/restClient.ts';
import { timeLimit } from '../platform/run.ts';
import { Secret } from '../platform/secret.ts';
import { once } from '../platform/once.ts';
import { storageFailure } from '../platform/storage.ts';
import { FeedStop } from './outcome.ts';

export interface SigningKey {
  /** The bytes of the newest version, at most five minutes old. Throws `FeedStop` (`sink_down`), and the signal's reason. */
  current(signal: AbortSignal): Promise<Buffer>;
  /** Makes the next call ask the vault. */
  forget(): void;
}

export interface SigningKeyOptions {
  readonly vaultUrl: string;
  readonly secretName: string;
  readonly credential: TokenCredential;
  readonly httpClient: HttpClient | undefined;
  readonly clock: Clock;
}

export function createSigningKey(options: SigningKeyOptions): SigningKey {
  const { vaultUrl, secretName, credential, httpClient, clock } = options;
  const client = once(() => new SecretClient(vaultUrl, credential, sdkOptions(2, httpClient)));
  let known: { readonly text: Secret; readonly until: number } | undefined;

  async function read(signal: AbortSignal): Promise<Secret> {
    try {
      const abortSignal = timeLimit(feedSigningKeyTimeoutMs, signal);
      const { value = '' } = await client().getSecret(secretName, { abortSignal });
      return new Secret(value);
    } catch (cause) {
      signal.throwIfAborted();
      throw unreadable(cause);
    }
  }

  return {
    async current(signal) {
      if (!known || clock.monotonic() >= known.until) {
        const until = clock.monotonic() + feedSigningKeyMs;
        known = { text: await read(signal), until };
      }
      return keyBytes(known.text);
    },
    forget: () => {
      known = undefined;
    },
  };
}

/** Base64 of 24 to 64 bytes, with or without `whsec_` before it, as the libraries of the receivers read it. */
function keyBytes(text: Secret): Buffer {
  const base64 = text
    .reveal()
    .trim()
    .replace(/^whsec_/, '');
  const key = Buffer.from(base64, 'base64');
  const whole = /^[A-Za-z0-9+/]+={0,2}$/.test(base64) && key.length >= 24 && key.length <= 64;
  if (whole) return key;
  throw new FeedStop('sink_down', 'The signing key of the webhook is not of the form that is expected.', {
    code: 'misconfigured',
    advice: 'Store base64 of 24 to 64 random bytes in the Key Vault secret of CHANGE_FEED_WEBHOOK_AUTH.',
  });
}

function unreadable(cause: unknown): FeedStop {
  const { status } = storageFailure(cause);
  const found = new Map([
    [
      403,
      `Assign the app's identity the role "Key Vault Secrets User" on the vault, and check that the secret is enabled.`,
    ],
    [404, 'There is no such secret in the vault: check CHANGE_FEED_WEBHOOK_AUTH.'],
  ]);
  return new FeedStop('sink_down', 'The signing key of the webhook could not be read from Key Vault.', {
    advice: found.get(status ?? 0) ?? 'Check that the vault of CHANGE_FEED_WEBHOOK_AUTH can be reached.',
    cause,
  });
}
