// The tests of the exploration: what every order of steps has to show.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, type Scenario } from './explorer.ts';
import { scenarios } from './scenarios.ts';
import { original } from './source.ts';

/** Scenarios of more states than this are a file of tests of their own, so that they run beside the others. */
const many = 5_000;

export function testEveryOrder(which: 'with many states' | 'with fewer states'): void {
  const all: readonly Scenario[] = Object.entries(scenarios).map(([name, rest]) => ({ name, ...rest }));
  const chosen = all.filter(({ least: [states] }) => states > many === (which === 'with many states'));
  for (const scenario of chosen) {
    test(`every order keeps every rule: ${scenario.name}`, async (context) => {
      const { states, schedules, violation } = await explore(scenario, await original());
      context.diagnostic(`${states} states, ${schedules} schedules`);
      assert.equal(violation?.report, undefined);
      const [leastStates, leastSchedules] = scenario.least;
      assert.ok(
        states >= leastStates && schedules >= leastSchedules,
        `only ${states} states, ${schedules} schedules`,
      );
    });
  }
}
