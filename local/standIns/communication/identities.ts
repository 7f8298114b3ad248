// The identities of one ACS resource and what is known of their tokens; the tokens themselves are never kept.
import { randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { Now } from '../kit.ts';
import type { TokenOffice } from '../tokens.ts';
import type { TeamsWish, TokenWish } from './bodies.ts';
import { refused } from './errors.ts';

/** Times are milliseconds since 1970. */
interface StoredToken {
  readonly scopes: readonly string[];
  readonly expiresAt: number;
}

interface StoredIdentity {
  readonly createdAt: number;
  /** Issued since the last revocation and not expired when last looked at. */
  tokens: StoredToken[];
  revokedAt?: number;
  deletedAt?: number;
}

/** Plain data, so that it can be saved as JSON. */
export interface CommunicationData {
  /** By id, `8:acs:<resource>_<user>`. Deleted ones stay, so that they are told from those that never were. */
  readonly identities: Record<string, StoredIdentity>;
  teamsTokens: { readonly userId: string; readonly expiresAt: number }[];
}

export interface AccessToken {
  readonly token: string;
  readonly expiresOn: string;
}

const entraAudience = 'https://auth.msft.communication.azure.com';
const entraAppId = '1fd5118e-2576-4263-8130-9503064c837a';
const teamsScopes = ['Teams.ManageCalls', 'Teams.ManageChats'];

export class Identities {
  readonly #resourceId: string;
  readonly #tokens: TokenOffice;
  readonly #now: Now;
  readonly #data: CommunicationData;

  constructor(resourceId: string, tokens: TokenOffice, now: Now, data: CommunicationData) {
    this.#resourceId = resourceId;
    this.#tokens = tokens;
    this.#now = now;
    this.#data = data;
  }

  /** Never the same one twice: create is not idempotent. */
  create(): string {
    const id = `8:acs:${this.#resourceId}_${randomUUID()}`;
    this.#data.identities[id] = { createdAt: this.#now(), tokens: [] };
    return id;
  }

  async issue(id: string, { scopes, minutes }: TokenWish): Promise<AccessToken> {
    const identity = this.#get(id);
    const expiresAt = this.#now() + minutes * 60_000;
    const claims = {
      skypeid: id.replace(/^8:/, ''),
      scp: 1792,
      acsScope: scopes.join(','),
      resourceId: this.#resourceId,
    };
    identity.tokens = [...this.#live(identity.tokens), { scopes, expiresAt }];
    return this.#sign(claims, expiresAt);
  }

  /** Ends every token issued so far. Azure lets up to 15 minutes pass; a new one may be issued at once. */
  revoke(id: string): void {
    const identity = this.#get(id);
    identity.tokens = [];
    identity.revokedAt = this.#now();
  }

  delete(id: string): void {
    const identity = this.#get(id);
    identity.tokens = [];
    identity.deletedAt = this.#now();
  }

  /** Throws `CommunicationError` (401) unless the Entra token is that user's, made for that application and for Teams. */
  async exchange({ token, appId, userId }: TeamsWish): Promise<AccessToken> {
    const judged = await this.#tokens.judge(`Bearer ${token}`, entraAudience, entraAppId);
    if (!judged.ok) throw refused.teamsToken();
    const { claims } = judged;
    const scopes = String(claims['scp']).split(' ');
    const asked = claims['oid'] === userId && (claims['appid'] ?? claims['azp']) === appId;
    if (!asked || claims.exp === undefined || !scopes.some((scope) => teamsScopes.includes(scope))) {
      throw refused.teamsToken();
    }
    const expiresAt = claims.exp * 1000;
    this.#data.teamsTokens = [...this.#live(this.#data.teamsTokens), { userId, expiresAt }];
    return this.#sign({ skypeid: `orgid:${userId}`, scp: 1024, resourceId: this.#resourceId }, expiresAt);
  }

  state(): object {
    return {
      identities: Object.entries(this.#data.identities).map(
        ([id, { createdAt, tokens, revokedAt, deletedAt }]) => {
          const live = this.#live(tokens);
          return {
            id,
            createdAt: iso(createdAt),
            liveTokens: live.length,
            tokens: live.map(({ scopes, expiresAt }) => ({ scopes, expiresOn: iso(expiresAt) })),
            ...(revokedAt === undefined ? {} : { revokedAt: iso(revokedAt) }),
            ...(deletedAt === undefined ? {} : { deletedAt: iso(deletedAt) }),
          };
        },
      ),
      teamsTokens: this.#live(this.#data.teamsTokens).map(({ userId, expiresAt }) => ({
        userId,
        expiresOn: iso(expiresAt),
      })),
    };
  }

  /** A made-up id of the right form is answered as one of another resource (recorded from the real service). */
  #get(id: string): StoredIdentity {
    const identity = Object.hasOwn(this.#data.identities, id) ? this.#data.identities[id] : undefined;
    if (!identity) throw refused.identity();
    if (identity.deletedAt !== undefined) throw refused.deleted();
    return identity;
  }

  #live<T extends { readonly expiresAt: number }>(tokens: readonly T[]): T[] {
    return tokens.filter(({ expiresAt }) => expiresAt > this.#now());
  }

  /** A JWT, as the clients read its `exp`; without audience, so that no service of this tenant takes it for Entra's. */
  async #sign(claims: JWTPayload, expiresAt: number): Promise<AccessToken> {
    const exp = Math.floor(expiresAt / 1000);
    const token = await this.#tokens.sign({ claims: { ...claims, jti: randomUUID(), exp } });
    return { token, expiresOn: iso(expiresAt).replace('Z', '0000+00:00') };
  }
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
