// The rules of the cursor itself: what is passed, and what a commit and a move change.
import type { Mutations } from './mutations.ts';

export const mutationsOfCursor: readonly Mutations[] = [
  {
    file: 'cursor.ts',
    by: {
      kind: 'test',
      file: 'cursor.test',
      name: 'a range ends before the first hole that is not old enough, and names every older one',
    },
    edits: [
      [
        'the settle time',
        'page.requestedAt - hole.firstSeen >= settleMs',
        'page.requestedAt - hole.firstSeen >= 0',
      ],
      ['an end before the first young hole', 'const to = held ? held.from - 1 : top;', 'const to = top;'],
      ['the holes of a range', 'holes: join(crossed),', 'holes: [],'],
      [
        'sightings of the young',
        'const before = known.flatMap((hole) => {',
        'const before = [].flatMap((hole: Hole) => {',
      ],
    ],
  },
  {
    file: 'cursor.ts',
    by: {
      kind: 'test',
      file: 'cursor.test',
      name: 'a first sighting survives the next scans, also beyond them, and a clock set back does not age a hole',
    },
    edits: [
      [
        'the second that a Date header cuts off',
        'const headerResolutionMs = 1000;',
        'const headerResolutionMs = 0;',
      ],
      [
        'sightings beyond the scan',
        '.filter((hole) => hole.to > top)',
        '.filter((hole) => hole.to > top + 1e9)',
      ],
      [
        'a sighting that cannot lie ahead',
        'firstSeen: Math.min(hole.firstSeen, now)',
        'firstSeen: hole.firstSeen',
      ],
    ],
  },
  {
    file: 'cursor.ts',
    by: {
      kind: 'test',
      file: 'cursor.test',
      name: 'age counts by when the page was asked for, not by when its answer came',
    },
    edits: [
      [
        'the age of a page by its request',
        'settled: old || page.requestedAt - hole.firstSeen',
        'settled: old || page.repliedAt - hole.firstSeen',
      ],
      [
        'the age of a neighbour by the request',
        'const old = page.requestedAt - timestampMs(neighbour) > neighbourAge;',
        'const old = page.repliedAt - timestampMs(neighbour) > neighbourAge;',
      ],
    ],
  },
  {
    file: 'cursor.ts',
    by: {
      kind: 'test',
      file: 'cursor.test',
      name: "a neighbour's timestamp vouches only when older than ten minutes and ten settle times",
    },
    edits: [
      [
        'ten minutes of a neighbour',
        'Math.max(feedOldNeighbourMs, feedOldNeighbourSettles * settleMs)',
        'feedOldNeighbourSettles * settleMs',
      ],
      [
        'ten settle times of a neighbour',
        'Math.max(feedOldNeighbourMs, feedOldNeighbourSettles * settleMs)',
        'feedOldNeighbourMs',
      ],
      [
        'a neighbour behind the hole',
        'all.find(({ sequence }) => sequence > gap.to) ?? latest',
        'all.find(({ sequence }) => sequence < gap.from) ?? latest',
      ],
    ],
  },
  {
    file: 'cursor.ts',
    by: { kind: 'model', name: 'a crossed hole fills', rule: 'no sink lacks what is committed' },
    edits: [
      [
        'crossed holes kept at the commit',
        'crossed: [...cursor.crossed, ...pending.holes.map((hole) => ({ ...hole, crossedAt: now, readAt: now }))],',
        'crossed: cursor.crossed,',
      ],
    ],
  },
  {
    file: 'cursor.ts',
    by: {
      kind: 'test',
      file: 'pull.test',
      name: 'a crash repeats the recorded range with the same changes, and what turned up inside goes the late way',
    },
    edits: [
      [
        'earlier crossed holes kept at the commit',
        'crossed: [...cursor.crossed, ...pending.holes',
        'crossed: [...pending.holes',
      ],
    ],
  },
  {
    file: 'cursor.ts',
    by: {
      kind: 'test',
      file: 'cursor.test',
      name: 'a commit moves the cursor and the anchor and watches the crossed holes; a late one only closes its hole',
    },
    edits: [
      [
        'a late commit that moves nothing',
        'if (pending.late) return { ...cursor, pending: null, crossed: without(cursor.crossed, pending) };',
        '',
      ],
      [
        'an anchor kept over a range of holes',
        'anchor: last ? anchorOf(last) : cursor.anchor,',
        'anchor: last ? anchorOf(last) : null,',
      ],
      [
        'an anchor that goes along',
        'anchor: last ? anchorOf(last) : cursor.anchor,',
        'anchor: cursor.anchor,',
      ],
    ],
  },
  {
    file: 'cursor.ts',
    by: { kind: 'model', name: 'a crossed hole fills', rule: 'every change arrives' },
    edits: [
      [
        'the hole of a late change closed',
        'pending: null, crossed: without(cursor.crossed, pending) }',
        'pending: null }',
      ],
    ],
  },
  {
    file: 'cursor.ts',
    by: {
      kind: 'test',
      file: 'cursor.test',
      name: 'a feed is another one when it fell behind, lost its anchor or tells it differently',
    },
    edits: [
      ['the end of the feed against the cursor', 'if (latest < highWater(cursor)) return true;', ''],
      [
        'the anchor',
        'return cursor.anchor !== null && !isAnchored(cursor.anchor, atAnchor);',
        'return false;',
      ],
      [
        'the pending range in the high water',
        'Math.max(committed, anchor?.sequence ?? 0, pending?.to ?? 0)',
        'Math.max(committed, anchor?.sequence ?? 0)',
      ],
    ],
  },
  {
    file: 'cursor.ts',
    by: {
      kind: 'test',
      file: 'cursor.test',
      name: 'a move keeps what is watched below the new place, forgets what lies above, and keeps an anchor',
    },
    edits: [
      ['holes watched below a move', 'crossed: [...kept, ...added]', 'crossed: [...added]'],
      ['new holes watched below a move', 'crossed: [...kept, ...added]', 'crossed: [...kept]'],
      [
        'holes above a move forgotten',
        'const kept = without(cursor.crossed, above);',
        'const kept = above.from > 0 ? cursor.crossed : [];',
      ],
      ['the epoch over a move', '...newCursor(position, cursor.epoch),', '...newCursor(position, 1),'],
    ],
  },
];
