// Which crossed holes are read again and when one has been watched long enough.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterRead, dueReads, lateIn } from '../../src/changeFeed/audit.ts';
import type { CrossedHole, Page } from '../../src/changeFeed/cursor.ts';
import { covers } from '../../src/changeFeed/intervals.ts';
import { entryOf } from './feedWorld.ts';

const minute = 60_000;
const watchMs = 24 * 60 * minute;
const hole = (from: number, to: number, crossedAt = 0, readAt = crossedAt): CrossedHole => ({
  from,
  to,
  crossedAt,
  readAt,
});
const frame = { now: minute, watchMs, pageSize: 10, mostReads: 20 };
const page = (from: number, to: number, found: readonly number[], requestedAt: number): Page => ({
  ...{ from, to, requestedAt, repliedAt: requestedAt, bytes: 0 },
  entries: found.map((sequence) => entryOf(sequence, 0)),
});

test('reads cover every due hole, none is longer than a page, and no more than asked for', () => {
  const holes = fc
    .uniqueArray(fc.integer({ min: 1, max: 300 }), { maxLength: 60 })
    .map((list) => list.sort((a, b) => a - b).map((one) => hole(one, one)));
  fc.assert(
    fc.property(holes, fc.integer({ min: 1, max: 100 }), (crossed, pageSize) => {
      const reads = dueReads(crossed, { ...frame, pageSize, mostReads: 1000 });
      for (const { from } of crossed) assert.ok(covers(reads, from));
      for (const { from, to } of reads) assert.ok(to - from < pageSize);
      assert.ok(dueReads(crossed, { ...frame, pageSize, mostReads: 3 }).length <= 3);
    }),
  );
  assert.deepEqual(dueReads([hole(1, 25), hole(27, 28)], frame), [
    { from: 1, to: 10 },
    { from: 11, to: 20 },
    { from: 21, to: 28 },
  ]);
});

test('the pause between reads doubles from a minute on, and one read follows the end of the watch', () => {
  const times: number[] = [];
  let crossed = [hole(5, 5)];
  for (let now = 0; crossed.length > 0; now += minute) {
    const [range] = dueReads(crossed, { ...frame, now });
    if (!range) continue;
    times.push(now / minute);
    crossed = afterRead(crossed, page(range.from, range.to, [], now), watchMs);
  }
  assert.deepEqual(times, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440]);
});

test('a read before the end of the watch drops nothing, what it found stays until delivered, the rest remembers it', () => {
  const crossed = [hole(5, 9)];
  assert.deepEqual(afterRead(crossed, page(5, 9, [7], watchMs - 1), watchMs), [
    hole(5, 6, 0, watchMs - 1),
    hole(7, 7),
    hole(8, 9, 0, watchMs - 1),
  ]);
  assert.deepEqual(afterRead(crossed, page(5, 7, [6], watchMs), watchMs), [hole(6, 6), hole(8, 9)]);
});

test('what a read shows beside the crossed holes is no late change', () => {
  assert.deepEqual(lateIn([hole(5, 5), hole(7, 8)], page(5, 8, [5, 6, 7], minute)), [5, 7]);
});
