// Makes tokens, good and forged: every header, every claim and every signature that somebody could put together.
import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { demoUserClaims } from '../../../local/standIns/admin.ts';
import type { TokenOffice } from '../../../local/standIns/tokens.ts';

/** Answers the signature of `<header>.<payload>`. */
export type Signer = (input: string) => Buffer;
export type Fields = Readonly<Record<string, unknown>>;

export const rs =
  (key: KeyObject, hash = 'sha256'): Signer =>
  (input) =>
    sign(hash, Buffer.from(input), key);
export const ps =
  (key: KeyObject, hash = 'sha256'): Signer =>
  (input) =>
    sign(hash, Buffer.from(input), {
      ...{ key, padding: constants.RSA_PKCS1_PSS_PADDING },
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    });
export const es =
  (key: KeyObject, dsaEncoding: 'der' | 'ieee-p1363' = 'ieee-p1363'): Signer =>
  (input) =>
    sign('sha256', Buffer.from(input), { key, dsaEncoding });
export const hs =
  (secret: string | Buffer, hash = 'sha256'): Signer =>
  (input) =>
    createHmac(hash, secret).update(input).digest();
export const unsigned: Signer = () => Buffer.alloc(0);

/** The issuer's keys. `tenant` is the one of the stand-in; the others are published beside it. */
export interface Keys {
  readonly tenant: KeyObject;
  /** Published without a word on what it is for. */
  readonly open: KeyObject;
  readonly ec: KeyObject;
  /** Published for encryption only. */
  readonly enc: KeyObject;
  /** Published for operations that are not `verify`. */
  readonly wrap: KeyObject;
  /** 1024 bits. */
  readonly weak: KeyObject;
  /** Two keys under one id. */
  readonly twin: KeyObject;
  readonly shared: Buffer;
  /** Nobody's but the attacker's. */
  readonly own: KeyObject;
  readonly ownEc: KeyObject;
  readonly published: readonly JsonWebKey[];
}

const rsa = (modulusLength = 2048): KeyObject => generateKeyPairSync('rsa', { modulusLength }).privateKey;
const elliptic = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
export const jwkOf = (key: KeyObject): JsonWebKey => createPublicKey(key).export({ format: 'jwk' });

export const tenantKid = 'standin-key-1';

export async function makeKeys(tokens: TokenOffice): Promise<Keys> {
  const tenant = createPrivateKey((await tokens.exportKey()).privateKey);
  const [open, enc, wrap, twin, own] = [rsa(), rsa(), rsa(), rsa(), rsa()];
  const [ec, ownEc, weak, shared] = [elliptic(), elliptic(), rsa(1024), Buffer.alloc(32, 7)];
  const published = [
    { ...jwkOf(tenant), kid: tenantKid, use: 'sig', alg: 'RS256' },
    { ...jwkOf(open), kid: 'open' },
    { ...jwkOf(ec), kid: 'ec', use: 'sig', alg: 'ES256' },
    { ...jwkOf(enc), kid: 'enc', use: 'enc', alg: 'RS256' },
    { ...jwkOf(wrap), kid: 'wrap', key_ops: ['encrypt', 'wrapKey'], alg: 'RS256' },
    { ...jwkOf(weak), kid: 'weak', use: 'sig', alg: 'RS256' },
    { ...jwkOf(twin), kid: 'twin', use: 'sig', alg: 'RS256' },
    { ...jwkOf(rsa()), kid: 'twin', use: 'sig', alg: 'RS256' },
    { kty: 'oct', k: shared.toString('base64url'), kid: 'shared', use: 'sig', alg: 'HS256' },
  ];
  return { ...{ tenant, open, ec, enc, wrap, weak, twin, shared, own, ownEc }, published };
}

export interface Wish {
  /** Over `{"alg":"RS256","typ":"JWT","kid"}` of the tenant's key; undefined takes one away. */
  readonly header?: Fields;
  /** Over those of a good token of the user. */
  readonly claims?: Fields;
  readonly by?: Signer;
}

/** Makes tokens about one user and remembers what they say, which no answer and no log line may repeat. */
export class Forge {
  readonly keys: Keys;
  readonly oid: string;
  readonly #say: (text: string) => void;

  constructor(keys: Keys, oid: string, say: (text: string) => void) {
    this.keys = keys;
    this.oid = oid;
    this.#say = say;
  }

  /** The claims of a good token of the user, with these changed; seconds since 1970. */
  claims(changes: Fields = {}): Fields {
    const now = seconds();
    const times = { iat: now, nbf: now, exp: now + 3600 };
    return { ...demoUserClaims, ...times, oid: this.oid, sub: this.oid, ...changes };
  }

  jwt({ header = {}, claims = {}, by = rs(this.keys.tenant) }: Wish = {}): string {
    const payload = this.claims(claims);
    for (const value of Object.values(payload).flat()) {
      if (typeof value === 'string' && !believed.has(value)) this.#say(value);
    }
    return compact({ alg: 'RS256', typ: 'JWT', kid: tenantKid, ...header }, payload, by);
  }
}

/** The settings' own words: an answer may say that they are missing. */
const believed = new Set([
  demoUserClaims.iss,
  demoUserClaims.aud,
  'access_as_user',
  'Clinic.Backend',
  'Clinic.Operate',
]);

export const seconds = (): number => Math.floor(Date.now() / 1000);

export function compact(header: Fields | string, payload: Fields | string, by: Signer): string {
  const part = (value: Fields | string): string =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${by(input).toString('base64url')}`;
}

export type Parts = [header: string, payload: string, signature: string];
export const partsOf = (token: string): Parts => token.split('.') as Parts;
