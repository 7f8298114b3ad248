// Keeps the cursor of one service: a leased blob for the state, and a table row that remembers that it was born.
import type { TableClient } from '@azure/data-tables';
import type { ContainerClient } from '@azure/storage-blob';
import * as z from 'zod/mini';
import { isoTime, type Clock } from '../platform/clock.ts';
import { isAppError } from '../platform/errors.ts';
import { acquireLease, type Lease } from '../platform/lease.ts';
import { StateDocuments } from '../platform/stateDocuments.ts';
import { storageFailure, withCreate } from '../platform/storage.ts';
import type { Cursor } from './cursor.ts';
import { FeedStop } from './outcome.ts';
import { reportShape, type FeedReport } from './report.ts';
import type { SinkName } from './sink.ts';

const whole = z.int().check(z.nonnegative());
const interval = { from: whole, to: whole };
const sinkName = z.enum(['blob', 'queue'] satisfies SinkName[]);
const schema = 1;

const documentShape = z.object({
  schema: z.literal(schema),
  service: z.string(),
  epoch: whole,
  committed: whole,
  anchor: z.nullable(
    z.object({ sequence: whole, timestamp: z.string(), action: z.string(), uidHash: z.string() }),
  ),
  pending: z.nullable(
    z.object({
      ...interval,
      holes: z.array(z.object(interval)),
      late: z.boolean(),
      accepted: z.array(sinkName),
      failure: z.nullable(z.object({ sink: sinkName, count: whole, notBefore: z.number() })),
    }),
  ),
  holes: z.array(z.object({ ...interval, firstSeen: z.number() })),
  crossed: z.array(z.object({ ...interval, crossedAt: z.number(), readAt: z.number() })),
  report: z.nullable(reportShape),
});

export interface StoredCursor {
  readonly cursor: Cursor;
  readonly report: FeedReport | null;
}

/** What there is of a service's cursor. `lost`: it was born, `epoch` being the highest it had, but its blob is gone. */
export type Found =
  | ({ readonly kind: 'present' } & StoredCursor)
  | { readonly kind: 'absent' }
  | { readonly kind: 'lost'; readonly epoch: number };

export type Opened =
  | { readonly kind: 'open'; readonly session: CursorSession }
  | { readonly kind: 'busy' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'lost'; readonly epoch: number };

/** The cursor while its lease is ours. */
export interface CursorSession {
  readonly stored: StoredCursor;
  /** Aborts when another run may hold the cursor. */
  readonly lost: AbortSignal;
  /** Throws `FeedStop` (`lost_lease`) once the lease no longer vouches for us. */
  guard(): void;
  /** Writes it on the condition that nobody else did and the lease is ours; throws `FeedStop` (`lost_lease`) if not. */
  save(next: StoredCursor): Promise<void>;
  close(): Promise<void>;
}

export interface CursorStore {
  /** Without a lease, for reports. */
  find(): Promise<Found>;
  open(): Promise<Opened>;
  /** Makes the first cursor, or one in place of a lost one. Throws `busy` when another run was faster. */
  create(next: StoredCursor): Promise<void>;
}

export interface StoreOptions {
  /** Normalised URL. */
  readonly service: string;
  readonly container: ContainerClient;
  readonly births: TableClient;
  readonly clock: Clock;
}

export function createCursorStore({ service, container, births, clock }: StoreOptions): CursorStore {
  const documents = new StateDocuments(container);
  const { host } = new URL(service);
  const path = `change-feed/${host}/cursor.json`;
  const birth = createBirth(births, host, service, clock);

  async function read(): Promise<(StoredCursor & { readonly etag: string }) | undefined> {
    const found = await documents.read(path, schema, documentShape);
    if (!found) return undefined;
    const { report, schema: _, service: __, ...cursor } = found.value;
    return { cursor, report, etag: found.etag };
  }

  async function withoutBlob(): Promise<Exclude<Found, { kind: 'present' }>> {
    const epoch = await birth.read();
    return epoch === undefined ? { kind: 'absent' } : { kind: 'lost', epoch };
  }

  const body = ({ cursor, report }: StoredCursor): StoredCursor['cursor'] & { readonly schema: number } => ({
    ...{ schema, service },
    ...cursor,
    ...{ report },
  });

  function startSession(lease: Lease, found: StoredCursor & { readonly etag: string }): CursorSession {
    let etag = found.etag;
    const guard = (): void => {
      if (!lease.vouches()) throw lostLease();
    };
    return {
      stored: found,
      lost: lease.lost,
      guard,
      async save(next) {
        guard();
        if (next.cursor.epoch > found.cursor.epoch) await birth.write(next.cursor.epoch);
        try {
          etag = await documents.write(path, body(next), { kind: 'etag', etag, leaseId: lease.id });
        } catch (error) {
          throw isAppError(error, 'conflict') ? lostLease(error) : error;
        }
      },
      close: () => lease.release(),
    };
  }

  return {
    async find() {
      const found = await read();
      return found ? { kind: 'present', ...found } : withoutBlob();
    },
    async open() {
      let lease;
      try {
        lease = await acquireLease(container, path, clock, { makeAbsent: false });
      } catch (error) {
        // Only a blob that certainly is not there; anything else ends the run, or an outage would look like a first run.
        const { code } = storageFailure(error);
        if (code !== 'BlobNotFound' && code !== 'ContainerNotFound') throw error;
        return withoutBlob();
      }
      if (!lease) return { kind: 'busy' };
      try {
        const found = await read();
        if (!found) throw lostLease();
        // Before anything is delivered the birth is on record: a run may have died between the two writes.
        await birth.ensure(found.cursor.epoch);
        return { kind: 'open', session: startSession(lease, found) };
      } catch (error) {
        await lease.release();
        throw error;
      }
    },
    async create(next) {
      if (next.cursor.epoch > 1) await birth.write(next.cursor.epoch);
      await documents.write(path, body(next), { kind: 'absent' });
      await birth.ensure(next.cursor.epoch);
    },
  };
}

interface Birth {
  read(): Promise<number | undefined>;
  write(epoch: number): Promise<void>;
  /** Writes the row where there is none; asks once per process. */
  ensure(epoch: number): Promise<void>;
}

function createBirth(table: TableClient, host: string, service: string, clock: Clock): Birth {
  const key = { partitionKey: host, rowKey: 'cursor' };
  let known = false;
  const birth: Birth = {
    async read() {
      try {
        const row = await table.getEntity<{ epoch: number }>(key.partitionKey, key.rowKey);
        return z.parse(whole, row.epoch);
      } catch (error) {
        const { code } = storageFailure(error);
        if (code === 'ResourceNotFound' || code === 'TableNotFound') return undefined;
        throw error;
      }
    },
    async write(epoch) {
      const row = { ...key, service, epoch, time: isoTime(clock.now()) };
      await withCreate(
        () => table.createTable(),
        () => table.upsertEntity(row, 'Replace'),
      );
      known = true;
    },
    async ensure(epoch) {
      if (!known && (await birth.read()) === undefined) await birth.write(epoch);
      known = true;
    },
  };
  return birth;
}

function lostLease(cause?: unknown): FeedStop {
  return new FeedStop('lost_lease', 'Another run took the cursor over.', {
    code: 'busy',
    advice: 'Nothing: the other run goes on from the last commit.',
    cause,
  });
}
