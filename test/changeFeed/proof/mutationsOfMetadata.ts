// The rules for metadata that cannot be read, and for pages that are too much.
import type { Mutations } from './mutations.ts';

export const mutationsOfMetadata: readonly Mutations[] = [
  {
    file: 'poison.ts',
    by: {
      kind: 'test',
      file: 'poison.test',
      name: 'while nothing can be read no change loses its metadata, however many runs try',
    },
    edits: [['a witness', 'if (!(await this.#othersAnswer(entry.sequence))) throw storeDown(cause);', '']],
  },
  {
    file: 'poison.ts',
    by: {
      kind: 'test',
      file: 'poison.test',
      name: 'the one change whose metadata fails its page is delivered without it by the second run, all others with it',
    },
    edits: [
      [
        'two runs',
        'if (!readable && suspect && !this.#earlier.has(suspect.sequence)) {',
        'if (!readable && suspect && this.#earlier.has(-suspect.sequence)) {',
      ],
      ['nothing delivered behind a new suspect', 'if (found === 0) yield page;', 'yield page;'],
      [
        'the mark of what cannot be read',
        "entries: [{ ...entry, metadataError: 'unreadable' }]",
        'entries: [entry]',
      ],
    ],
  },
  {
    file: 'poison.ts',
    by: {
      kind: 'test',
      file: 'poison.test',
      name: 'more in a row than are looked beyond are told from an outage by the last change that could be read',
    },
    edits: [['an end of suspicions in a run', 'if (found >= feedSuspectsInRun) break;', '']],
  },
  {
    file: 'poison.ts',
    by: {
      kind: 'test',
      file: 'hardDays.test',
      name: 'the last change that could be read does not vouch for the store once it is deleted',
    },
    edits: [
      [
        'a witness that has metadata',
        'if (!page?.entries.some(isReadable)) return false;',
        'if (!page) return false;',
      ],
    ],
  },
  {
    file: 'poison.ts',
    by: {
      kind: 'test',
      file: 'poison.test',
      name: 'a change that answers after all does not vouch for the store by itself',
    },
    edits: [['a witness other than the suspect', 'if (other === suspect) return false;', '']],
  },
  {
    file: 'poison.ts',
    by: { kind: 'test', file: 'poison.test', name: 'among deleted instances the one that is left is found' },
    edits: [['witnesses that are not deleted', "state !== 'Deleted' && !this.#suspects", '!this.#suspects']],
  },
  {
    file: 'poison.ts',
    by: {
      kind: 'test',
      file: 'hardDays.test',
      name: 'a service that throttles requests for metadata makes no change suspicious',
    },
    edits: [
      [
        'only failures that metadata may cause',
        "if (error instanceof FeedStop) return error.outcome === 'upstream_failed';",
        'if (error instanceof FeedStop) return true;',
      ],
    ],
  },
  {
    file: 'pages.ts',
    by: {
      kind: 'test',
      file: 'poison.test',
      name: 'the one change whose metadata fails its page is delivered without it by the second run, all others with it',
    },
    edits: [
      [
        'a suspect asked for alone',
        'const length = suspect === from ? 1 : Math.min(suspect - from, this.#size.now);',
        'const length = this.#size.now;',
      ],
    ],
  },
  {
    file: 'pages.ts',
    by: {
      kind: 'test',
      file: 'pages.test',
      name: 'a page that is too much is halved down to one; two silences in a row end the run, and the next one begins smaller',
    },
    edits: [
      ['smaller pages after too much', 'if (divisible) this.#size.tooMuch(range);', ''],
      ['an end after two silences', 'if (this.#silences >= silencesInRow) throw error;', ''],
    ],
  },
  {
    file: 'ahead.ts',
    by: { kind: 'test', file: 'ahead.test', name: 'large answers leave room for fewer ahead' },
    edits: [
      [
        'what those under way may have',
        'fetch.outcome.answer.bytes : fetch.maxBytes',
        'fetch.outcome.answer.bytes : 0',
      ],
    ],
  },
  {
    file: 'ahead.ts',
    by: {
      kind: 'test',
      file: 'ahead.test',
      name: 'what was too large ahead of its turn is asked for whole in its turn, and says what the next ones may have',
    },
    edits: [
      [
        'the second chance of a large page',
        'outcome.error instanceof AnswerTooLarge ? undefined : outcome',
        'outcome',
      ],
    ],
  },
];
