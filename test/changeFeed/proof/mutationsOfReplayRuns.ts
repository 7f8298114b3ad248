// The rules of a run that works on a replay: when it may, what stops it, and how it ends.
import type { Mutations } from './mutations.ts';

export const mutationsOfReplayRuns: readonly Mutations[] = [
  {
    file: 'replayDocument.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a wide range is cut into slices, two under way at a time, each in order',
    },
    edits: [['one write at a time', 'this.#last.then(() => this.#write(change))', 'this.#write(change)']],
  },
  {
    file: 'replayDocument.ts',
    by: {
      kind: 'test',
      file: 'replayRuns.test',
      name: 'a write that fails stops its lane, not those of the other',
    },
    edits: [
      [
        'writes after one that failed',
        'this.#last = write.catch(() => undefined);',
        'this.#last = write; write.catch(() => undefined);',
      ],
    ],
  },
  {
    file: 'replayDocument.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'nothing is sent for a replay once another run has the lease',
    },
    edits: [['the guard before a write', '    this.#session.guard();\n', '']],
  },
  {
    file: 'replayDocument.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a replay delivers its range again to every sink with the ids of the first time, and the live cursor stays',
    },
    edits: [
      [
        'the ETag of the last write',
        'this.#stored = { replay, etag: await this.#store.write(replay, etag) };',
        'await this.#store.write(replay, etag); this.#stored = { replay, etag };',
      ],
    ],
  },
  {
    file: 'replayDocument.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a run that finds its replay changed by somebody else writes over nothing and leaves it to them',
    },
    edits: [
      [
        'a conflict judged',
        "throw isAppError(error, 'conflict') ? await this.#judge(error) : error;",
        'throw error;',
      ],
      [
        'a write that fails for its conflict',
        "throw isAppError(error, 'conflict') ? await this.#judge(error) : error;",
        "if (isAppError(error, 'conflict')) await this.#judge(error); else throw error;",
      ],
      [
        'a look at who wrote',
        "if (found?.replay.state !== 'cancelled') return takenOver(cause);",
        'if (!found) return takenOver(cause);',
      ],
    ],
  },
  {
    file: 'replayDocument.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a lane that sees that the replay is cancelled stops the sends of the other',
    },
    edits: [
      [
        'cancelling noticed',
        "if (found?.replay.state !== 'cancelled') return takenOver(cause);",
        'if (found) return takenOver(cause);',
      ],
      ['the other lane told', '    this.#cancelled.abort(why);\n', ''],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a lane that sees that the replay is cancelled stops the sends of the other',
    },
    edits: [
      [
        'silence after cancelling, in the run',
        '    if (document.cancelled.aborted) return;\n    ending = endedBy(error, { host, frame, log, session });\n  }\n  try',
        '    ending = endedBy(error, { host, frame, log, session });\n  }\n  try',
      ],
      ['cancelling in a send', 'AbortSignal.any([this.#session.lost, cancelled])', 'this.#session.lost'],
      ['the guard of cancelling', '        cancelled.throwIfAborted();\n', ''],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replayRuns.test',
      name: 'a replay that cannot be written to in the end is told as an error, one that is cancelled then not at all',
    },
    edits: [
      [
        'silence after cancelling, at the end',
        '    if (document.cancelled.aborted) return;\n    ending = endedBy(error, { host, frame, log, session });\n  }\n  const',
        '    ending = endedBy(error, { host, frame, log, session });\n  }\n  const',
      ],
      [
        'what the last write ran into',
        '    ending = endedBy(error, { host, frame, log, session });\n  }\n  const',
        '  }\n  const',
      ],
      ['a failed replay as an error in the log', "isFine(outcome) ? 'info' : 'error'", "'info'"],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a sink that is not configured any more stops the replay and says which setting',
    },
    edits: [
      [
        'how the last run ended',
        'const next = { ...replay, lastRun: { time, ...ending } };',
        'const next = replay;',
      ],
      [
        'all sinks configured',
        '    if (this.#parts.sinks.length < replay.sinks.length) throw sinkGone();\n',
        '',
      ],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'while the live run is not well, and once the feed has another epoch, a replay is not worked on',
    },
    edits: [
      [
        'an end of replays of another feed',
        "  if (replay.epoch !== stored.cursor.epoch) return ended(next, 'failed', time);\n",
        '',
      ],
      ['no work in another epoch', '    if (replay.epoch !== cursor.epoch) throw madeAnew();\n', ''],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a replay delivers its range again to every sink with the ids of the first time, and the live cursor stays',
    },
    edits: [['an end of what is done', "isFinished(replay) ? ended(next, 'done', time) : next", 'next']],
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
        'an end only of what is done',
        "isFinished(replay) ? ended(next, 'done', time) : next",
        "ended(next, 'done', time)",
      ],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'without an end it goes to where the cursor stands, and only to the sinks that are named',
    },
    edits: [
      ['sinks as asked for', 'parts.sinks.filter(({ name }) => sinks.includes(name))', 'parts.sinks'],
      ['the name of the replay', '{ ...parts, replay: id, sinks:', '{ ...parts, sinks:'],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a feed that is replaced while the live cursor delivers is not read for a replay',
    },
    edits: [
      [
        'no work on another feed',
        '(await isOtherFeed(reader, cursor, newest.sequence, this.#frame))',
        'false',
      ],
      [
        'no work on a feed that is empty',
        'if (!newest || (await isOtherFeed(',
        'if (newest && (await isOtherFeed(',
      ],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'nothing is sent for a replay once another run has the lease',
    },
    edits: [
      ['the lease that is lost', 'AbortSignal.any([this.#session.lost, cancelled])', 'cancelled'],
      ['the guard of the lease', '        this.#session.guard();\n      },', '      },'],
    ],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'kills',
      name: 'a replay in slices of several ranges, two at a time, beside the live cursor',
      rule: 'what is sent is on record',
    },
    edits: [['the range on record before a send', '        await save();\n      },', '      },']],
  },
];
