// Every kind of run and move is struck before and after each of its calls; later runs put everything right, and no rule breaks.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deeds } from './deeds.ts';
import { sourceWith } from './source.ts';
import { strikeAll } from './strike.ts';

/** `KILLS=all`: also the run after a struck one is struck at each of its calls. */
const twice = process.env['KILLS'] === 'all';
const source = await sourceWith();

describe('struck before and after each of its calls, everything arrives in the end after', () => {
  for (const deed of deeds) {
    test(deed.name, { timeout: 600_000 }, async (t) => {
      const { blows, violation } = await strikeAll(deed, source, twice);
      assert.equal(violation?.report, undefined);
      assert.ok(blows >= 6, `${String(blows)} blows`);
      t.diagnostic(`${String(blows)} blows`);
    });
  }
});
