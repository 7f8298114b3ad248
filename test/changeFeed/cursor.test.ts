// The pure rules of the cursor: what a range is, when a hole is crossed, what a commit and a move change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  commit,
  moved,
  newCursor,
  planRange,
  wasReset,
  type Cursor,
  type Page,
} from '../../src/changeFeed/cursor.ts';
import { anchorOf } from '../../src/changeFeed/entry.ts';
import { count, covers, missing, subtract } from '../../src/changeFeed/intervals.ts';
import { entryOf } from './feedWorld.ts';

const now = Date.UTC(2026, 0, 1);
const settle = 60_000;
const fresh = newCursor({ committed: 0, anchor: null, crossed: [] }, 1);

function pageOf(from: number, to: number, sequences: readonly number[], at = now, age = 0): Page {
  const inside = sequences.filter((sequence) => from <= sequence && sequence <= to);
  const entries = inside.map((sequence) => entryOf(sequence, at - age));
  return { from, to, entries, requestedAt: at, repliedAt: at, bytes: 1 };
}

const numbers = fc
  .uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 40 })
  .map((list) => list.sort((a, b) => a - b));

test('a range ends before the first hole that is not old enough, and names every older one', () => {
  fc.assert(
    fc.property(
      numbers,
      fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.boolean())),
      (sequences, seen) => {
        const top = Math.max(1, ...sequences);
        const firstSeen = new Map(
          seen.map(([sequence, old]) => [sequence, now - (old ? settle : settle - 1)]),
        );
        const holes = [...firstSeen]
          .sort(([a], [b]) => a - b)
          .map(([at, time]) => ({ from: at, to: at, firstSeen: time }));
        const cursor: Cursor = { ...fresh, holes };
        const pages = [pageOf(1, 20, sequences), pageOf(21, 40, sequences)].filter(({ from }) => from <= top);
        const cut = pages.map((page) => ({ ...page, to: Math.min(page.to, top) }));
        const plan = planRange(cursor, { pages: cut, latest: entryOf(top, now) }, settle);
        const to = plan.pending?.to ?? 0;
        for (let sequence = 1; sequence <= to; sequence += 1) {
          const isHole = !sequences.includes(sequence);
          assert.equal(covers(plan.pending?.holes ?? [], sequence), isHole);
          if (isHole) assert.equal(firstSeen.get(sequence), now - settle, 'crossed only when old');
        }
        assert.deepEqual(
          plan.entries.map(({ sequence }) => sequence),
          sequences.filter((sequence) => sequence <= to),
        );
        if (to < top) {
          assert.ok(!sequences.includes(to + 1), 'only a hole ends it');
          assert.notEqual(firstSeen.get(to + 1), now - settle);
          for (let sequence = to + 1; sequence <= top; sequence += 1)
            assert.equal(
              covers(plan.holes, sequence),
              !sequences.includes(sequence),
              'every sighting is kept',
            );
        }
      },
    ),
  );
});

test('age counts by when the page was asked for, not by when its answer came', () => {
  const holes = [{ from: 1, to: 1, firstSeen: now - settle }];
  const page = { ...pageOf(1, 2, [2]), requestedAt: now - 1, repliedAt: now + 30_000 };
  const scan = { pages: [page], latest: entryOf(2, now) };
  assert.equal(planRange({ ...fresh, holes }, scan, settle).pending, undefined);
  const old = { ...pageOf(1, 2, [2], now, 600_000), repliedAt: now + 30_000 };
  assert.equal(planRange(fresh, { ...scan, pages: [old] }, 1000).pending, undefined, 'nor does a neighbour');
});

test("a neighbour's timestamp vouches only when older than ten minutes and ten settle times", () => {
  const to = (age: number, settleMs: number): number | undefined =>
    planRange(fresh, { pages: [pageOf(1, 2, [2], now, age)], latest: entryOf(2, now) }, settleMs).pending?.to;
  assert.equal(to(600_000, 1000), undefined);
  assert.equal(to(600_001, 1000), 2);
  assert.equal(to(600_001, 120_000), undefined);
  assert.equal(to(1_200_001, 120_000), 2);
});

test('a first sighting survives the next scans, also beyond them, and a clock set back does not age a hole', () => {
  const holes = [
    { from: 2, to: 3, firstSeen: now - 5000 },
    { from: 90, to: 95, firstSeen: now - 4000 },
  ];
  const scan = { pages: [pageOf(1, 4, [1, 4])], latest: entryOf(100, now) };
  assert.deepEqual(planRange({ ...fresh, holes }, scan, settle).holes, holes);
  const ahead = [{ from: 2, to: 3, firstSeen: now + 9_000_000 }];
  assert.deepEqual(planRange({ ...fresh, holes: ahead }, scan, settle).holes, [
    { from: 2, to: 3, firstSeen: now + 1000 },
  ]);
});

