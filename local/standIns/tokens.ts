// Signs and checks the tenant's access tokens, as Entra and the services behind it would.
import {
  exportJWK,
  exportPKCS8,
  exportSPKI,
  importPKCS8,
  importSPKI,
  generateKeyPair,
  jwtVerify,
  SignJWT,
  UnsecuredJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import { errors } from 'jose';
import type { Now } from './kit.ts';

export interface TokenRequest {
  readonly claims: JWTPayload;
  /** Added to `{"alg":"RS256","typ":"JWT","kid"}`. */
  readonly header?: Readonly<Record<string, unknown>> | undefined;
  /** `otherKey` signs with a key nobody publishes, `none` does not sign at all. */
  readonly sign?: 'valid' | 'otherKey' | 'none' | undefined;
}

export type Judgement =
  | { readonly ok: true; readonly claims: JWTPayload }
  | { readonly ok: false; readonly reason: 'missing' | 'malformed' | 'expired' | 'audience' | 'signature' };

const kid = 'standin-key-1';

export class TokenOffice {
  readonly #now: Now;
  readonly #keys: CryptoKeyPairs;
  readonly jwk: JWK;

  private constructor(now: Now, keys: CryptoKeyPairs, jwk: JWK) {
    this.#now = now;
    this.#keys = keys;
    this.jwk = jwk;
  }

  /** `saved` is what `exportKey` of an earlier office answered; without it the key is new. */
  static async open(now: Now, saved?: SigningKey): Promise<TokenOffice> {
    const [own, other] = await Promise.all([saved ? importPair(saved) : newPair(), newPair()]);
    const jwk = { ...(await exportJWK(own.publicKey)), kid, use: 'sig', alg: 'RS256' };
    return new TokenOffice(now, { own, other }, jwk);
  }

  async exportKey(): Promise<SigningKey> {
    const { privateKey, publicKey } = this.#keys.own;
    return { privateKey: await exportPKCS8(privateKey), publicKey: await exportSPKI(publicKey) };
  }

  /** Signs the claims as they are, with `iat`, `nbf` and an `exp` one hour ahead (seconds) where they are absent. */
  async sign({ claims, header = {}, sign = 'valid' }: TokenRequest): Promise<string> {
    const now = Math.floor(this.#now() / 1000);
    const payload = { iat: now, nbf: now, exp: now + 3600, ...claims };
    if (sign === 'none') return new UnsecuredJWT(payload).encode();
    const key = sign === 'valid' ? this.#keys.own.privateKey : this.#keys.other.privateKey;
    return new SignJWT(payload).setProtectedHeader({ typ: 'JWT', kid, ...header, alg: 'RS256' }).sign(key);
  }

  /** Judges an `Authorization` header for one audience, by the stand-ins' clock. */
  async judge(authorization: string | undefined, ...audiences: string[]): Promise<Judgement> {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return { ok: false, reason: 'missing' };
    try {
      const verified = await jwtVerify(token, this.#keys.own.publicKey, {
        algorithms: ['RS256'],
        audience: audiences,
        currentDate: new Date(this.#now()),
      });
      return { ok: true, claims: verified.payload };
    } catch (error) {
      return { ok: false, reason: reasonOf(error) };
    }
  }
}

/** In PEM, for saving. */
export interface SigningKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

interface KeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

interface CryptoKeyPairs {
  readonly own: KeyPair;
  readonly other: KeyPair;
}

function newPair(): Promise<KeyPair> {
  return generateKeyPair('RS256', { extractable: true });
}

async function importPair({ privateKey, publicKey }: SigningKey): Promise<KeyPair> {
  const kept = { extractable: true };
  return {
    privateKey: await importPKCS8(privateKey, 'RS256', kept),
    publicKey: await importSPKI(publicKey, 'RS256', kept),
  };
}

function reasonOf(error: unknown): 'malformed' | 'expired' | 'audience' | 'signature' {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return error.claim === 'aud' ? 'audience' : 'expired';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  return 'malformed';
}
