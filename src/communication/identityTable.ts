// The directory in Azure Tables: one row per user in `identities`, written by compare-and-swap only.
import type { TableClient, TableEntity } from '@azure/data-tables';
import * as z from 'zod/mini';
import { isoTime } from '../platform/clock.ts';
import { storageFailure } from '../platform/storage.ts';
import type { Row } from './directory.ts';
import type { IdentityRows, Snapshot } from './store.ts';
import { answerOf, isMissing, partitionOf, run, serverTime, tableError, unreadable } from './tables.ts';

const text = z.optional(z.string());
const time = z.pipe(
  z.iso.datetime(),
  z.transform((iso: string) => Date.parse(iso)),
);
const columns = z.looseObject({
  schema: z.literal(1),
  etag: z.string(),
  writer: z.string(),
  lifecycle: z.enum(['none', 'pending', 'ready', 'deleting']),
  access: z.enum(['enabled', 'disabled']),
  ...{ identity: text, createdOn: text, resource: text, owed: text, claimWriter: text },
  claimUntil: z.optional(time),
  tokensValidFrom: z.optional(time),
  previous: z.string(),
  cyclesHour: z.optional(z.int()),
  cycles: z.optional(z.int()),
  lostClaims: z.int(),
  changedOn: time,
});
type Columns = z.infer<typeof columns>;
const identities = z.array(z.string());

interface Version extends Snapshot {
  readonly writer: string | undefined;
}

/** `uuid` names each write, so that one which was answered with an error can be recognised as its own. */
export function createIdentityTable(table: TableClient, uuid: () => string): IdentityRows {
  return {
    read: (rowKey, signal) => read(table, rowKey, signal),
    async write(rowKey, row, base, signal) {
      const writer = uuid();
      try {
        await write(table, { ...columnsOf(row), ...keyOf(rowKey), writer }, base, signal);
        return true;
      } catch (error) {
        // The client sends a write again after a lost reply and is then refused for its own success (measured).
        const again = await read(table, rowKey, signal);
        if (again.writer === writer) return true;
        if (mayPass(error)) return false;
        throw tableError(error, signal);
      }
    },
    remove: (rowKey, base) => remove(table, rowKey, base),
  };
}

const keyOf = (rowKey: string) => ({ partitionKey: partitionOf(rowKey), rowKey });

async function read(table: TableClient, rowKey: string, signal?: AbortSignal): Promise<Version> {
  let answer: Parameters<typeof serverTime>[0];
  const onResponse = (response: NonNullable<typeof answer>): void => {
    answer = response;
  };
  try {
    const entity = await run(
      table,
      (abortSignal) => table.getEntity(partitionOf(rowKey), rowKey, { abortSignal, onResponse }),
      signal,
    );
    const found = parse(entity);
    return { row: rowOf(found), etag: found.etag, writer: found.writer, now: serverTime(answer) };
  } catch (error) {
    if (!isMissing(error)) throw tableError(error, signal);
    return { row: undefined, etag: undefined, writer: undefined, now: serverTime(answerOf(error)) };
  }
}

function write(
  table: TableClient,
  entity: TableEntity,
  { etag }: Snapshot,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  return run<unknown>(
    table,
    (abortSignal) =>
      etag === undefined
        ? table.createEntity(entity, { abortSignal })
        : table.updateEntity(entity, 'Replace', { etag, abortSignal }),
    signal,
  );
}

/** Refused because the row changed, or not answered: worth another look. Anything else will not get better. */
function mayPass(error: unknown): boolean {
  const { status } = storageFailure(error);
  return status === undefined || status >= 500 || [404, 408, 409, 412, 429].includes(status);
}

async function remove(table: TableClient, rowKey: string, { etag }: Snapshot): Promise<boolean> {
  try {
    await run(table, (abortSignal) =>
      table.deleteEntity(partitionOf(rowKey), rowKey, { etag: etag ?? '', abortSignal }),
    );
    return true;
  } catch (error) {
    if (storageFailure(error).status === 412) return false;
    if (isMissing(error)) return true;
    throw tableError(error);
  }
}

function parse(entity: unknown): Columns {
  const parsed = columns.safeParse(entity);
  if (!parsed.success) throw unreadable();
  return parsed.data;
}

function rowOf(found: Columns): Row {
  const { claimWriter, claimUntil, cyclesHour, cycles, tokensValidFrom, previous } = found;
  const claimed = claimWriter !== undefined && claimUntil !== undefined;
  return {
    ...{ lifecycle: found.lifecycle, access: found.access, identity: found.identity },
    ...{ createdOn: found.createdOn, resource: found.resource, owed: found.owed },
    ...{ lostClaims: found.lostClaims, changedOn: found.changedOn },
    previous: parseIdentities(previous),
    claim: claimed ? { writer: claimWriter, until: claimUntil } : undefined,
    tokensValidFrom: tokensValidFrom === undefined ? undefined : tokensValidFrom / 1000,
    cycles:
      cyclesHour === undefined || cycles === undefined ? undefined : { hour: cyclesHour, count: cycles },
  };
}

function parseIdentities(json: string): readonly string[] {
  try {
    return identities.parse(JSON.parse(json));
  } catch {
    throw unreadable();
  }
}

/** Times as ISO 8601: readable in a storage browser, and a plain number beyond 32 bits comes back as another type. */
function columnsOf(row: Row): Record<string, string | number | undefined> {
  const { claim, cycles, tokensValidFrom } = row;
  return {
    schema: 1,
    ...{ lifecycle: row.lifecycle, access: row.access, identity: row.identity, createdOn: row.createdOn },
    ...{ resource: row.resource, owed: row.owed, lostClaims: row.lostClaims },
    changedOn: isoTime(row.changedOn),
    previous: JSON.stringify(row.previous),
    claimWriter: claim?.writer,
    claimUntil: claim && isoTime(claim.until),
    tokensValidFrom: tokensValidFrom === undefined ? undefined : isoTime(tokensValidFrom * 1000),
    cyclesHour: cycles?.hour,
    cycles: cycles?.count,
  };
}
