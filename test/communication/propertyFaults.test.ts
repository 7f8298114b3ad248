// Random histories in which processes die, storage and ACS fail, and several calls are under way at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rounds, stepNames } from './histories/commands.ts';
import { History } from './histories/history.ts';
import { seeded, told } from './histories/seeded.ts';

/** What happened to a step, as far as it matters that it did: `rows.remove` comes up too seldom. */
const families = { died: /^die /, failed: /^(fail|hang|throttled)/ };
const wanted = Object.keys(families).flatMap((family) =>
  stepNames.filter((step) => step !== 'rows.remove').map((step) => `${step} ${family}`),
);

function met(suffered: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  for (const one of suffered) {
    for (const [family, fate] of Object.entries(families)) {
      if (fate.test(one)) found.add(`${one.split(' ').at(-1) ?? ''} ${family}`);
    }
  }
  return found;
}

for (const [how, atOnce, length] of [
  ['one call at a time', 1, 40],
  ['several calls at once', 4, 15],
] as const) {
  test(`whatever fails, ${how}: nothing is promised wrongly and the clean-up finishes the rest`, async (t) => {
    const suffered = new Set<string>();
    await seeded(t, 1000, rounds(atOnce, length), async (history) => {
      const played = new History();
      await told(played.lines, () => played.run(history));
      for (const one of played.suffered) suffered.add(one);
    });
    const found = met(suffered);
    assert.deepEqual(
      wanted.filter((one) => !found.has(one)),
      [],
      'every call died and failed',
    );
  });
}
