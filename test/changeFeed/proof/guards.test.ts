// Each rule of the change feed is taken out of the source once: a test, a killed run or the model must miss it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { deeds } from './deeds.ts';
import { explore } from './explorer.ts';
import { mutations, type Finder } from './mutations.ts';
import { scenario } from './scenarios.ts';
import { sourceWith, testsWith, type Edit } from './source.ts';
import { strikeAll } from './strike.ts';

// The same examples in each run: whether a mutation is found must not depend on luck.
fc.configureGlobal({ seed: 1 });

/** What broke with the edits; undefined when nothing did. */
async function brokenBy(finder: Finder, ...edits: readonly Edit[]): Promise<string | undefined> {
  switch (finder.kind) {
    case 'model':
      return (await explore(scenario(finder.name), await sourceWith(...edits))).violation?.rule;
    case 'kills': {
      const deed = deeds.find(({ name }) => name === finder.name) ?? assert.fail(finder.name);
      return (await strikeAll(deed, await sourceWith(...edits))).violation?.rule;
    }
    case 'test': {
      const found = (await testsWith(finder.file, ...edits)).find(({ name }) => name === finder.name);
      assert.ok(found, `${finder.file} has no test "${finder.name}"`);
      return Promise.resolve()
        .then(found.run)
        .then(
          () => undefined,
          () => finder.name,
        );
    }
  }
}

describe('something goes wrong, and is seen, without', () => {
  for (const { file, by, edits } of mutations) {
    for (const [name, text, becomes] of edits) {
      test(name, async () => {
        const expected = by.kind === 'test' ? by.name : by.rule;
        assert.equal(await brokenBy(by, { file, text, becomes }), expected);
      });
    }
  }
});

test('the tests that are to miss a rule pass where it is in place', async () => {
  const named = new Map(mutations.flatMap(({ by }) => (by.kind === 'test' ? [[by.name, by]] : [])));
  for (const finder of named.values()) assert.equal(await brokenBy(finder), undefined, finder.name);
});
