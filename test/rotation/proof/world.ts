// The tenant of the proofs, in memory: one application, two vaults, the state's blobs, and what is true of them.
import type { ServiceClientSettings } from '../../../src/platform/settings/types.ts';
import type { SecretVersion } from '../../../src/rotation/keyVaultSecrets.ts';
import { targetOf, displayNameOf, targetIdIn, type Target } from '../../../src/rotation/target.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
/** In every secret, hint and token, and nowhere else: where it shows, one of them does. */
export const mark = '¤';
export const objectId = 'object-1';

export const client: ServiceClientSettings = {
  ...{ appId: 'app-1', tenantId: 'tenant-1', secretName: 'secret-1' },
  ...{ validityDays: 90, beforeDays: 30, overlapHours: 168, retire: 'remove' as const },
};

export interface Credential {
  readonly keyId: string;
  readonly displayName: string;
  readonly value: string;
  /** By Graph's clock. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** In true time; a removed one stays here. */
  readonly addedAt: number;
  removedAt: number;
  removedBy?: string;
}

export interface Version extends SecretVersion {
  enabled: boolean;
  expiresAt: number | undefined;
  tags: Readonly<Record<string, string>>;
  readonly text: string;
  /** In true time. */
  readonly setAt: number;
  readonly setBy: string;
}

export class Vault {
  readonly target: Target;
  readonly versions: Version[] = [];
  /** Versions that there ever were: no two have one id, even if all are lost. */
  made = 0;
  deleted = false;
  /** For its target, in true time; `asked`: somebody wanted it at once. */
  lastMint = { at: -Infinity, asked: false };
  /** Counts what happened to it that the rotation did not do, or did long ago. */
  disturbed = 0;

  constructor(url: string) {
    this.target = targetOf(client, url);
  }

  get current(): Version | undefined {
    return this.deleted ? undefined : this.versions.at(-1);
  }
}

export interface Blob {
  text: string;
  etag: string;
  lease?: { id: string; until: number };
}

export class World {
  credentials: Credential[] = [];
  readonly vault = new Vault('https://main.vault.azure.net');
  /** What a rotator with a wrong setting takes for its vault. */
  readonly wrongVault = new Vault('https://wrong.vault.azure.net');
  readonly blobs = new Map<string, Blob>();
  /** How far the services' clocks are off, and how old what Graph shows may be. */
  readonly skew = { graph: 0, vault: 0 };
  staleMs = 15_000;
  /** Entra's replicas learn of a change one after the other within this time. */
  lagMs = 0;
  graphDisturbed = 0;
  /** Times at which Entra said no to a value. */
  readonly rejections = new Map<string, number[]>();
  /** Values of publishes that are still under way. */
  readonly underWay: string[] = [];
  readonly adoptable = new Set<string>();
  #made = 0;

  next(): number {
    this.#made += 1;
    return this.#made;
  }

  /** No two begin alike. */
  newValue(): string {
    const hint = `${mark}${this.next().toString(36).padStart(2, '0').slice(-2)}`;
    return `${hint}8Q~${String(this.#made).padStart(6, '0')}`;
  }

  ownName(random: string, target: Target = this.vault.target): string {
    return displayNameOf(target.id, `20260101T000000Z-${random.padStart(6, '0')}`);
  }

  present(): Credential[] {
    return this.credentials.filter(({ removedAt }) => removedAt === Infinity);
  }

  /** Of our target and still valid. */
  owned(now: number): Credential[] {
    return this.valid(now).filter((one) => isOwn(one, this.vault));
  }

  valid(now: number): Credential[] {
    return this.present().filter(({ endsAt }) => endsAt > now);
  }

  byValue(value: string | undefined): Credential | undefined {
    return this.credentials.find((one) => one.value === value);
  }

  add(credential: Omit<Credential, 'removedAt'>): void {
    this.credentials.push({ ...credential, removedAt: Infinity });
  }

  remove(credential: Credential, now: number, by: string): void {
    credential.removedAt = now;
    credential.removedBy = by;
  }

  set(
    vault: Vault,
    { text, tags = {}, now, by }: { text: string; tags?: Version['tags']; now: number; by: string },
    expiresAt?: number,
  ): Version {
    vault.made += 1;
    const version: Version = {
      ...{ versionId: `version-${vault.made}`, enabled: true, text, tags, expiresAt },
      createdAt: Math.floor((now + this.skew.vault) / 1000) * 1000,
      ...{ setAt: now, setBy: by },
    };
    vault.versions.push(version);
    return version;
  }
}

export function isOwn({ displayName }: Credential, { target }: Vault): boolean {
  return targetIdIn(displayName) === target.id;
}
