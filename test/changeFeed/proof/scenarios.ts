// What the model of the cursor protocol is explored with: small worlds of three changes, each with troubles of its own.
import type { Scenario } from './explorer.ts';
import type { Stage } from './stage.ts';
import { auditMs, minuteMs, secondMs, type World } from './world.ts';

const minutePasses = (world: World, stage: Stage): void => {
  stage.advance(minuteMs + 2 * secondMs);
};

const halfMinutePasses = (_: World, stage: Stage): void => {
  stage.advance(minuteMs / 2 + secondMs);
};

const secondCommits = (world: World): void => {
  world.commit(2);
};

/** Where nothing of the feed and no birth changes, nobody can tell when they are read. */
const still = /^asks|^looks|reads the birth$/;

const all = [
  {
    name: 'two runs begin a cursor',
    before: (world: World) => {
      world.changes(3);
    },
    faults: ['kill', 'lost'],
    atOnce: /^asks/,
    least: [2200, 20],
  },
  {
    name: 'a change commits late',
    before: async (world, stage, pull) => {
      world.changes(1);
      await pull();
      world.draw();
      world.changes(1);
    },
    meanwhile: {
      'the change commits': secondCommits,
      'a minute passes': minutePasses,
    },
    faults: ['kill'],
    atOnce: /^looks|reads the birth$/,
    least: [1500, 30],
  },
  {
    name: 'a change commits within the settle time, or after it',
    before: async (world, stage, pull) => {
      world.changes(1);
      await pull();
      world.draw();
      world.changes(1);
    },
    meanwhile: {
      'the change commits': secondCommits,
      'half a minute passes': halfMinutePasses,
      'another half minute passes': halfMinutePasses,
    },
    atOnce: /^looks|reads the birth$/,
    least: [4800, 12],
  },
  {
    name: 'a lease runs out',
    before: async (world, stage, pull) => {
      world.changes(1);
      await pull();
      world.changes(2);
    },
    meanwhile: { 'a minute passes': minutePasses },
    faults: ['lost'],
    atOnce: still,
    least: [900, 20],
  },
  {
    name: 'a lease is renewed, or not heard to be',
    before: async (world, stage, pull) => {
      world.changes(1);
      await pull();
      world.changes(1);
    },
    meanwhile: { 'a minute passes': minutePasses },
    renewals: 1,
    faults: ['lost'],
    on: /^renews/,
    atOnce: /^asks|^looks|^reads/,
    least: [3600, 10],
  },
  {
    name: 'the webhook refuses a change',
    before: async (world, stage, pull) => {
      world.changes(1);
      await pull();
      world.changes(2);
      world.refused.add(2);
    },
    faults: ['kill', 'lost'],
    atOnce: still,
    least: [240, 18],
  },
  {
    name: 'a sink fails once, and a crash',
    before: async (world, stage, pull) => {
      world.changes(1);
      await pull();
      world.changes(2);
      world.webhookFails = 1;
    },
    faults: ['kill', 'fails'],
    atOnce: still,
    least: [190, 18],
  },
  {
    name: 'an operator moves the cursor back',
    before: async (world, stage, pull) => {
      world.changes(2);
      await pull();
      world.changes(1);
    },
    move: { sequence: 0, expect: 2 },
    meanwhile: { 'a minute passes': minutePasses },
    atOnce: still,
    least: [1600, 8],
  },
  {
    name: 'an operator moves the cursor ahead',
    before: async (world, stage, pull) => {
      world.changes(1);
      await pull();
      world.changes(2);
    },
    move: { sequence: 2, expect: 1 },
    meanwhile: { 'a minute passes': minutePasses },
    atOnce: still,
    least: [1600, 8],
  },
  {
    name: 'a crossed hole fills',
    before: async (world, stage, pull) => {
      world.changes(1);
      world.draw();
      world.changes(1);
      await pull();
      minutePasses(world, stage);
      await pull();
      minutePasses(world, stage);
    },
    meanwhile: {
      'the change commits': secondCommits,
      'the watch ends': (_, stage) => {
        stage.advance(auditMs);
      },
    },
    faults: ['kill'],
    atOnce: /^looks|reads the birth$/,
    least: [1600, 25],
  },
] as const satisfies readonly Scenario[];

export type ScenarioName = (typeof all)[number]['name'];
export const scenarioNames: readonly ScenarioName[] = all.map(({ name }) => name);

export function scenario(name: ScenarioName): Scenario {
  const found = all.find((one) => one.name === name);
  if (!found) throw new Error(name);
  return found;
}
