// The situations that are explored in full: small enough for every order of their steps, each about one way to lose a secret.
import { statePath } from '../../../src/rotation/stateDocument.ts';
import type { Scenario } from './explorer.ts';
import { drop, earlier } from './people.ts';
import { dayMs, hourMs, type Vault, type World } from './world.ts';

const due = (world: World, now: number): void => {
  earlier(world, { now, age: 61 * dayMs, published: true });
};
const fresh = (world: World, now: number): void => {
  earlier(world, { now, age: 30 * dayMs, published: true });
};

/** Current for ten days, with a previous one, an orphan and a version whose credential is gone. */
function worn(world: World, now: number): void {
  earlier(world, { now, age: 62 * dayMs, published: true });
  earlier(world, { now, age: 40 * dayMs, published: true });
  earlier(world, { now, age: 20 * dayMs, published: false });
  earlier(world, { now, age: 10 * dayMs, published: true });
  const [first] = world.credentials;
  if (first) world.remove(first, now - 30 * dayMs, 'an earlier run');
}

function setAgain({ world, now, at }: { world: World; now: number; at: number }, tags: boolean): void {
  const old = world.vault.versions.at(at);
  if (!old) return;
  world.set(world.vault, { text: old.text, now, by: 'operator', ...(tags ? { tags: old.tags } : {}) });
  disturb(world.vault);
  const used = world.byValue(old.text);
  if (used && !tags) world.adoptable.add(used.keyId);
}

function disturb(vault: Vault): void {
  vault.disturbed += 1;
}

const scenarios = {
  'two runs meet when a rotation is due': {
    ...{ before: due, runs: [{}, {}], faults: ['kill'], atOnce: /^asks/ },
    least: [6000, 40],
  },
  'a run that is due, and any one fault': {
    ...{
      before: due,
      runs: [{}],
      faults: ['kill', 'fails', 'lost', 'late', 'stale', 'refused', 'throttled', 'flapping'],
    },
    least: [1000, 25],
  },
  'a first secret, and any one fault': {
    ...{
      before: () => undefined,
      runs: [{}],
      faults: ['kill', 'fails', 'lost', 'late', 'stale', 'refused', 'throttled'],
    },
    least: [400, 25],
  },
  'a run cleans up while another one is forced': {
    ...{ before: worn, runs: [{}, { force: true }], atOnce: /^asks/ },
    least: [3500, 20],
  },
  'a run cleans up while somebody rolls back, and any one fault': {
    ...{ before: worn, runs: [{}], faults: ['kill', 'fails', 'lost', 'stale'] },
    people: {
      'rolls back': (world, now) => {
        setAgain({ world, now, at: 1 }, false);
      },
    },
    least: [400, 18],
  },
  'a leaked secret is revoked while somebody sets it again': {
    ...{ before: fresh, runs: [{ revoke: 'key-e1' }] },
    people: {
      'sets it again': (world, now) => {
        setAgain({ world, now, at: 0 }, true);
      },
    },
    least: [300, 5],
  },
  'a publish that is not answered, then refused': {
    ...{
      before: due,
      runs: [{}],
      faults: ['late', 'lost', 'fails', 'refused', 'throttled'],
      budget: 3,
      on: /^publishes$/,
    },
    least: [2500, 40],
  },
  'somebody removes the new credential before it is published': {
    ...{ before: fresh, runs: [{ force: true }] },
    people: {
      'removes the newest': (world, now) => {
        const newest = world.present().at(-1);
        if (newest && newest.keyId !== 'key-e1') drop(world, newest, now);
      },
    },
    least: [900, 6],
  },
  'a run whose Graph does not know that somebody rolled back': {
    before: (world, now) => {
      earlier(world, { now, age: 20 * dayMs, published: true });
      earlier(world, { now, age: hourMs / 2, published: true });
      setAgain({ world, now: now - hourMs / 4, at: 0 }, true);
    },
    ...{ runs: [{}], faults: ['stale'] },
    least: [20, 2],
  },
  'hours pass in the middle of a forced run': {
    ...{ before: worn, runs: [{ force: true }], faults: ['pause'] },
    least: [200, 12],
  },
  'a forced run whose Graph does not show the newest of four': {
    before: (world, now) => {
      for (const age of [4, 3, 2, 0.5]) earlier(world, { now, age: age * hourMs, published: true });
      const { displayName = '', startsAt: time = 0 } = world.credentials.at(-1) ?? {};
      const state = { schema: 1, intents: [{ displayName, time, published: true }], adopted: [] };
      world.blobs.set(statePath(world.vault.target), { text: JSON.stringify(state), etag: 'etag-1' });
    },
    ...{ runs: [{ force: true }], faults: ['stale'] },
    least: [20, 2],
  },
} satisfies Readonly<Record<string, Omit<Scenario, 'name'>>>;

export type ScenarioName = keyof typeof scenarios;
export const scenarioNames = Object.keys(scenarios) as ScenarioName[];

export function scenario(name: ScenarioName): Scenario {
  return { name, ...scenarios[name] };
}
