// The rules for the answers of the DICOM service, and for asking again.
import type { Mutations } from './mutations.ts';

export const mutationsOfAnswers: readonly Mutations[] = [
  {
    file: 'dicomReplies.ts',
    by: {
      kind: 'test',
      file: 'dicomReplies.test',
      name: 'every other shape is refused, without repeating what it said',
    },
    edits: [
      [
        'pages in order',
        'if (sequence <= last || sequence > range.to)',
        'if (sequence < range.from || sequence > range.to)',
      ],
      ['pages without repetitions', 'sequence <= last ||', 'sequence < last ||'],
      ['pages inside their range', '|| sequence > range.to)', ')'],
      ['pages behind their start', 'let last = range.from - 1;', 'let last = 0;'],
      ['safe integers', '!Number.isSafeInteger(sequence)', '!Number.isFinite(sequence)'],
      ['positive sequences', '|| sequence < 1)', ')'],
      [
        'windows without repetitions',
        '|| new Set(entries.map(({ sequence }) => sequence)).size !== entries.length)',
        ')',
      ],
      ['windows of a bounded length', 'entries.length > limit || new Set', 'new Set'],
      [
        'a Date header',
        "if (reply.serverTime === undefined) throw badReply('without a Date header');\n  return reply.serverTime;",
        'return reply.serverTime ?? 0;',
      ],
      [
        'lists',
        "if (!Array.isArray(json)) throw badReply('a page that is not a list');",
        'if (!Array.isArray(json)) return [];',
      ],
      [
        'silence about UIDs in a bad answer',
        "throw badReply('an answer that is not JSON');",
        'throw badReply(`an answer that is not JSON: ${text}`);',
      ],
      ['timestamps with a zone', '(Z|[+-]\\d\\d:\\d\\d)$/i', '(Z|[+-]\\d\\d:\\d\\d)?$/i'],
    ],
  },
  {
    file: 'dicomReplies.ts',
    by: {
      kind: 'test',
      file: 'dicomReplies.test',
      name: 'each refusal of the service ends the run with its own outcome',
    },
    edits: [
      ['only 200 for a page', '  refuseStatus(reply, [200]);\n', ''],
      ['403 with its hint', 'if (status === 403) {', 'if (status === -403) {'],
      ['401 with its hint', 'if (status === 401) {', 'if (status === -401) {'],
    ],
  },
  {
    file: 'dicomReplies.ts',
    by: {
      kind: 'test',
      file: 'dicomChangeFeed.test',
      name: 'what is tried once is not tried again, and a silence of the gateway is one of the service',
    },
    edits: [
      [
        'a silence of the gateway',
        "status === 408 || status === 504 ? 'upstream_timeout' : 'upstream_failed'",
        "'upstream_failed'",
      ],
    ],
  },
  {
    file: 'dicomReplies.ts',
    by: {
      kind: 'test',
      file: 'dicomReplies.test',
      name: 'keys and known values are read in any case, numbers of actions too, and what is unknown passes through',
    },
    edits: [
      [
        'all seven digits',
        "throw badReply('an entry whose timestamp is not a time with a zone');\n  return text;",
        "throw badReply('an entry whose timestamp is not a time with a zone');\n  return new Date(text).toISOString();",
      ],
      ['values in any case', 'one.toLowerCase() === value.toLowerCase()', 'one === value'],
      ['keys in any case', 'spelled.get(key.toLowerCase())', 'spelled.get(key)'],
      ['unknown actions', '?? value;', "?? 'Create';"],
    ],
  },
  {
    file: 'dicomReplies.ts',
    by: {
      kind: 'test',
      file: 'dicomReplies.test',
      name: 'an empty feed is told by 204, an empty body or null',
    },
    edits: [
      [
        'three ways of an empty feed',
        "if (reply.status === 204 || reply.text.trim() === '') return undefined;",
        'if (reply.status === 204) return undefined;',
      ],
    ],
  },
  {
    file: 'dicomChangeFeed.ts',
    by: {
      kind: 'test',
      file: 'proof/adapters.test',
      name: 'a refused token is replaced once, a missing role and a lasting failure are not tried again',
    },
    edits: [
      [
        'one more try after a 401',
        'if (reply.status !== 401) return reply;',
        'if (reply.status > 0) return reply;',
      ],
      ['a fresh token after a 401', '    client.forgetToken();\n', ''],
      [
        'no second try after a 403',
        'if (reply.status !== 401) return reply;',
        'if (reply.status !== 401 && reply.status !== 403) return reply;',
      ],
      [
        'a bound for the answers of throttling',
        'if (asked !== undefined || reply.status === 503) return asked;',
        'if (asked !== undefined) return asked;',
      ],
    ],
  },
  {
    file: 'dicomChangeFeed.ts',
    by: {
      kind: 'test',
      file: 'dicomChangeFeed.test',
      name: 'a pause that the run has no time for, and one too many, end it as throttled',
    },
    edits: [
      ['pauses within the budget', ' || pause > frame.remainingMs() - feedReserveMs) throw', ') throw'],
      ['a bound of pauses', 'waits >= feedThrottleWaits || ', ''],
    ],
  },
  {
    file: 'dicomChangeFeed.ts',
    by: {
      kind: 'test',
      file: 'dicomChangeFeed.test',
      name: 'a pause is as long as the service says, in seconds or as a date of its own clock, or grows without a word',
    },
    edits: [
      ['waiting as long as asked', 'await clock.sleep(pause, signal);', 'await clock.sleep(0, signal);'],
    ],
  },
  {
    file: 'dicomChangeFeed.ts',
    by: {
      kind: 'test',
      file: 'dicomChangeFeed.test',
      name: 'what is tried once is not tried again, and a silence of the gateway is one of the service',
    },
    edits: [['one try where one is asked for', 'once ? brisk : stubborn', 'stubborn']],
  },
  {
    file: 'service.ts',
    by: {
      kind: 'test',
      file: 'pages.test',
      name: 'a request has a third of the run at most, so that two silences fit in, however late it is',
    },
    edits: [['a third of the run for a request', 'patient(frame)', 'frame']],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'pages.test',
      name: 'a request of a replay has a third of the part of the run that replays have, in its last slice as well',
    },
    edits: [['a third of the part for a request of a replay', 'patient(part)', 'part']],
  },
  {
    file: 'dicomChangeFeed.ts',
    by: {
      kind: 'test',
      file: 'dicomChangeFeed.test',
      name: 'a page counts as asked for no later than it was sent, by the clock of the service',
    },
    edits: [
      [
        'the time of the request',
        'const requestedAt = repliedAt - Math.ceil(tookMs);',
        'const requestedAt = repliedAt + 0 * tookMs;',
      ],
    ],
  },
  {
    file: 'dicomChangeFeed.ts',
    by: {
      kind: 'test',
      file: 'dicomChangeFeed.test',
      name: 'v1 is asked by sequence, v2 by rows of a window with its zone encoded, and latest without metadata',
    },
    edits: [
      ['the offset before the first', 'offset: String(from - 1)', 'offset: String(from)'],
      ['the length of a range', 'limit: String(to - from + 1)', 'limit: String(to - from)'],
    ],
  },
  {
    file: 'dicomChangeFeed.ts',
    by: {
      kind: 'test',
      file: 'dicomChangeFeed.test',
      name: 'an answer over what was allowed of it is not read',
    },
    edits: [
      [
        'the size that is allowed',
        'maxBytes === undefined ? request : { ...request, maxBytes }',
        'maxBytes === undefined ? request : { ...request }',
      ],
    ],
  },
];
