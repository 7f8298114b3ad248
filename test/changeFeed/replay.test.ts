// What a replay shows of its progress, from the document alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nothingLearnt } from '../../src/changeFeed/cursor.ts';
import { newReplay, reportOfReplay, take, withLane } from '../../src/changeFeed/replay.ts';

test('the progress counts what the webhook has of a range under way, and never goes back', () => {
  const start = { id: 'r-1', service: 'https://a.example', epoch: 1, from: 11, to: 50 };
  const begun = take(
    newReplay({ ...start, sinks: ['webhook', 'blob'], startedAt: '2026-01-01T00:00:00.000Z' }),
  );
  const lane = begun.lanes[0] ?? assert.fail();
  const range = { from: 11, to: 30, holes: [], late: false, accepted: [] };
  const last = { ...range, from: 31, to: 50 };
  const steps = [
    [{}, 0],
    [{ pending: range }, 0],
    [{ pending: { ...range, through: 10 } }, 0],
    [{ pending: { ...range, through: 17 } }, 7],
    [{ pending: { ...range, through: 30 } }, 20],
    [{ committed: 30, pending: range }, 20],
    [{ committed: 30, pending: last }, 20],
    [{ committed: 30, pending: { ...last, through: 44 } }, 34],
    // Another sink is still to take it.
    [{ committed: 30, pending: { ...last, through: 50 } }, 39],
    [{ committed: 50, pending: null }, 40],
  ] as const;
  for (const [change, passed] of steps) {
    const replay = withLane(begun, { ...lane, reading: nothingLearnt, ...change });
    assert.equal(reportOfReplay(replay).passed, passed, JSON.stringify(change));
  }
});
