// Counts what a burst must not leave behind: identities that no row names, and users who do not have exactly their own.
import { TableClient } from '@azure/data-tables';
import * as z from 'zod/mini';

/** A row of the directory. */
export interface Row {
  readonly rowKey: string;
  /** The current identity, then those it replaced. */
  readonly identities: readonly string[];
}

export interface Census {
  readonly orphans: number;
  readonly duplicates: number;
}

/**
 * `served`: the identity that each user was answered, by row key. `living`: what exists in ACS.
 * A duplicate is a user whose row names another identity than the answer did, or shares it with another row.
 */
export function takeCensus(
  served: ReadonlyMap<string, string>,
  rows: readonly Row[],
  living: readonly string[],
): Census {
  const named = rows.flatMap(({ identities }) => identities);
  const holders = Map.groupBy(named, (identity) => identity);
  const current = new Map(rows.map(({ rowKey, identities }) => [rowKey, identities[0]]));
  const isOwn = ([rowKey, identity]: [string, string]): boolean =>
    current.get(rowKey) === identity && holders.get(identity)?.length === 1;
  return {
    orphans: living.filter((identity) => !holders.has(identity)).length,
    duplicates: [...served].filter((answer) => !isOwn(answer)).length,
  };
}

const columns = z.object({
  rowKey: z.string(),
  identity: z.optional(z.string()),
  previous: z.pipe(
    z.string(),
    z.transform((json: string): unknown => JSON.parse(json)),
  ),
});

/** Every row of the directory. */
export async function readRows(storage: string): Promise<readonly Row[]> {
  const table = TableClient.fromConnectionString(storage, 'identities', { allowInsecureConnection: true });
  const rows: Row[] = [];
  for await (const entity of table.listEntities()) {
    const { rowKey, identity, previous } = columns.parse(entity);
    const replaced = z.array(z.string()).parse(previous);
    rows.push({ rowKey, identities: identity === undefined ? replaced : [identity, ...replaced] });
  }
  return rows;
}
