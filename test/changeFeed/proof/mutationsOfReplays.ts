// The rules of a replay itself: its slices and their lanes, and how far it is.
import type { Mutations } from './mutations.ts';

export const mutationsOfReplays: readonly Mutations[] = [
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a replay delivers its range again to every sink with the ids of the first time, and the live cursor stays',
    },
    edits: [
      [
        'an end of the last slice where the range ends',
        'Math.min(to, next + length - 1)',
        'next + length - 1',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a wide range is cut into slices, two under way at a time, each in order',
    },
    edits: [
      ['a last slice of one sequence', 'if (next > to) return replay;', 'if (next >= to) return replay;'],
      ['slices that follow one another', 'next: slice.to + 1, lanes:', 'next: slice.to + 2, lanes:'],
      [
        'the end of a slice that is done with',
        'if (lane.committed < lane.to)',
        'if (lane.committed <= lane.to)',
      ],
      [
        'the count of finished slices',
        'delivered: replay.delivered + lane.delivered',
        'delivered: replay.delivered',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a replay that is cancelled while the live cursor delivers sends nothing more, not even the ranges that it had begun',
    },
    edits: [
      ['lanes that were under way', 'lanes: [...lanes, lane] };', 'lanes: [lane] };'],
      [
        'the lane beside the one that is written',
        '(one.from === lane.from ? lane : one)',
        '(one.from > 0 ? lane : one)',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a hole is passed for what its neighbour says only, however long the replay has seen it',
    },
    edits: [
      ['lanes under way before the end', 'return next > to && lanes.length === 0;', 'return next > to;'],
      [
        'a hole that only its neighbour vouches for',
        'anchor: null, holes: [], crossed: []',
        'anchor: null, holes: [{ from: 1, to: 10_000, firstSeen: 0 }], crossed: []',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a sink that is not configured any more stops the replay and says which setting',
    },
    edits: [
      [
        'slices not begun before the end',
        'return next > to && lanes.length === 0;',
        'return lanes.length === 0;',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'cancelling ends a replay for good, may be repeated, and comes too late for one that is done',
    },
    edits: [['the time of the end', '{ ...replay, state, endedAt: time }', '{ ...replay, state }']],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a replay whose sink is down fails alone: the live run is well, and another replay goes on',
    },
    edits: [
      [
        'the range that is under way',
        ' epoch, committed, pending, failure, reading },\n    ...(refusals',
        ' epoch, committed, pending: null, failure, reading },\n    ...(refusals',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replayRuns.test',
      name: 'a sink that failed three times is left alone for its pause, from run to run',
    },
    edits: [
      [
        'the sink that failed',
        ' epoch, committed, pending, failure, reading },\n    ...(refusals',
        ' epoch, committed, pending, failure: null, reading },\n    ...(refusals',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a change whose metadata alone cannot be read comes without it in the second run, as from the live cursor',
    },
    edits: [
      [
        'what reading taught',
        ' epoch, committed, pending, failure, reading },\n    ...(refusals',
        ' epoch, committed, pending, failure, reading: nothingLearnt },\n    ...(refusals',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'refusals in a row are counted from run to run: a receiver that refuses everything buries ten at most',
    },
    edits: [
      [
        'refusals in a row for the cursor',
        '    ...(refusals === undefined ? {} : { refusals }),\n    ...{ anchor',
        '    ...{ anchor',
      ],
      [
        'refusals in a row on record',
        'return refusals === undefined ? progress : { ...progress, refusals };',
        'return progress;',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'what is wrong with one slice does not stop the other, and is told',
    },
    edits: [
      ['what a lane delivered before', 'delivered: lane.delivered + delivered }', 'delivered }'],
      [
        'what lanes have yet to pass',
        'passed: replay.next - from - count(open),',
        'passed: replay.next - from,',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'the live cursor has three quarters of the time while there is a replay, and the replay a quarter',
    },
    edits: [
      [
        'what lanes under way delivered',
        'lanes.reduce((sum, { delivered }) => sum + delivered, replay.delivered)',
        'replay.delivered',
      ],
    ],
  },
  {
    file: 'replay.ts',
    by: {
      kind: 'test',
      file: 'replayRuns.test',
      name: 'a lane asks no more in its next slice than the service could answer in the last one',
    },
    edits: [
      [
        'a fresh lane taught by the one before',
        'delivered: 0 };\n  const lane: Lane = { ...slice, ...fresh, reading };',
        'delivered: 0 };\n  const lane: Lane = { ...slice, ...fresh, reading: nothingLearnt };',
      ],
    ],
  },
];
