// The rules that keep a change from getting lost, each with the edit that takes it out of the source, and what misses it.
import { mutationsOfAnswers } from './mutationsOfAnswers.ts';
import { mutationsOfCursor } from './mutationsOfCursor.ts';
import { mutationsOfDelivery } from './mutationsOfDelivery.ts';
import { mutationsOfMetadata } from './mutationsOfMetadata.ts';
import { mutationsOfMoves } from './mutationsOfMoves.ts';
import { mutationsOfReplayLanes } from './mutationsOfReplayLanes.ts';
import { mutationsOfReplayRequests } from './mutationsOfReplayRequests.ts';
import { mutationsOfReplayRuns } from './mutationsOfReplayRuns.ts';
import { mutationsOfReplayStore } from './mutationsOfReplayStore.ts';
import { mutationsOfReplayTurns } from './mutationsOfReplayTurns.ts';
import { mutationsOfReplays } from './mutationsOfReplays.ts';
import { mutationsOfRuns } from './mutationsOfRuns.ts';
import { mutationsOfSinks } from './mutationsOfSinks.ts';
import { mutationsOfState } from './mutationsOfState.ts';
import { mutationsOfWatches } from './mutationsOfWatches.ts';
import type { Rule } from './rules.ts';
import type { ScenarioName } from './scenarios.ts';

/** A rule that breaks in the model, or when a run is killed, or a test that fails. */
export type Finder =
  | { readonly kind: 'model'; readonly name: ScenarioName; readonly rule: Rule }
  | { readonly kind: 'kills'; readonly name: string; readonly rule: Rule }
  /** `file` without its ending. */
  | { readonly kind: 'test'; readonly file: string; readonly name: string };

export interface Mutations {
  readonly file: string;
  readonly by: Finder;
  /** What is lost, and the text in whose place something else stands then. */
  readonly edits: readonly (readonly [name: string, text: string, becomes: string])[];
}

export const mutations: readonly Mutations[] = [
  ...mutationsOfCursor,
  ...mutationsOfWatches,
  ...mutationsOfRuns,
  ...mutationsOfMetadata,
  ...mutationsOfDelivery,
  ...mutationsOfSinks,
  ...mutationsOfState,
  ...mutationsOfMoves,
  ...mutationsOfAnswers,
  ...mutationsOfReplays,
  ...mutationsOfReplayLanes,
  ...mutationsOfReplayRuns,
  ...mutationsOfReplayTurns,
  ...mutationsOfReplayRequests,
  ...mutationsOfReplayStore,
];
