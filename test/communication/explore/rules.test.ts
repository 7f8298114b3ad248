// Every rule of the directory is needed: the exploration finds what breaks when one of them is taken out of the source.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore } from './explorer.ts';
import { mutationsOfIdentities } from './mutationsOfIdentities.ts';
import { mutationsOfTokens } from './mutationsOfTokens.ts';
import { scenarios } from './scenarios.ts';
import { without } from './source.ts';

for (const { name, edits, scenario, finds } of [...mutationsOfTokens, ...mutationsOfIdentities]) {
  test(`it is found when this rule is gone: ${name}`, async () => {
    const { violation } = await explore({ name: scenario, ...scenarios[scenario] }, await without(edits));
    assert.ok(violation, 'nothing was found');
    assert.equal(violation.rule, finds, violation.report);
  });
}

test('a rule whose text is not in the source once any more is an error', async () => {
  const gone = { file: 'directory.ts', text: 'no such text', becomes: '' };
  await assert.rejects(without([gone]), /0 times, not once/);
  const often = { file: 'directory.ts', text: 'const', becomes: '' };
  await assert.rejects(without([often]), /times, not once/);
});
