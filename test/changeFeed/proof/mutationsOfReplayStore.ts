// The rules of what is kept of replays, where what they deliver lies, and what is counted of them.
import type { Mutations } from './mutations.ts';

export const mutationsOfReplayStore: readonly Mutations[] = [
  {
    file: 'replayStore.ts',
    by: {
      kind: 'test',
      file: 'proof/replays.test',
      name: 'a replay comes back as it was written, and is written only over the version that was read',
    },
    edits: [
      [
        'a write over what was read alone',
        "{ kind: 'etag', etag }),",
        "{ kind: etag === '' ? 'absent' : 'any' }),",
      ],
      ['replays made once', "{ kind: 'absent' }", "{ kind: 'any' }"],
      ['refusals that are stored', '      refusals: z.optional(whole),\n', ''],
      ['an end that is stored', 'startedAt, endedAt, lastRun },\n});', 'startedAt, lastRun },\n});'],
      ['a last run that is stored', 'startedAt, endedAt, lastRun },\n});', 'startedAt, endedAt },\n});'],
    ],
  },
  {
    file: 'replayStore.ts',
    by: {
      kind: 'test',
      file: 'proof/replays.test',
      name: 'what others write is seen until the replay has ended, and one that ended is read once',
    },
    edits: [
      ['a look at what still runs', "if (replay.state !== 'running') ended.set", 'ended.set'],
      ['one look at what has ended', '    if (known) return known;\n', ''],
      ['forgetting what is removed', '      ended.delete(name);\n', ''],
    ],
  },
  {
    file: 'replayStore.ts',
    by: {
      kind: 'test',
      file: 'proof/replays.test',
      name: 'a service has the replays of its own, without one that is removed while they are read',
    },
    edits: [
      [
        'a folder for each service',
        '`change-feed/${new URL(url).host}/replays/`',
        '`change-feed/${new URL(url).protocol}/replays/`',
      ],
      [
        'one that was removed meanwhile',
        'readable: found.filter((one) => one !== undefined)',
        'readable: found as StoredReplay[]',
      ],
    ],
  },
  {
    file: 'replayStore.ts',
    by: {
      kind: 'test',
      file: 'proof/replays.test',
      name: 'one that a newer release wrote, or that is damaged, is named and hides none of the others',
    },
    edits: [
      ['what can be read beside what cannot', 'if (!(error instanceof UnreadableDocument)) throw', 'throw'],
      ['the name of what cannot be read', '          unreadable.push(name);\n', ''],
    ],
  },
  {
    file: 'blobNames.ts',
    by: {
      kind: 'test',
      file: 'proof/replays.test',
      name: 'without their container there are no replays; what cannot be listed is not taken for none',
    },
    edits: [
      [
        'an account without the container',
        "if (storageFailure(error).code !== 'ContainerNotFound') throw error;",
        'throw error;',
      ],
      ['storage that fails', "if (storageFailure(error).code !== 'ContainerNotFound') throw error;", ''],
    ],
  },
  {
    file: 'blobSink.ts',
    by: {
      kind: 'test',
      file: 'proof/replays.test',
      name: 'what a replay delivers is not swallowed by a blob of the live cursor, nor is a claim',
    },
    edits: [
      [
        'blobs of a replay apart',
        'return replay === undefined ? host : `${host}/replay/${replay}`;',
        "return replay === '' ? host : host;",
      ],
    ],
  },
  {
    file: 'queueSink.ts',
    by: {
      kind: 'test',
      file: 'proof/replays.test',
      name: 'what a replay delivers is not swallowed by a blob of the live cursor, nor is a claim',
    },
    edits: [['claims of a replay apart', '`${folderOf(batch)}/claims/', '`${batch.host}/claims/']],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayNumbers.test',
      name: 'while the live cursor is not well nothing is said of what is left: its own outcome says that all of it waits',
    },
    edits: [
      [
        'a word on what stands still',
        'replayable.includes(live) && isFine(live)',
        'replayable.includes(live)',
      ],
    ],
  },
  {
    file: 'replays.ts',
    by: {
      kind: 'test',
      file: 'replayNumbers.test',
      name: 'a run that could not work on replays says nothing of what is left, though nobody has to look',
    },
    edits: [
      ['a word on what was not worked on', 'replayable.includes(live) && isFine(live)', 'isFine(live)'],
    ],
  },
  {
    file: 'service.ts',
    by: {
      kind: 'test',
      file: 'replayNumbers.test',
      name: 'documents that cannot be read are counted, and nothing is said where none could be listed',
    },
    edits: [
      [
        'numbers of what is not known',
        '(recent && replayNumbers(recent, report.outcome))',
        'replayNumbers(recent ?? report, report.outcome)',
      ],
    ],
  },
];
