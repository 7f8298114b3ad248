// The change feed under proof: as it is, or with some of its rules taken out.
import type { createBlobSink } from '../../../src/changeFeed/blobSink.ts';
import type { createCursorStore } from '../../../src/changeFeed/cursorStore.ts';
import type { createDeadLetters } from '../../../src/changeFeed/deadLetters.ts';
import type { moveCursor } from '../../../src/changeFeed/moveCursor.ts';
import type { FeedStop } from '../../../src/changeFeed/outcome.ts';
import type { createQueueSink } from '../../../src/changeFeed/queueSink.ts';
import type { createReplayStore } from '../../../src/changeFeed/replayStore.ts';
import type { pullService } from '../../../src/changeFeed/service.ts';
import { variantsOf, type Edit } from '../../support/variants.ts';
import type { Kept } from './runner.ts';

export type { Edit } from '../../support/variants.ts';

export interface Source {
  readonly pullService: typeof pullService;
  readonly moveCursor: typeof moveCursor;
  readonly createCursorStore: typeof createCursorStore;
  readonly createDeadLetters: typeof createDeadLetters;
  readonly createBlobSink: typeof createBlobSink;
  readonly createQueueSink: typeof createQueueSink;
  readonly createReplayStore: typeof createReplayStore;
  /** Each variant has a class of its own, which its code looks for. */
  readonly FeedStop: typeof FeedStop;
}

const variants = variantsOf(new URL('../../../src/changeFeed/', import.meta.url), {
  tests: new URL('../', import.meta.url),
  runner: new URL('runner.ts', import.meta.url),
});
const files = [
  ...['service', 'moveCursor', 'cursorStore', 'replayStore', 'deadLetters'],
  ...['blobSink', 'queueSink', 'outcome'],
];

/** Throws when the text of an edit is not there exactly once. */
export async function sourceWith(...edits: readonly Edit[]): Promise<Source> {
  return (await variants.load(
    files.map((file) => `${file}.ts`),
    edits,
  )) as Source;
}

/** The tests of a file, for the source with these edits. */
export async function testsWith(file: string, ...edits: readonly Edit[]): Promise<readonly Kept[]> {
  const paths = ['proof/runner', file].map((path) => `../../test/changeFeed/${path}.ts`);
  return ((await variants.load(paths, edits)) as { kept: readonly Kept[] }).kept;
}
