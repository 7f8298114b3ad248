// A small model of the cursor protocol, explored in full: every order of the calls of the real code, and every fault that a scenario allows.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explore } from './explorer.ts';
import { scenario, scenarioNames } from './scenarios.ts';
import { sourceWith } from './source.ts';

const source = await sourceWith();

describe('in every order of calls no rule is broken when', () => {
  for (const name of scenarioNames) {
    test(name, async (t) => {
      const { least, ...rest } = scenario(name);
      const { states, schedules, violation } = await explore({ ...rest, least }, source);
      t.diagnostic(`${String(states)} states, ${String(schedules)} courses`);
      assert.equal(violation?.report, undefined);
      assert.ok(states >= least[0], `${String(states)} states`);
      assert.ok(schedules >= least[1], `${String(schedules)} courses`);
    });
  }
});
