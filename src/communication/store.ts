// What the directory needs of its store; the adapters speak Azure Tables, tests keep it in memory.
import type { Row } from './directory.ts';

export interface Snapshot {
  readonly row: Row | undefined;
  /** Names the version that was read; undefined where there is none. */
  readonly etag: string | undefined;
  /** The store's clock at this reading, milliseconds since 1970, whole seconds. */
  readonly now: number;
}

/** Rows by `rowKey` of the user. All throw `upstream_failed`, `upstream_timeout` or the signal's reason. */
export interface IdentityRows {
  read(rowKey: string, signal?: AbortSignal): Promise<Snapshot>;
  /**
   * Writes over exactly the version in `base`. False: the row that is there now was not written by this call - somebody
   * else changed it, or the write got lost. A refused or unanswered write is judged by reading the row again.
   */
  write(rowKey: string, row: Row, base: Snapshot, signal?: AbortSignal): Promise<boolean>;
  /** Deletes exactly the version in `base`; false when it is not that version any more. */
  remove(rowKey: string, base: Snapshot): Promise<boolean>;
}

/** Something to be looked at later, written before it can become necessary. */
export interface Entry {
  readonly id: string;
  /** The user's row. */
  readonly rowKey: string;
  /** An identity that no row names; without one the entry means whatever the row owes. */
  readonly stray?: { readonly identity: string; readonly resource: string } | undefined;
  /** Milliseconds since 1970 by the store's clock. */
  readonly dueAt: number;
  /** Failed tries so far. */
  readonly attempts: number;
}

/** The outbox: what the clean-up timer finishes when nobody else does. All throw as the rows do. */
export interface Outbox {
  add(entry: Entry, signal?: AbortSignal): Promise<void>;
  /** Entries that are due by the store's clock, in no particular order, and that time; undefined for an unreadable one. */
  due(signal: AbortSignal): AsyncGenerator<{ readonly entry: Entry | undefined; readonly now: number }>;
  /** Changes when and how often an entry is tried; one that is gone stays gone. */
  postpone(entry: Entry, dueAt: number, attempts: number): Promise<void>;
  drop(entry: Entry): Promise<void>;
}
