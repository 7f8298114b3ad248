// A small model of the protocol, explored in full: every order of the steps of the real code, and every fault that a scenario allows.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explore } from './explorer.ts';
import { scenarioNames, scenario } from './scenarios.ts';
import { sourceWith } from './source.ts';

const source = await sourceWith();

describe('in every order of steps no rule is broken when', () => {
  for (const name of scenarioNames) {
    test(name, async (t) => {
      const { least, ...rest } = scenario(name);
      const { states, schedules, violation } = await explore({ ...rest, least }, source);
      t.diagnostic(`${String(states)} states, ${String(schedules)} schedules`);
      assert.equal(violation?.report, undefined);
      assert.ok(states >= least[0], `${String(states)} states`);
      assert.ok(schedules >= least[1], `${String(schedules)} schedules`);
    });
  }
});
