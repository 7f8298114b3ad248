// One rule of the directory taken out of the source, the scenario that needs it, and what breaks without it.
import type { ScenarioName } from './scenarios.ts';
import type { Edit } from '../../support/variants.ts';
import type { Rule } from './world.ts';

export interface Mutation {
  /** What the source does no more. */
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly scenario: ScenarioName;
  readonly finds: Rule;
}

export const edit = (file: string, text: string, becomes: string): Edit => ({ file, text, becomes });

export const handedOut =
  'a token is handed out only while the row is ready, enabled, names that identity and takes the bearer';
export const leaves = 'an identity leaves the row only when its own resource has no such identity';
export const orphan = 'an identity that nobody names was never written down, and is counted';
