// What is left after a test of whole processes: the directory's rows, its outbox, and the identities in ACS.
import { TableClient } from '@azure/data-tables';
import * as z from 'zod/mini';
import type { Stack } from '../../local/stack.ts';

const row = z.looseObject({
  rowKey: z.string(),
  lifecycle: z.enum(['none', 'pending', 'ready', 'deleting']),
  identity: z.optional(z.string()),
  owed: z.optional(z.string()),
  lostClaims: z.int(),
  previous: z.string(),
});
const acsIdentity = z.looseObject({
  id: z.string(),
  liveTokens: z.int(),
  revokedAt: z.optional(z.string()),
  deletedAt: z.optional(z.string()),
});
const acsState = z.looseObject({ communication: z.looseObject({ identities: z.array(acsIdentity) }) });

export type DirectoryRow = z.infer<typeof row>;
export type AcsIdentity = z.infer<typeof acsIdentity>;

export async function readRows({ azure }: Stack): Promise<readonly DirectoryRow[]> {
  return z.array(row).parse(await readTable(azure.storage, 'identities'));
}

/** Entries of the outbox, as they are stored. */
export function readOutbox({ azure }: Stack): Promise<readonly object[]> {
  return readTable(azure.storage, 'cleanups');
}

export async function readIdentities({ azure }: Stack): Promise<readonly AcsIdentity[]> {
  const state: unknown = await (await fetch(`${azure.faults}/state`)).json();
  return acsState.parse(state).communication.identities;
}

async function readTable(storage: string, name: string): Promise<readonly object[]> {
  const table = TableClient.fromConnectionString(storage, name, { allowInsecureConnection: true });
  const entities: object[] = [];
  for await (const entity of table.listEntities()) entities.push(entity);
  return entities;
}
