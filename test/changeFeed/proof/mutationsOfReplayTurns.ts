// The rules of replays beside the live cursor: which have their turn and for how long, and which a report shows.
import type { Mutations } from './mutations.ts';

export const mutationsOfReplayTurns: readonly Mutations[] = [
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'while the live run is not well, and once the feed has another epoch, a replay is not worked on',
    },
    edits: [['a live run that is well', 'if (replayable.includes(report.outcome)) {', 'if (report) {']],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayRuns.test',
      name: 'a replay goes on while the live cursor waits for a hole to come of age',
    },
    edits: [['a live run that holds a gap', "'caught_up', 'holding_gap', 'budget'", "'caught_up', 'budget'"]],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'the live cursor has three quarters of the time while there is a replay, and the replay a quarter',
    },
    edits: [
      ['a live run out of time', "'caught_up', 'holding_gap', 'budget'", "'caught_up', 'holding_gap'"],
      [
        'all the time where there is none',
        '  if ((await unfinished(parts, log)).length === 0) return (await live(frame)).report;\n',
        '',
      ],
    ],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayRuns.test',
      name: 'a request has a third of the time of the live cursor, or of the replays',
    },
    edits: [
      [
        'a bound of the live cursor',
        'await within(frame.remainingMs() - shareMs, live)',
        'await live(frame)',
      ],
      ['a third of their part for a request', '(part) =>\n      work(patient(part)),', 'work,'],
    ],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a run whose time is up leaves the replays behind the first for the next one',
    },
    edits: [
      ['a bound of the replays', 'Math.min(shareMs, frame.remainingMs())', 'frame.remainingMs()'],
      ['time for the next replay', '        if (part.remainingMs() < feedReserveMs) return;\n', ''],
    ],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayRuns.test',
      name: 'a live cursor that takes longer than its part leaves less to the replays',
    },
    edits: [
      ['the end of the run as the end of the replays', 'Math.min(shareMs, frame.remainingMs())', 'shareMs'],
    ],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a process that is asked to stop ends its replay after the range at hand, and the next one goes on',
    },
    edits: [['a stop of the process', 'shutdown: frame.signal', 'shutdown: new AbortController().signal']],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'cancelling ends a replay for good, may be repeated, and comes too late for one that is done',
    },
    edits: [['an eye for what has ended', "all.filter(({ replay }) => replay.state === 'running')", 'all']],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'reports show those that are under way and of the others those of the last day; after thirty days they are forgotten',
    },
    edits: [
      ['an end of what ended long ago', 'replay.endedAt < forgotten', "replay.endedAt < ''"],
      ['the newest first', '.reverse();', ';'],
      ['room for those that run', ' - running.length);', ');'],
      ['a bound of replays in a report', '.slice(0, room)', ''],
      ['an end of reports after a day', ' && endedAt >= since', ''],
      ['all that run in a report', 'running.includes(replay) || over', 'over'],
    ],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a replay that is cancelled while the live cursor delivers sends nothing more, not even the ranges that it had begun',
    },
    edits: [
      ['nothing forgotten early', 'replay.endedAt < forgotten', "replay.endedAt > ''"],
      [
        'a look at the replays after the live run',
        'const { report, down } = await within(frame.remainingMs() - shareMs, live);\n  if (replayable.includes(report.outcome)) {\n    await within(Math.min(shareMs, frame.remainingMs()), async (part) => {\n      // As they are now: one may have been cancelled meanwhile, and would deliver what it had begun.\n      for (const replay of await unfinished(parts, log)) {',
        'const known = await unfinished(parts, log);\n  const { report, down } = await within(frame.remainingMs() - shareMs, live);\n  if (replayable.includes(report.outcome)) {\n    await within(Math.min(shareMs, frame.remainingMs()), async (part) => {\n      for (const replay of known) {',
      ],
    ],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'replays that cannot be listed hold up nothing: the live cursor delivers, and the log says so',
    },
    edits: [
      [
        'a live run where replays are unknown',
        "    log.warn('feed_replays_unknown', describeError(error));\n    return [];",
        '    throw error;',
      ],
      [
        'a word where replays are unknown',
        "    log.warn('feed_replays_unknown', describeError(error));\n",
        '',
      ],
    ],
  },
  {
    file: 'service.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'a replay delivers its range again to every sink with the ids of the first time, and the live cursor stays',
    },
    edits: [
      [
        'replays in a report',
        "known('feed_replays_unknown', recentReplays(replays, clock.now()), undefined)",
        'undefined',
      ],
    ],
  },
  {
    file: 'service.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'replays that cannot be listed hold up nothing: the live cursor delivers, and the log says so',
    },
    edits: [
      [
        'a report where replays are unknown',
        "known('feed_replays_unknown', recentReplays(replays, clock.now()), undefined)",
        'recentReplays(replays, clock.now())',
      ],
    ],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a replay that cannot be read is named, and stops none of the others',
    },
    edits: [['replays that cannot be read in a report', ', unreadableReplays: [...unreadable]', '']],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayRuns.test',
      name: 'where more replays run than a report has room for, it shows these and none that ended',
    },
    edits: [
      [
        'no room below none',
        'Math.max(0, feedReplaysReported - running.length)',
        'feedReplaysReported - running.length',
      ],
    ],
  },
  {
    file: 'replayOperations.ts',
    by: {
      kind: 'test',
      file: 'replayTrouble.test',
      name: 'a replay that cannot be read is named, and stops none of the others',
    },
    edits: [['words for what cannot be read', '.catch(refuseUnreadable)', '']],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'while a sink of the live cursor is down, a replay to others goes on, and one to it waits and says so',
    },
    edits: [['replays while a sink is down', "'budget', 'sink_down'", "'budget'"]],
  },
  {
    file: 'replayRun.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'while a sink of the live cursor is down, a replay to others goes on, and one to it waits and says so',
    },
    edits: [['a wait for the sink of the live cursor', 'name === this.#down))', 'name === undefined))']],
  },
];
