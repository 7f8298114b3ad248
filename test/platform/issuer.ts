// An OIDC issuer for tests: makes keys with jose, publishes them through a RestClient that counts, and signs tokens.
import {
  base64url,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import { createCallers, type Callers } from '../../src/platform/caller.ts';
import { IssuerKeys } from '../../src/platform/issuerKeys.ts';
import type { RestClient, RawReply, RestRequest } from '../../src/platform/restClient.ts';
import type { CallerSettings } from '../../src/platform/settings/types.ts';
import { ManualClock } from '../support/clock.ts';

export const tenant = '7e1e4ea1-7000-4000-8000-000000000001';
export const oid = '7e1e4ea1-7000-4000-8000-00000000000a';
export const entraIssuer = `https://login.microsoftonline.com/${tenant}/v2.0`;
export const audience = 'api://clinic';

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

const pairs = new Map<string, ReturnType<typeof generateKeyPair>>();

/** The same key for the same id and algorithm, because making one takes long; `fresh` makes another under that id. */
export async function makeKey(kid: string, alg = 'RS256', fresh = ''): Promise<SigningKey> {
  const name = `${kid} ${alg} ${fresh}`;
  const pair = pairs.get(name) ?? generateKeyPair(alg);
  pairs.set(name, pair);
  const { privateKey, publicKey } = await pair;
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return { kid, alg, privateKey, publicJwk };
}

/** What the issuer publishes; replace `answer` to make it fail, hang or lie. */
export class FakeIssuer {
  readonly requests: RestRequest[] = [];
  readonly issuer: string;
  keys: readonly SigningKey[];
  answer: (request: RestRequest) => Promise<{ readonly status: number; readonly text: string }>;

  constructor(issuer: string, keys: readonly SigningKey[]) {
    this.issuer = issuer;
    this.keys = keys;
    this.answer = async (request) => this.publish(request);
  }

  async publish({ url }: RestRequest): Promise<{ readonly status: number; readonly text: string }> {
    const keysUrl = 'https://issuer.example/keys';
    const base = this.issuer.replace(/\/$/, '');
    if (url === `${base}/.well-known/openid-configuration`)
      return { status: 200, text: JSON.stringify({ issuer: this.issuer, jwks_uri: keysUrl }) };
    if (url === keysUrl)
      return { status: 200, text: JSON.stringify({ keys: this.keys.map(({ publicJwk }) => publicJwk) }) };
    throw new Error(`unexpected request for ${url}`);
  }

  /** Fetches begun: each starts with the discovery document. */
  get fetches(): number {
    return this.requests.filter(({ url }) => url.endsWith('/openid-configuration')).length;
  }

  readonly client: RestClient = {
    send: async (request): Promise<RawReply> => {
      this.requests.push(request);
      const { status, text } = await this.answer(request);
      const body = Buffer.from(text);
      return { status, body, text, header: () => undefined, serverTime: undefined };
    },
    forgetToken: () => undefined,
  };
}

export interface Tokens {
  readonly clock: ManualClock;
  readonly issuer: FakeIssuer;
  readonly key: SigningKey;
  readonly callers: Callers;
  /** The `Authorization` header of a good user token, with these claims and header parameters changed. */
  bearer(claims?: JWTPayload, header?: Readonly<Record<string, unknown>>, key?: SigningKey): Promise<string>;
}

export async function openTokens(
  settings: Partial<CallerSettings> = {},
  keys: readonly SigningKey[] = [],
): Promise<Tokens> {
  const clock = new ManualClock();
  const believed = {
    issuer: entraIssuer,
    audiences: [audience],
    requiredScope: 'access_as_user',
    ...settings,
  };
  const key = keys[0] ?? (await makeKey('key-1'));
  const issuer = new FakeIssuer(believed.issuer, keys.length > 0 ? keys : [key]);
  const cache = new IssuerKeys(believed.issuer, issuer.client, clock);
  const callers = createCallers(believed, () => cache, clock);
  const good = {
    iss: believed.issuer,
    aud: audience,
    tid: tenant,
    oid,
    sub: 'subject',
    scp: 'access_as_user',
  };
  return {
    ...{ clock, issuer, key, callers },
    async bearer(claims = {}, header = {}, by = key) {
      const now = Math.floor(clock.now() / 1000);
      const body = { ...good, iat: now, nbf: now, exp: now + 3600, ...claims };
      const parameters = { alg: by.alg, typ: 'JWT', kid: by.kid, ...header };
      return `Bearer ${await new SignJWT(body).setProtectedHeader(parameters).sign(by.privateKey)}`;
    },
  };
}

/** A token put together by hand, with whatever signature. */
export function assemble(header: object, claims: object, signature: Uint8Array | string): string {
  const part = (value: object): string => base64url.encode(JSON.stringify(value));
  return `${part(header)}.${part(claims)}.${base64url.encode(signature)}`;
}
