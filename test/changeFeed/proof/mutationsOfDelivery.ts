// The rules of the delivery: who is asked when, and what a refusal means.
import type { Mutations } from './mutations.ts';

export const mutationsOfDelivery: readonly Mutations[] = [
  {
    file: 'delivering.ts',
    by: {
      kind: 'model',
      name: 'a sink fails once, and a crash',
      rule: 'who took a range is not asked again',
    },
    edits: [['accepted', '.filter(({ name }) => !pending?.accepted.includes(name))', '']],
  },
  {
    file: 'delivering.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'a sink that is down stops the cursor; the other keeps what it took and is not asked again',
    },
    edits: [
      ['the failed sink first', 'name === failure?.sink ? 0 : 1', 'name === failure?.sink ? 1 : 1'],
      [
        'failures of a sink in a row',
        'failure?.sink === sink ? { sink, count: 0, notBefore: 0 } : failure',
        'failure',
      ],
    ],
  },
  {
    file: 'delivering.ts',
    by: {
      kind: 'test',
      file: 'hardDays.test',
      name: 'a sink that is down for hours is asked less and less, and the others get nothing twice',
    },
    edits: [['pauses that grow', 'feedSinkPauseMs * 2 ** (times - 3)', 'feedSinkPauseMs']],
  },
  {
    file: 'delivering.ts',
    by: {
      kind: 'test',
      file: 'hardDays.test',
      name: 'the pause that a sink asks for is kept, no longer than five minutes, nor past a clock that was set back',
    },
    edits: [
      ['a longest pause', 'Math.min(feedSinkPauseMaxMs, Math.max(ours, askedMs))', 'Math.max(ours, askedMs)'],
      ['the pause that a sink asks for', 'Math.max(ours, askedMs)', 'ours'],
      ['a clock set back', 'if (left <= 0 || left > feedSinkPauseMaxMs) return;', 'if (left <= 0) return;'],
    ],
  },
  {
    file: 'delivering.ts',
    by: {
      kind: 'test',
      file: 'hardDays.test',
      name: 'failures of a sink that is configured no more are not counted for another',
    },
    edits: [
      [
        'failures of one sink',
        '(cursor.failure?.sink === sink ? cursor.failure.count : 0) + 1',
        '(cursor.failure?.count ?? 0) + 1',
      ],
    ],
  },
  {
    file: 'delivering.ts',
    by: {
      kind: 'test',
      file: 'offering.test',
      name: 'a run that ends in the middle of a range goes on behind what the webhook has taken of it',
    },
    edits: [
      [
        'progress behind what was taken',
        'through: pending?.through ?? (pending ? pending.from - 1 : committed)',
        'through: pending ? pending.from - 1 : committed',
      ],
    ],
  },
  {
    file: 'delivering.ts',
    by: {
      kind: 'test',
      file: 'hardDays.test',
      name: 'a lease that is lost is not told as a failure of the sink',
    },
    edits: [['stops that are passed on', 'if (cause instanceof FeedStop) throw cause;', '']],
  },
  {
    file: 'delivering.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'a lease that is lost in the middle of a send stops it, and no sink is blamed',
    },
    edits: [['no blame for an ended run', 'delivery.signal.throwIfAborted();', '']],
  },
  {
    file: 'offering.ts',
    by: {
      kind: 'test',
      file: 'offering.test',
      name: 'more than ten refusals in a row are a broken receiver, and none of that row is buried',
    },
    edits: [
      ['a row of ten', 'if (refusals > feedRefusalsInARow) throw refusesAll(answer.status);', ''],
      [
        'burials only behind something taken',
        'row.push({ event: first, status: answer.status });',
        'row.push({ event: first, status: answer.status });\n      await settle(last.data.sequenceNumber);',
      ],
    ],
  },
  {
    file: 'offering.ts',
    by: {
      kind: 'test',
      file: 'offering.test',
      name: 'a row goes on over short ranges, and ends with anything that is taken',
    },
    edits: [
      ['a row over ranges', 'let { refusals } = progress;', 'let refusals = progress.refusals * 0;'],
      ['a row that ends', '      refusals = 0;\n', ''],
    ],
  },
  {
    file: 'offering.ts',
    by: { kind: 'test', file: 'offering.test', name: 'nothing is buried once the guard refuses' },
    edits: [
      [
        'a burial before its note',
        '    for (const refusal of row.splice(0)) {\n      frame.guard();\n      await bury(refusal);\n    }\n    note({ through, refusals });',
        '    note({ through, refusals });\n    for (const refusal of row.splice(0)) {\n      frame.guard();\n      await bury(refusal);\n    }',
      ],
      ['the guard before a burial', '      frame.guard();\n', ''],
    ],
  },
  {
    file: 'offering.ts',
    by: {
      kind: 'test',
      file: 'offering.test',
      name: 'a refused batch is halved until the one change is found, in order, and the others are taken',
    },
    edits: [
      ['burials', 'await bury(refusal);', 'void refusal;'],
      [
        'halves in order',
        '      await offer(events.slice(0, half));\n      await offer(events.slice(half));',
        '      await offer(events.slice(half));\n      await offer(events.slice(0, half));',
      ],
      ['only one change refused', 'else if (events.length === 1) {', 'else if (events.length >= 1) {'],
    ],
  },
  {
    file: 'offering.ts',
    by: {
      kind: 'test',
      file: 'offering.test',
      name: 'a refusal is buried once something after it is taken, before that is noted, or at the end',
    },
    edits: [['the last row', '  await settle(batch.to);\n', '']],
  },
  {
    file: 'offering.ts',
    by: {
      kind: 'test',
      file: 'offering.test',
      name: 'what was taken of a range before is not sent again, and time that is up ends it between two requests',
    },
    edits: [
      [
        'what was taken before',
        'batch.events.filter(({ data }) => data.sequenceNumber > progress.through)',
        'batch.events',
      ],
      ['time left for a request', 'if (frame.remainingMs() < feedReserveMs) throw outOfTime();', ''],
    ],
  },
];
