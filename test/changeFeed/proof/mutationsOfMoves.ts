// The rules of starts and of operators' moves.
import type { Mutations } from './mutations.ts';

export const mutationsOfMoves: readonly Mutations[] = [
  {
    file: 'moveCursor.ts',
    by: {
      kind: 'test',
      file: 'proof/moves.test',
      name: 'a move goes through only where the cursor is what the operator saw, and not beyond the newest',
    },
    edits: [
      ['expect', 'refuseUnexpected(move.expect, stored.cursor.committed);', ''],
      ['expect without a cursor', 'refuseUnexpected(move.expect, null);', ''],
      ['no move beyond the newest', 'if (sequence > latest)', 'if (sequence > latest + 1e9)'],
      ['a lease given back after a move', '      await close();', '      void close;'],
    ],
  },
  {
    file: 'moveCursor.ts',
    by: {
      kind: 'kills',
      name: 'a run on a feed that was made anew and has outgrown the cursor',
      rule: 'nothing of another feed is delivered',
    },
    edits: [
      [
        'an epoch raised for another feed',
        'raised: stored.cursor.epoch + 1, save',
        'raised: stored.cursor.epoch, save',
      ],
    ],
  },
  {
    file: 'moveCursor.ts',
    by: {
      kind: 'test',
      file: 'proof/moves.test',
      name: 'a move past a lost cursor raises the epoch over all that it ever had',
    },
    edits: [['an epoch raised for a lost cursor', 'opened.epoch + 1 : 1', 'opened.epoch : 1']],
  },
  {
    file: 'moveCursor.ts',
    by: {
      kind: 'kills',
      name: 'a run on a feed that was made anew and has outgrown the cursor',
      rule: 'every change arrives',
    },
    edits: [
      [
        "another feed told from the cursor's",
        'old && !(await isOtherFeed(reader, old, latest, frame)) ? old : undefined',
        'old',
      ],
    ],
  },
  {
    file: 'service.ts',
    by: { kind: 'model', name: 'two runs begin a cursor', rule: 'a run halts only for a reason' },
    edits: [['a cursor of another run', "if (!isAppError(error, 'conflict')) throw error;", 'throw error;']],
  },
  {
    file: 'start.ts',
    by: {
      kind: 'test',
      file: 'start.test',
      name: 'a start at the newest change watches the numbers just below that have not committed',
    },
    edits: [
      [
        'watching what is missing below a start',
        'crossed: gaps.map((gap) => ({ ...gap, crossedAt: page.repliedAt, readAt: page.repliedAt })),',
        'crossed: gaps.slice(gaps.length),',
      ],
      ['an anchor at the start', 'anchor: last ? anchorOf(last) : null,', 'anchor: null,'],
    ],
  },
  {
    file: 'start.ts',
    by: {
      kind: 'test',
      file: 'start.test',
      name: 'a start at a sequence that the feed has not reached is refused',
    },
    edits: [['no start beyond the newest', 'if (committed > newest) {', 'if (committed > newest + 1e9) {']],
  },
  {
    file: 'start.ts',
    by: {
      kind: 'test',
      file: 'start.test',
      name: 'a start by time comes before every change from then on, thousands of equal timestamps and earlier numbers included',
    },
    edits: [
      [
        'the lowest of a start by time',
        'lowest = rows.reduce((least, { sequence }) => Math.min(least, sequence), lowest);',
        '',
      ],
      [
        'every window of a start by time',
        'while (rows.length === feedWindowRows);',
        'while (rows.length > feedWindowRows);',
      ],
    ],
  },
];
