// Each rule that keeps a secret from breaking is taken out of the source once: the model or the histories must find it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explore } from './explorer.ts';
import { history } from './history.ts';
import { editOf, mutations, type Mutation } from './mutations.ts';
import { scenario } from './scenarios.ts';
import { sourceWith } from './source.ts';

const mostHistories = 1_500;

/** From the seed that once found it, then from the first: which one finds it changes with the source. */
function seedsFrom(first: number): number[] {
  const near = Array.from({ length: 5 }, (_, n) => first + n);
  return [...near, ...Array.from({ length: mostHistories }, (_, n) => n + 1)];
}

async function isFound(mutation: Mutation): Promise<boolean> {
  const [, rule, by] = mutation;
  const source = await sourceWith(editOf(mutation));
  if (typeof by === 'string') return (await explore(scenario(by), source)).violation?.rule === rule;
  for (const seed of seedsFrom(by)) if ((await history(seed, source)).violation?.rule === rule) return true;
  return false;
}

describe('something goes wrong, and is seen, without', () => {
  for (const mutation of mutations) {
    test(mutation[0], async () => {
      assert.ok(await isFound(mutation), `nothing broke the rule: ${mutation[1]}`);
    });
  }
});
