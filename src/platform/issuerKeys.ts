// The published signing keys of an OIDC issuer: cached, fetched by one request at a time, and served stale while it fails.
import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';
import * as z from 'zod/mini';
import type { Clock } from './clock.ts';
import { AppError } from './errors.ts';
import { issuerCooldownMs, issuerFreshMs, issuerMaxBytes, issuerStaleMs, issuerTimeoutMs } from './limits.ts';
import type { RestClient } from './restClient.ts';

const discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.string().check(z.startsWith('https://')) });
const keySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) });

interface Fetched {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly at: number;
}

export class IssuerKeys {
  readonly #issuer: string;
  readonly #client: RestClient;
  readonly #clock: Clock;
  #fetched: Fetched | undefined;
  #lastTry = Number.NEGATIVE_INFINITY;
  #lastFailure: { readonly cause: unknown } | undefined;
  #underWay: Promise<void> | undefined;

  constructor(issuer: string, client: RestClient, clock: Clock) {
    this.#issuer = issuer;
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * The key that a token's header names. Throws `unauthenticated` when the issuer has no such key, and `upstream_failed` with
   * a time to come back when that cannot be known because the issuer fails.
   */
  async key(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    const age = this.#age();
    if (age >= issuerFreshMs) {
      const refreshed = this.#refresh();
      // Old keys serve only while the issuer fails: a key that it withdrew must not outlive an idle time.
      if (age >= issuerStaleMs || !this.#lastFailure) await refreshed;
    }
    const known = await find(this.#usable(), header, token);
    if (known) return known;
    // An unknown key id may be a new key: ask for it, but not more often than the cool-down allows.
    await this.#refresh();
    const renewed = await find(this.#usable(), header, token);
    if (renewed) return renewed;
    if (this.#lastFailure) {
      throw new AppError('upstream_failed', 'The issuer of the access token cannot be asked for its keys.', {
        retryAfterSeconds: issuerCooldownMs / 1000,
        cause: this.#lastFailure.cause,
      });
    }
    throw new AppError(
      'unauthenticated',
      'The access token is signed with a key that its issuer does not publish.',
      {
        challenge: 'invalid_token',
      },
    );
  }

  /** One fetch at a time, and none within the cool-down, whether the last one succeeded or failed. Never rejects. */
  #refresh(): Promise<void> {
    if (this.#underWay) return this.#underWay;
    if (this.#clock.monotonic() - this.#lastTry < issuerCooldownMs) return Promise.resolve();
    this.#lastTry = this.#clock.monotonic();
    this.#underWay = this.#fetch().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #fetch(): Promise<void> {
    try {
      const keys = await fetchKeys(this.#issuer, this.#client);
      this.#fetched = { find: createLocalJWKSet(keys), at: this.#clock.monotonic() };
      this.#lastFailure = undefined;
    } catch (cause) {
      this.#lastFailure = { cause };
    }
  }

  #age(): number {
    return this.#fetched ? this.#clock.monotonic() - this.#fetched.at : Number.POSITIVE_INFINITY;
  }

  #usable(): Fetched | undefined {
    return this.#age() < issuerStaleMs ? this.#fetched : undefined;
  }
}

async function find(
  keys: Fetched | undefined,
  header: JWSHeaderParameters,
  token: FlattenedJWSInput,
): Promise<CryptoKey | undefined> {
  try {
    return await keys?.find(header, token);
  } catch (error) {
    // Several keys fit where a token names no key id: nothing says which one, so none is believed.
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
      return undefined;
    throw error;
  }
}

/** The keys that an issuer publishes now. Throws what the client throws, and plain errors for answers of another form. */
export async function fetchKeys(issuer: string, client: RestClient): Promise<JSONWebKeySet> {
  const found = await readJson(
    client,
    'discovery',
    `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    discovery,
  );
  if (found.issuer !== issuer) throw new Error('the discovery document names another issuer');
  return readJson(client, 'keys', found.jwks_uri, keySet);
}

async function readJson<T>(
  client: RestClient,
  operation: string,
  url: string,
  shape: z.ZodMiniType<T>,
): Promise<T> {
  const reply = await client.send({
    operation,
    method: 'GET',
    url,
    timeoutMs: issuerTimeoutMs,
    maxBytes: issuerMaxBytes,
  });
  if (reply.status !== 200) throw new Error(`the issuer answered ${reply.status}`);
  return shape.parse(JSON.parse(reply.text));
}
