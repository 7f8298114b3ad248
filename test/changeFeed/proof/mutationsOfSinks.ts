// The rules of the sinks: in which form a change arrives.
import type { Mutations } from './mutations.ts';

export const mutationsOfSinks: readonly Mutations[] = [
  {
    file: 'events.ts',
    by: {
      kind: 'kills',
      name: 'the move that acknowledges a lost cursor',
      rule: 'what is sent is on record',
    },
    edits: [['the epoch in an id', 'id: `${frame.epoch}.${entry.sequence}`', 'id: `1.${entry.sequence}`']],
  },
  {
    file: 'events.ts',
    by: {
      kind: 'test',
      file: 'events.test',
      name: 'a partition other than the default one is part of the path, and a late change says so',
    },
    edits: [['the mark of a late change', '...(frame.late ? { late: true } : {}),', '']],
  },
  {
    file: 'events.ts',
    by: {
      kind: 'test',
      file: 'events.test',
      name: 'id, sequence and time are exact, and an unknown action passes through under a general type',
    },
    edits: [['padded sequences', 'sequence: padded(entry.sequence),', 'sequence: String(entry.sequence),']],
  },
  {
    file: 'events.ts',
    by: {
      kind: 'test',
      file: 'proof/adapters.test',
      name: 'an event has of the metadata what the settings chose',
    },
    edits: [
      [
        'metadata as chosen',
        'const projected = project(entry.metadata, metadata);',
        "const projected = metadata.kind === 'none' ? entry.metadata : entry.metadata;",
      ],
    ],
  },
  {
    file: 'blobSink.ts',
    by: { kind: 'kills', name: 'the first run of all', rule: 'every write is conditional' },
    edits: [['blobs made once', "conditions: { ifNoneMatch: '*' },", '']],
  },
  {
    file: 'blobSink.ts',
    by: {
      kind: 'test',
      file: 'proof/adapters.test',
      name: 'nothing reaches a store once the guard refuses, neither message nor claim nor blob',
    },
    edits: [['the guard before a blob', '        guard();\n', '']],
  },
  {
    file: 'blobSink.ts',
    by: {
      kind: 'test',
      file: 'proof/moves.test',
      name: 'no blob swallows a change: those of another feed, of a late change and of a range that holds more lie apart',
    },
    edits: [
      [
        'a range that holds more than its older blob',
        'if ((await write(`${path}.ndjson`)) !== changes) await write(`${path}.${changes}.ndjson`);',
        'await write(`${path}.ndjson`);',
      ],
      [
        'the epoch in the name of a blob',
        '`${folder}/${epoch}/${padded(from)}-${padded(to)}`',
        '`${folder}/1/${padded(from)}-${padded(to)}`',
      ],
      [
        'late blobs apart',
        '`${folder}/late/${epoch}-${padded(from)}`',
        '`${folder}/${epoch}/${padded(from)}-${padded(to)}`',
      ],
    ],
  },
  {
    file: 'queueSink.ts',
    by: {
      kind: 'test',
      file: 'proof/adapters.test',
      name: 'a message is base64, never expires, and is small enough for the queue however many bytes its letters have',
    },
    edits: [
      ['messages that never expire', 'messageTimeToLive: never,', ''],
      ['base64', "queue.sendMessage(Buffer.from(text).toString('base64'), {", 'queue.sendMessage(text, {'],
      [
        'the size of a message',
        'Buffer.byteLength(whole) <= feedQueueMessageBytes',
        'whole.length <= feedQueueMessageBytes',
      ],
      [
        'claims of large changes',
        'const fits = Buffer.byteLength(whole) <= feedQueueMessageBytes;',
        'const fits = whole.length > 0;',
      ],
    ],
  },
  {
    file: 'queueSink.ts',
    by: {
      kind: 'test',
      file: 'proof/adapters.test',
      name: 'nothing reaches a store once the guard refuses, neither message nor claim nor blob',
    },
    edits: [
      ['the guard before a message', '    guard();\n    await withCreate(', '    await withCreate('],
      ['the guard before a claim', '    guard();\n    const text', '    const text'],
    ],
  },
  {
    file: 'deadLetters.ts',
    by: { kind: 'test', file: 'proof/moves.test', name: 'a dead letter stays as it was written first' },
    edits: [
      [
        'letters written once',
        "await documents.write(path, letter, { kind: 'absent' });",
        "await documents.write(path, letter, { kind: 'any' });",
      ],
      ['a letter that is there already', "if (!isAppError(error, 'conflict')) throw error;", 'throw error;'],
    ],
  },
  {
    file: 'deadLetters.ts',
    by: {
      kind: 'test',
      file: 'proof/adapters.test',
      name: 'dead letters of two feeds with the same number lie side by side',
    },
    edits: [
      [
        'the epoch in the name of a letter',
        '`${folder}/${sink}/${epoch}-${padded(entry.sequence)}.json`',
        '`${folder}/${sink}/1-${padded(entry.sequence)}.json`',
      ],
    ],
  },
  {
    file: 'webhookRequests.ts',
    by: {
      kind: 'test',
      file: 'proof/adapters.test',
      name: 'what a receiver answers is taken, refused, tried again or a sign that it is down',
    },
    edits: [
      ['413 as a refusal', 'new Set([400, 413, 422])', 'new Set([400, 422])'],
      ['404 as a wrong receiver', 'new Set([400, 413, 422])', 'new Set([400, 404, 413, 422])'],
      ['redirects not followed', 'if (status >= 200 && status < 300)', 'if (status >= 200 && status < 400)'],
      ['web pages', "isWebPage(reply) ? down('it answered with a web page', lost) : taken", 'taken'],
      ['429 as a pause', 'new Set([408, 429])', 'new Set([408])'],
      ['Retry-After of the webhook', ', pauseMs: askedPause(reply) }', ' }'],
    ],
  },
  {
    file: 'webhookRequests.ts',
    by: {
      kind: 'test',
      file: 'proof/adapters.test',
      name: 'a structured request has one event, a batched one as many as there is room for',
    },
    edits: [
      ['a bound of a batch in events', 'last.length < feedWebhookBatchEvents && ', ''],
      ['a bound of a batch in bytes', ' && bytes <= room)', ')'],
      ['one event a structured request', "mode === 'batched' && last", 'last'],
    ],
  },
];
