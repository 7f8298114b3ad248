// Loads the token service as it is, or with one rule taken out of it.
import type { compose } from '../../../src/communication/communication.ts';
import type { createIdentityTable } from '../../../src/communication/identityTable.ts';
import type { createOutboxTable } from '../../../src/communication/outboxTable.ts';
import { variantsOf, type Edit } from '../../support/variants.ts';

export interface Source {
  readonly compose: typeof compose;
  readonly createIdentityTable: typeof createIdentityTable;
  readonly createOutboxTable: typeof createOutboxTable;
}

const variants = variantsOf(new URL('../../../src/communication/', import.meta.url));
const files = ['communication.ts', 'identityTable.ts', 'outboxTable.ts'];

export async function original(): Promise<Source> {
  return (await variants.load(files)) as Source;
}

/** Throws when a text is not there exactly once. */
export async function without(edits: readonly Edit[]): Promise<Source> {
  return (await variants.load(files, edits)) as Source;
}
