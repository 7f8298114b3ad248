// The outbox in Azure Tables: `cleanups` holds what somebody may have to finish.
import type { TableClient, TableEntityResultPage } from '@azure/data-tables';
import * as z from 'zod/mini';
import { isoTime } from '../platform/clock.ts';
import type { Entry, Outbox } from './store.ts';
import { isMissing, partitionOf, run, serverTime, tableError } from './tables.ts';

/** The most that Azure Tables answers at once: what is not due yet is read as well. */
const pageSize = 1000;
const columns = z.looseObject({
  schema: z.literal(1),
  rowKey: z.string(),
  row: z.string(),
  identity: z.optional(z.string()),
  resource: z.optional(z.string()),
  dueAt: z.pipe(
    z.iso.datetime(),
    z.transform((iso: string) => Date.parse(iso)),
  ),
  attempts: z.int(),
});

export function createOutboxTable(table: TableClient): Outbox {
  return {
    async add(entry, signal) {
      try {
        await run(
          table,
          (abortSignal) => table.upsertEntity(entityOf(entry), 'Replace', { abortSignal }),
          signal,
        );
      } catch (error) {
        throw tableError(error, signal);
      }
    },
    due: (signal) => due(table, signal),
    async postpone(entry, dueAt, attempts) {
      try {
        const entity = entityOf({ ...entry, dueAt, attempts });
        await run(table, (abortSignal) => table.updateEntity(entity, 'Replace', { abortSignal }));
      } catch (error) {
        if (!isMissing(error)) throw tableError(error);
      }
    },
    async drop({ id }) {
      try {
        await run(table, (abortSignal) => table.deleteEntity(partitionOf(id), id, { abortSignal }));
      } catch (error) {
        if (!isMissing(error)) throw tableError(error);
      }
    },
  };
}

/** Reads everything and compares with the `Date` of the page it came in, so that only the store's clock counts. */
async function* due(table: TableClient, signal: AbortSignal): ReturnType<Outbox['due']> {
  let continuationToken: string | undefined;
  do {
    const { page, now } = await readPage(table, continuationToken, signal);
    for (const entity of page) {
      const entry = entryOf(entity);
      if (!entry || entry.dueAt <= now) yield { entry, now };
    }
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
}

type Page = TableEntityResultPage<Record<string, unknown>>;

async function readPage(
  table: TableClient,
  continuationToken: string | undefined,
  signal: AbortSignal,
): Promise<{ page: Page; now: number }> {
  let answer: Parameters<typeof serverTime>[0];
  const onResponse = (response: NonNullable<typeof answer>): void => {
    answer = response;
  };
  const from = continuationToken === undefined ? {} : { continuationToken };
  try {
    const next = await run(
      table,
      (abortSignal) =>
        table
          .listEntities({ abortSignal, onResponse })
          .byPage({ maxPageSize: pageSize, ...from })
          .next(),
      signal,
    );
    return { page: next.done === true ? [] : next.value, now: serverTime(answer) };
  } catch (error) {
    throw tableError(error, signal);
  }
}

function entryOf(entity: unknown): Entry | undefined {
  const parsed = columns.safeParse(entity);
  if (!parsed.success) return undefined;
  const { rowKey: id, row, identity, resource, dueAt, attempts } = parsed.data;
  const stray = identity === undefined || resource === undefined ? undefined : { identity, resource };
  return { id, rowKey: row, stray, dueAt, attempts };
}

function entityOf({ id, rowKey, stray, dueAt, attempts }: Entry) {
  return {
    ...{ partitionKey: partitionOf(id), rowKey: id, schema: 1, row: rowKey, attempts },
    dueAt: isoTime(dueAt),
    ...(stray === undefined ? {} : { identity: stray.identity, resource: stray.resource }),
  };
}
