// Two rotators that overlap, services that fail, people who meddle, days that pass: in thousands of random histories no rule breaks.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { history } from './history.ts';
import { sourceWith } from './source.ts';

const source = await sourceWith();

/** `SEED=<n>` tells one history step by step; `HISTORIES=<n>` plays so many. */
const { SEED, HISTORIES } = process.env;
const histories = Number(HISTORIES ?? 1_500);

describe('a random history', () => {
  if (SEED !== undefined) {
    test(`of seed ${SEED} breaks no rule`, async () => {
      const { violation } = await history(Number(SEED), source);
      assert.equal(violation?.report, undefined);
    });
    return;
  }
  test('breaks no rule, whatever its seed', { timeout: 1_200_000 }, async (t) => {
    let [runs, mints] = [0, 0];
    for (let seed = 1; seed <= histories; seed += 1) {
      const told = await history(seed, source);
      assert.equal(told.violation?.report, undefined);
      runs += told.runs;
      mints += told.mints;
    }
    t.diagnostic(`${String(histories)} histories, ${String(runs)} runs, ${String(mints)} credentials`);
    assert.ok(runs > 15 * histories && mints > 2 * histories, 'much happens in them');
  });
  test('is the same each time', async () => {
    assert.deepEqual(await history(7, source), await history(7, source));
  });
});
