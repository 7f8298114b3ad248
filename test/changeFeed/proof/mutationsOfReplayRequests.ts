// The rules of what operators may ask of replays.
import type { Mutations } from './mutations.ts';

export const mutationsOfReplayRequests: readonly Mutations[] = [
  {
    file: 'replayOperations.ts',
    by: { kind: 'test', file: 'replayOperations.test', name: 'a request names what is wrong with it' },
    edits: [
      [
        'a configured service',
        'const parts = configured(services, service);',
        'const parts = services[0] ?? configured(services, service);',
      ],
    ],
  },
  {
    file: 'replayOperations.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'cancelling ends a replay for good, may be repeated, and comes too late for one that is done',
    },
    edits: [
      [
        'the audit of a start',
        'return audit.record(entry, async () => {\n        await parts.replays.create(replay);\n        return { id: replay.id };\n      });',
        'await parts.replays.create(replay);\n        return { id: (entry && replay).id };',
      ],
      [
        'the audit of cancelling',
        'return audit.record(entry, async () => reportOfReplay(await cancel(store, id, isoTime(clock.now()))));',
        'return reportOfReplay(await cancel(store, (entry && id), isoTime(clock.now())));',
      ],
      ['cancelling that may be repeated', "    if (replay.state === 'cancelled') return replay;\n", ''],
      ['an end for good', "if (replay.state !== 'running')", "if (replay.state === 'cancelled')"],
      ['the range in the audit', '/${epoch}/${from}-${to}`', '`'],
      [
        'the reason in the audit of a replay',
        "const entry = { actor, action: 'feed.replay', subject: subjectOf(replay), reason, requestId } as const;",
        "const entry = { actor, action: 'feed.replay', subject: subjectOf(replay), requestId } as const;",
      ],
    ],
  },
  {
    file: 'replayOperations.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'the same range and sinks are not begun twice at a time, and no more than ten in all',
    },
    edits: [['ids apart', '-${uuid.slice(0, 8)}`', "-${uuid && '00000000'}`"]],
  },
  {
    file: 'replayOperations.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'reports show those that are under way and of the others those of the last day; after thirty days they are forgotten',
    },
    edits: [['ids by time', "`${isoTime(now).replace(/[-:.Z]/g, '')}-", '`20260101T000000000-']],
  },
  {
    file: 'replayOperations.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'an id that can be none is refused, one that is unknown is not found',
    },
    edits: [
      ['an id as a start answers it', 'if (!/^\\d{8}T\\d{9}-[0-9a-f]{8}$/.test(id))', "if (id === '')"],
      ['an id that is unknown', '  }\n  throw unknown();\n}', '  }\n  throw new Error(id);\n}'],
    ],
  },
  {
    file: 'replayOperations.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'cancelling is tried again while a run writes, and given up as busy',
    },
    edits: [
      [
        'another try to cancel',
        "      if (!isAppError(error, 'conflict')) throw error;",
        '      throw error;',
      ],
      ['errors of cancelling as they are', "      if (!isAppError(error, 'conflict')) throw error;\n", ''],
      ['an end of trying to cancel', 'tries < feedReplayCancelTries', 'tries < 50 * feedReplayCancelTries'],
    ],
  },
  {
    file: 'replayRequest.ts',
    by: { kind: 'test', file: 'replayOperations.test', name: 'a request names what is wrong with it' },
    edits: [
      [
        'one kind of ends',
        'if (bySequence && (isGiven(since) || isGiven(until)))',
        'if (bySequence && isGiven(since))',
      ],
      [
        'a beginning by sequence',
        "    if (!isGiven(from)) throw invalid('from: expected a sequence');\n",
        '',
      ],
      [
        'an end behind the beginning',
        '    if (isGiven(to) && to < from) throw invalid(\'to: expected at least "from"\');\n',
        '',
      ],
      [
        'a beginning by time',
        '    if (!isGiven(since)) throw invalid(\'Body: expected "from" or "since"\');\n',
        '',
      ],
      [
        'an end later than the beginning',
        'Date.parse(until) <= Date.parse(since)',
        'Date.parse(until) < Date.parse(since)',
      ],
      [
        'sinks of the settings',
        '  if (!wanted.every((name) => configured.includes(name)))',
        '  if (wanted.length === 0)',
      ],
      [
        'an end no further than the cursor',
        'if (to !== undefined && to > committed)',
        'if (to !== undefined && to > committed + 1)',
      ],
      ['a beginning no further than the cursor', 'if (first > committed)', 'if (first > committed + 1)'],
      [
        'a range that is not empty',
        "  if (range.from > range.to) throw invalid('since: no change of that time has been passed by the cursor');\n",
        '',
      ],
    ],
  },
  {
    file: 'replayRequest.ts',
    by: { kind: 'test', file: 'replayOperations.test', name: 'there is nothing to go by without a cursor' },
    edits: [['a cursor to go by', "if (found.kind !== 'present')", "if (found.kind === 'lost')"]],
  },
  {
    file: 'replayRequest.ts',
    by: {
      kind: 'test',
      file: 'replays.test',
      name: 'while the live run is not well, and once the feed has another epoch, a replay is not worked on',
    },
    edits: [
      ['the epoch of the cursor', 'epoch: cursor.epoch, ...range', 'epoch: 1, ...range'],
      ['twins told apart by their feed', '    left.epoch === right.epoch &&\n', ''],
    ],
  },
  {
    file: 'replayRequest.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'the same range and sinks are not begun twice at a time, and no more than ten in all',
    },
    edits: [
      ['room that ended replays leave', ".filter(({ state }) => state === 'running')", ''],
      ['one replay of a range at a time', 'if (twin) throw', 'if (twin && false) throw'],
      [
        'a bound of open replays',
        'if (open.length >= feedReplaysOpen)',
        'if (open.length > feedReplaysOpen)',
      ],
      ['one order of sinks', 'return configured.filter((name) => wanted.includes(name));', 'return wanted;'],
      ['twins told apart by their beginning', '    left.from === right.from &&\n', ''],
      ['twins told apart by their end', '    left.to === right.to &&\n', ''],
      ['twins told apart by their sinks', ' &&\n    left.sinks.join() === right.sinks.join()', ''],
    ],
  },
  {
    file: 'replayRequest.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'a range by time asks nothing of a feed that is not the cursor’s',
    },
    edits: [
      [
        'times of the cursor’s feed',
        '  if (await isOtherFeed(reader, cursor, newest, frame)) throw feedReset();\n',
        '',
      ],
    ],
  },
  {
    file: 'replayRequest.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'a range by time holds every change of that time, those that share a timestamp and those that commit late',
    },
    edits: [
      [
        'the first change of a time',
        '(await beforeTime(since, newest, place)) + 1',
        '(await beforeTime(since, newest, place)) + 2',
      ],
      [
        'an end of a range before what came earlier',
        '(await beforeTime(since, newest, place)) + 1',
        '(await beforeTime(since, newest, place))',
      ],
      ['those that commit late', 'Date.parse(until) + feedStartWindowMs', 'Date.parse(until)'],
      [
        'an end by time no further than the cursor',
        'Math.min(cursor.committed, await beforeTime(after, newest, place))',
        'await beforeTime(after, newest, place)',
      ],
    ],
  },
  {
    file: 'replayRequest.ts',
    by: {
      kind: 'test',
      file: 'replayOperations.test',
      name: 'an end that is yet to come is where the cursor stands, and the service is not asked for it',
    },
    edits: [['an end to come', ' || Date.parse(until) >= time', '']],
  },
];
