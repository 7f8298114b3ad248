// Keeps the cursor of one service: a leased blob for the state, and a table row that remembers that it was born.
import type { TableClient } from '@azure/data-tables';
import type { ContainerClient } from '@azure/storage-blob';
import * as z from 'zod/mini';
import type { Clock } from '../platform/clock.ts';
import { isAppError } from '../platform/errors.ts';
import { acquireLease, type Lease } from '../platform/lease.ts';
import { StateDocuments } from '../platform/stateDocuments.ts';
import { storageFailure } from '../platform/storage.ts';
import { Birth } from './birth.ts';
import type { Cursor } from './cursor.ts';
import { FeedStop } from './outcome.ts';
import { reportShape, type FeedReport } from './report.ts';
import { sinkName } from './sink.ts';

const whole = z.int().check(z.nonnegative());
const interval = { from: whole, to: whole };
const schema = 1;

export const pendingShape = z.object({
  ...interval,
  holes: z.array(z.object(interval)),
  late: z.boolean(),
  accepted: z.array(sinkName),
  through: z.optional(whole),
});
export const failureShape = z.object({
  sink: sinkName,
  count: whole,
  notBefore: z.number(),
  why: z.optional(z.string()),
});
export const readingShape = z.object({
  pageSize: z.nullable(whole),
  suspects: z.array(whole),
  witness: z.nullable(whole),
});

const documentShape = z.object({
  schema: z.literal(schema),
  service: z.string(),
  epoch: whole,
  committed: whole,
  anchor: z.nullable(
    z.object({ sequence: whole, timestamp: z.string(), action: z.string(), uidHash: z.string() }),
  ),
  pending: z.nullable(pendingShape),
  failure: z.nullable(failureShape),
  holes: z.array(z.object({ ...interval, firstSeen: z.number() })),
  crossed: z.array(z.object({ ...interval, crossedAt: z.number(), readAt: z.number() })),
  // Documents of the first release have none.
  reading: z._default(readingShape, { pageSize: null, suspects: [], witness: null }),
  refusals: z.optional(whole),
  report: z.nullable(reportShape),
});

export interface StoredCursor {
  readonly cursor: Cursor;
  readonly report: FeedReport | null;
}

/** `lost`: it was born, `epoch` being the highest it had, but its blob is gone. */
type Missing = { readonly kind: 'absent' } | { readonly kind: 'lost'; readonly epoch: number };

export type Found = ({ readonly kind: 'present' } & StoredCursor) | Missing;

export type Opened =
  { readonly kind: 'open'; readonly session: CursorSession } | { readonly kind: 'busy' } | Missing;

/** The cursor while its lease is ours. */
export interface CursorSession {
  readonly stored: StoredCursor;
  /** Aborts when another run may hold the cursor. */
  readonly lost: AbortSignal;
  /** Throws `FeedStop` (`lost_lease`) once the lease no longer vouches for us. */
  readonly guard: () => void;
  /** Writes it on the condition that nobody else did and the lease is ours; throws `FeedStop` (`lost_lease`) if not. */
  readonly save: (next: StoredCursor) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface CursorStore {
  /** Without a lease, for reports. */
  find(): Promise<Found>;
  open(): Promise<Opened>;
  /** Makes the first cursor, or one in place of a lost one. Throws `conflict` when another run was faster. */
  readonly create: (next: StoredCursor) => Promise<void>;
}

export interface StoreOptions {
  /** Normalised URL. */
  readonly service: string;
  readonly container: ContainerClient;
  readonly births: TableClient;
  readonly clock: Clock;
}

interface Read extends StoredCursor {
  readonly etag: string;
}

export function createCursorStore({ service, container, births, clock }: StoreOptions): CursorStore {
  const documents = new StateDocuments(container);
  const birth = new Birth(births, service, clock);
  const path = `change-feed/${new URL(service).host}/cursor.json`;

  /** A cursor whose birth is on record, but which was not there before that was read, may have been made in between. */
  async function twice<T>(look: () => Promise<T | undefined>): Promise<T | Missing> {
    const first = await look();
    if (first) return first;
    const epoch = await birth.epoch();
    if (epoch === undefined) return { kind: 'absent' };
    return (await look()) ?? { kind: 'lost', epoch };
  }

  async function openLeased(lease: Lease): Promise<Opened> {
    try {
      const found = await read(documents, path);
      if (!found) throw lostLease();
      // Before anything is delivered the birth is on record: a run may have died between the two writes.
      await birth.ensure(found.cursor.epoch);
      const write = (body: Body, etag: string): Promise<string> =>
        documents.write(path, body, { kind: 'etag', etag, leaseId: lease.id });
      return { kind: 'open', session: createSession({ service, birth, lease, write }, found) };
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  return {
    async find() {
      const found = await twice(() => read(documents, path));
      return 'cursor' in found ? { kind: 'present', cursor: found.cursor, report: found.report } : found;
    },
    async open() {
      const lease = await twice(() => leaseIfThere(container, path, clock));
      return 'kind' in lease ? lease : openLeased(lease);
    },
    create: async (next) => {
      // A raised epoch is on record first: no crash may let it be given out twice.
      if (next.cursor.epoch > 1) await birth.write(next.cursor.epoch);
      await documents.write(path, bodyOf(service, next), { kind: 'absent' });
      await birth.ensure(next.cursor.epoch);
    },
  };
}

async function read(documents: StateDocuments, path: string): Promise<Read | undefined> {
  const found = await documents.read(path, schema, documentShape);
  if (!found) return undefined;
  const { report, schema: _, service: __, ...cursor } = found.value;
  return { cursor, report, etag: found.etag };
}

/** Undefined only for a blob that certainly is not there: anything else ends the run, or an outage would look like a first run. */
async function leaseIfThere(
  container: ContainerClient,
  path: string,
  clock: Clock,
): Promise<Lease | { readonly kind: 'busy' } | undefined> {
  try {
    return (await acquireLease(container, path, clock, { makeAbsent: false })) ?? { kind: 'busy' };
  } catch (error) {
    const { code } = storageFailure(error);
    if (code === 'BlobNotFound' || code === 'ContainerNotFound') return undefined;
    throw error;
  }
}

type Body = Cursor & { readonly schema: number };

function bodyOf(service: string, { cursor, report }: StoredCursor): Body {
  return { ...{ schema, service }, ...cursor, ...{ report } };
}

interface SessionParts {
  readonly service: string;
  readonly birth: Birth;
  readonly lease: Lease;
  /** Answers the new ETag. */
  readonly write: (body: Body, etag: string) => Promise<string>;
}

function createSession({ service, birth, lease, write }: SessionParts, found: Read): CursorSession {
  let { etag } = found;
  const guard = (): void => {
    if (!lease.vouches()) throw lostLease();
  };
  return {
    stored: found,
    lost: lease.lost,
    guard,
    save: async (next) => {
      guard();
      if (next.cursor.epoch > found.cursor.epoch) await birth.write(next.cursor.epoch);
      try {
        etag = await write(bodyOf(service, next), etag);
      } catch (error) {
        throw isAppError(error, 'conflict') ? lostLease(error) : error;
      }
    },
    close: () => lease.release(),
  };
}

function lostLease(cause?: unknown): FeedStop {
  return new FeedStop('lost_lease', 'Another run took the cursor over.', {
    code: 'busy',
    advice: 'Nothing: the other run goes on from the last commit.',
    cause,
  });
}