test('a commit moves the cursor and the anchor and watches the crossed holes; a late one only closes its hole', () => {
  const pending = { from: 1, to: 6, holes: [{ from: 2, to: 4 }], late: false, accepted: [] };
  const last = entryOf(6, now);
  const after = commit({ ...fresh, pending }, [entryOf(1, now), entryOf(5, now), last], now);
  assert.deepEqual([after.committed, after.anchor, after.pending], [6, anchorOf(last), null]);
  assert.deepEqual(after.crossed, [{ from: 2, to: 4, crossedAt: now, readAt: now }]);
  const late = { from: 3, to: 3, holes: [], late: true, accepted: [] };
  const closed = commit({ ...after, pending: late }, [entryOf(3, now)], now + 1);
  assert.deepEqual([closed.committed, closed.anchor], [6, anchorOf(last)]);
  assert.deepEqual(
    closed.crossed.map(({ from, to }) => [from, to]),
    [
      [2, 2],
      [4, 4],
    ],
  );
  const onlyHoles = commit(
    { ...after, pending: { ...pending, from: 7, to: 9, holes: [{ from: 7, to: 9 }] } },
    [],
    now,
  );
  assert.deepEqual([onlyHoles.committed, onlyHoles.anchor], [9, anchorOf(last)]);
});

test('a feed is another one when it fell behind, lost its anchor or tells it differently', () => {
  const anchor = entryOf(7, now);
  const cursor: Cursor = { ...fresh, committed: 9, anchor: anchorOf(anchor) };
  assert.equal(wasReset(cursor, 9, anchor), false);
  assert.equal(wasReset(cursor, 9, { ...anchor, state: 'Deleted', filePath: 'x', metadata: {} }), false);
  assert.equal(wasReset(cursor, 8, anchor), true);
  assert.equal(wasReset(cursor, 99, undefined), true);
  const pending = { from: 10, to: 12, holes: [], late: false, accepted: [] };
  assert.equal(wasReset({ ...cursor, pending }, 12, anchor), false);
  assert.equal(wasReset({ ...cursor, pending }, 11, anchor), true, 'a range on record was seen');
  for (const change of [
    { timestamp: '2026-01-01T00:00:00.0000001+00:00' },
    { action: 'Update' },
    { sopInstanceUid: '2.25.9' },
    { partitionName: 'other' },
  ])
    assert.equal(wasReset(cursor, 99, { ...anchor, ...change }), true, JSON.stringify(change));
});

test('a move keeps what is watched below the new place, forgets what lies above, and keeps an anchor', () => {
  const hole = (from: number, to: number, at: number) => ({ from, to, crossedAt: at, readAt: at });
  const anchor = anchorOf(entryOf(20, now));
  const pending = { from: 21, to: 22, holes: [], late: false, accepted: ['blob' as const] };
  const cursor: Cursor = {
    ...fresh,
    epoch: 3,
    committed: 20,
    anchor,
    pending,
    crossed: [hole(3, 5, 1), hole(9, 12, 1)],
    holes: [],
  };
  const after = moved(cursor, { committed: 10, anchor: null, crossed: [hole(4, 7, 2)] });
  assert.deepEqual([after.epoch, after.committed, after.anchor, after.pending], [3, 10, anchor, null]);
  assert.deepEqual(after.crossed, [hole(3, 5, 1), hole(6, 7, 2), hole(9, 10, 1)]);
});

test('missing, subtract and count agree with sets of numbers', () => {
  fc.assert(
    fc.property(
      numbers,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 40 }),
      (sequences, from, length) => {
        const within = { from, to: from + length };
        const all = Array.from({ length: length + 1 }, (_, n) => from + n);
        const gaps = missing(
          within,
          sequences.filter((one) => one >= from && one <= within.to),
        );
        assert.deepEqual(
          all.filter((one) => covers(gaps, one)),
          all.filter((one) => !sequences.includes(one)),
        );
        const rest = subtract(within, gaps);
        assert.equal(count(rest) + count(gaps), all.length);
        assert.deepEqual(
          all.filter((one) => covers(rest, one)),
          all.filter((one) => sequences.includes(one)),
        );
      },
    ),
  );
});
