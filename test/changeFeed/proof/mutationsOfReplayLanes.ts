// The rules of the lanes of a replay: slice after slice, side by side, each with what it needs of what lies behind it.
import type { Mutations } from './mutations.ts';

export const mutationsOfReplayLanes: readonly Mutations[] = [
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'what is wrong with one slice does not stop the other, and is told',
    },
    edits: [
      ['lanes of earlier runs', 'this.#hand(replay.lanes[at], newest)', 'this.#hand(undefined, newest)'],
      [
        'the other lane when one fails',
        "      this.#failure ??= { error };\n      return 'failed';",
        '      throw error;',
      ],
      [
        'progress on record',
        'update((replay) => withLane(replay, after()));',
        'update((replay) => withLane(replay, lane));',
      ],
      ['what a failure leaves on record', '      await save();\n      throw error;', '      throw error;'],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a wide range is cut into slices, two under way at a time, each in order',
    },
    edits: [
      ['two lanes', 'Array.from({ length: feedReplayLanes }', 'Array.from({ length: 1 }'],
      [
        'two lanes at most',
        'Array.from({ length: feedReplayLanes }',
        'Array.from({ length: feedReplayLanes + 1 }',
      ],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a replay whose sink is down fails alone: the live run is well, and another replay goes on',
    },
    edits: [['a word about a lane that failed', '    if (this.#failure) throw this.#failure.error;\n', '']],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a hole is passed for what its neighbour says only, however long the replay has seen it',
    },
    edits: [
      [
        'a word about a hole that holds a lane',
        "return outcomes.find((outcome) => outcome !== 'caught_up') ?? 'caught_up';",
        "return outcomes.length > 0 ? 'caught_up' : 'failed';",
      ],
      ['a stop before the next slice', "        if (outcome !== 'caught_up') return outcome;\n", ''],
      ['what a hold leaves on record', "    if (outcome !== 'caught_up') await save();\n", ''],
    ],
  },
  {
    file: 'replayRun.ts',
    by: { kind: 'test', file: 'replayRuns.test', name: 'of two lanes that fail the first one is told' },
    edits: [['the first failure', 'this.#failure ??= { error };', 'this.#failure = { error };']],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a replay delivers its range again to every sink with the ids of the first time, and the live cursor stays',
    },
    edits: [
      ['a finished slice on record', 'take(change(replay), reading)', 'take(replay, reading)'],
      [
        'a lane for the next hand',
        'lanes.find((lane) => lane.from === from)',
        'lanes.find((lane) => lane.from > from)',
      ],
      ['the end of a slice', 'await pull.pass(lane.to, ', 'await pull.pass(lane.to + 1, '],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a hole at the end of the range is judged by the next entry, though the newest is always young',
    },
    edits: [
      ['a neighbour behind the slice', 'await this.#neighbour(lane.to, newest)', 'newest'],
      ['the first entry', '      if (entry) return entry;\n', ''],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replayRuns.test',
      name: 'behind a slice no more is asked for than a jump of the numbers needs, and nothing behind the newest change',
    },
    edits: [
      ['a bound of the look ahead', 'pages < feedScanPages && from', 'from'],
      ['no look behind the newest', ' && from < newest.sequence;', ';'],
      ['the next pages', 'from = range.to + 1;', 'from = range.to + 1e9;'],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a replay whose sink is down fails alone: the live run is well, and another replay goes on',
    },
    edits: [
      [
        'the pending range of a lane first',
        'async pass(to: number, neighbour: FeedEntry): Promise<FeedOutcome> {\n    await this.#finishPending();\n',
        'async pass(to: number, neighbour: FeedEntry): Promise<FeedOutcome> {\n',
      ],
    ],
  },
  {
    file: 'pull.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'without an end it goes to where the cursor stands, and only to the sinks that are named',
    },
    edits: [['the replay in a batch', 'late, replay, events }', 'late, events }']],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a hole across the end of a slice is passed however short the pages are and however young the newest change is',
    },
    edits: [
      [
        'long pages behind a slice',
        'to: from + feedPageMax - 1',
        'to: from + this.#parts.rules.pageSize - 1',
      ],
    ],
  },
];
