// Reads settings by their table row and collects every problem instead of stopping at the first.
import { Secret } from '../secret.ts';
import {
  storageConnectionString,
  storageParts,
  table,
  type Row,
  type SettingName,
  type StorageName,
} from './table.ts';
import type { SettingProblem, StorageSettings } from './types.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const hidden = 'a value that is not shown';
/** Azure docs: one that cannot be resolved is handed to the app as it stands. */
const vaultReference = /^@Microsoft\.KeyVault\(/i;
const unresolved =
  'found a reference to Key Vault that is not resolved; expected (in Azure) the secret to be there and enabled, Key Vault Secrets User for the identity that reads it, and a restart of the app since; elsewhere the value itself';

type ValueOf<N extends SettingName> = (typeof table)[N] extends Row<infer T> ? T : never;

export class Reader {
  readonly problems: SettingProblem[] = [];
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** True when the setting has a text; an empty one counts as absent, as it does in the portal. */
  has(name: string): boolean {
    return this.#text(name) !== undefined;
  }

  /** The parsed value or its default; undefined when absent without a default, or bad (noted as a problem). */
  optional<N extends SettingName>(name: N): ValueOf<N> | undefined {
    const row: Row<unknown> = table[name];
    // The row was looked up by N, so its value is N's: TypeScript cannot follow that through the union.
    return this.#parse(name, row) as ValueOf<N> | undefined;
  }

  /** As `optional`, but an absent value is a problem too. */
  required<N extends SettingName>(name: N): ValueOf<N> | undefined {
    if (!this.has(name) && !('fallback' in table[name]))
      this.problem(name, `missing; expected ${table[name].expects}`);
    return this.optional(name);
  }

  /** Notes what is wrong with a setting; the same words about the same setting once. */
  problem(setting: string, problem: string): void {
    if (!this.problems.some((known) => known.setting === setting && known.problem === problem)) {
      this.problems.push({ setting, problem });
    }
  }

  /** The account of a storage setting, or undefined where none of its forms is set (or one is bad: noted). */
  storage(name: StorageName): StorageSettings | undefined {
    const text = this.#text(name);
    const parts = Object.keys(storageParts).filter((part) => this.has(`${name}__${part}`));
    if (text !== undefined && parts.length > 0) {
      this.problem(name, `given together with ${name}__${parts.join(`, ${name}__`)}; expected one form`);
      return undefined;
    }
    if (text !== undefined) {
      const value = this.#parse(name, storageConnectionString);
      return value === undefined
        ? undefined
        : { kind: 'connectionString', connectionString: new Secret(value) };
    }
    return parts.length > 0 ? this.#identityStorage(name) : undefined;
  }

  #identityStorage(name: StorageName): StorageSettings | undefined {
    const part = (key: keyof typeof storageParts): string | undefined =>
      this.#parse(`${name}__${key}`, storageParts[key]);
    const account = part('accountName');
    part('credential');
    const uri = (
      key: 'blobServiceUri' | 'queueServiceUri' | 'tableServiceUri',
      kind: string,
    ): string | undefined =>
      part(key) ?? (account === undefined ? undefined : `https://${account}.${kind}.core.windows.net`);
    const blobUri = uri('blobServiceUri', 'blob');
    const queueUri = uri('queueServiceUri', 'queue');
    const tableUri = uri('tableServiceUri', 'table');
    if (blobUri === undefined || queueUri === undefined || tableUri === undefined) {
      this.problem(
        name,
        `incomplete; expected ${name}__accountName, or __blobServiceUri, __queueServiceUri and __tableServiceUri`,
      );
      return undefined;
    }
    return { kind: 'identity', blobUri, queueUri, tableUri, clientId: part('clientId') };
  }

  #text(name: string): string | undefined {
    const text = this.#environment[name]?.trim();
    return text === '' ? undefined : text;
  }

  #parse<T>(name: string, row: Row<T>): T | undefined {
    const text = this.#text(name) ?? row.fallback;
    if (text === undefined) return undefined;
    if (vaultReference.test(text)) {
      this.problem(name, unresolved);
      return undefined;
    }
    const value = row.parse(text);
    if (value === undefined) {
      const found = row.secret ? hidden : (row.explain?.(text) ?? quoted(text));
      this.problem(name, `found ${found}; expected ${row.expects}`);
    }
    return value;
  }
}

/** A secret pasted into the wrong setting must not be repeated: what may hold one is not shown. */
function quoted(text: string): string {
  if (/[=@?~"]|[\w+/]{40}/.test(text)) return hidden;
  return text.length > 80 ? `"${text.slice(0, 80)}…"` : `"${text}"`;
}
