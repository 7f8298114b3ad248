// The rotation under proof: as it is, or with one of its rules taken out.
import type { runClient } from '../../../src/rotation/clientRun.ts';
import type { RotationProblem } from '../../../src/rotation/problems.ts';
import { variantsOf, type Edit } from '../../support/variants.ts';

export type { Edit } from '../../support/variants.ts';

export interface Source {
  readonly runClient: typeof runClient;
  /** Each variant has a class of its own, which its code looks for. */
  readonly RotationProblem: typeof RotationProblem;
}

const variants = variantsOf(new URL('../../../src/rotation/', import.meta.url));

/** Throws when the text of an edit is not there exactly once. */
export async function sourceWith(...edits: readonly Edit[]): Promise<Source> {
  return (await variants.load(['clientRun.ts', 'problems.ts'], edits)) as Source;
}
