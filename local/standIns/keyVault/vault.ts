// One vault: its secrets with their versions, and what soft delete keeps. Plain data, so that it can be saved as JSON.
import { randomBytes } from 'node:crypto';
import type { Now } from '../kit.ts';
import type { SetBody, UpdateBody } from './bodies.ts';
import { refused } from './errors.ts';

/** Times of a version are whole seconds since 1970, as in the API. */
export interface StoredVersion {
  /** 32 hexadecimal digits. */
  readonly version: string;
  readonly value: string;
  contentType: string | undefined;
  enabled: boolean;
  nbf: number | undefined;
  exp: number | undefined;
  readonly created: number;
  updated: number;
  tags: Readonly<Record<string, string>> | undefined;
}

export interface StoredSecret {
  readonly name: string;
  /** In the order they were set: the last one is current. */
  readonly versions: [StoredVersion, ...StoredVersion[]];
  /** Seconds since 1970; a deleted secret can only be read as such, recovered or purged. */
  deletedDate?: number;
}

export const recoverableDays = 90;

export class Vault {
  readonly #now: Now;
  readonly #secrets: StoredSecret[];

  constructor(secrets: StoredSecret[], now: Now) {
    this.#secrets = secrets;
    this.#now = now;
  }

  /** By name; deleted ones are another list. */
  list(deleted: boolean): readonly StoredSecret[] {
    this.#purgeOverdue();
    return this.#secrets
      .filter((secret) => (secret.deletedDate !== undefined) === deleted)
      .sort((a, b) => compare(a.name, b.name));
  }

  get(name: string): StoredSecret {
    const secret = this.#find(name);
    if (!secret || secret.deletedDate !== undefined) throw refused.absent(name);
    return secret;
  }

  version(name: string, version: string): StoredVersion {
    const found = this.get(name).versions.find((one) => one.version === version.toLowerCase());
    if (!found) throw refused.absent(`${name}/${version}`);
    return found;
  }

  /** Every call makes a version, a repeated one too. What is not given is not taken over from the version before. */
  set(name: string, body: SetBody): StoredSecret {
    const secret = this.#find(name);
    if (secret?.deletedDate !== undefined) throw refused.deleted(name);
    const version = this.#newVersion(body);
    if (secret) {
      secret.versions.push(version);
      return secret;
    }
    const made: StoredSecret = { name, versions: [version] };
    this.#secrets.push(made);
    return made;
  }

  /** Keeps what is not given; tags are replaced as a whole. */
  update(name: string, version: string, { contentType, attributes, tags }: UpdateBody): StoredVersion {
    const found = this.version(name, version);
    found.contentType = contentType ?? found.contentType;
    found.enabled = attributes?.enabled ?? found.enabled;
    found.nbf = attributes?.nbf ?? found.nbf;
    found.exp = attributes?.exp ?? found.exp;
    found.tags = tags ?? found.tags;
    found.updated = this.#seconds();
    return found;
  }

  delete(name: string): StoredSecret {
    const secret = this.get(name);
    secret.deletedDate = this.#seconds();
    return secret;
  }

  deleted(name: string): StoredSecret {
    const secret = this.#find(name);
    if (secret?.deletedDate === undefined) throw refused.notDeleted(name);
    return secret;
  }

  recover(name: string): StoredSecret {
    const secret = this.deleted(name);
    delete secret.deletedDate;
    return secret;
  }

  purge(name: string): void {
    this.#secrets.splice(this.#secrets.indexOf(this.deleted(name)), 1);
  }

  #find(name: string): StoredSecret | undefined {
    this.#purgeOverdue();
    // Key Vault's names ignore case.
    return this.#secrets.find((secret) => secret.name.toLowerCase() === name.toLowerCase());
  }

  #purgeOverdue(): void {
    const overdue = this.#secrets.filter((secret) => (purgeDate(secret) ?? Infinity) <= this.#seconds());
    for (const secret of overdue) this.#secrets.splice(this.#secrets.indexOf(secret), 1);
  }

  #newVersion({ value, contentType, attributes, tags }: SetBody): StoredVersion {
    const now = this.#seconds();
    return {
      version: randomBytes(16).toString('hex'),
      value,
      contentType: contentType ?? undefined,
      enabled: attributes?.enabled ?? true,
      nbf: attributes?.nbf ?? undefined,
      exp: attributes?.exp ?? undefined,
      created: now,
      updated: now,
      tags: tags ?? undefined,
    };
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}

export function currentOf({ versions }: StoredSecret): StoredVersion {
  return versions.at(-1) ?? versions[0];
}

/** When soft delete ends, seconds since 1970. */
export function purgeDate({ deletedDate }: StoredSecret): number | undefined {
  return deletedDate === undefined ? undefined : deletedDate + recoverableDays * 24 * 60 * 60;
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
