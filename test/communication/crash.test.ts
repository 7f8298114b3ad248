// A process killed between any two steps leaves nothing that the clean-up does not finish, and nothing it must not touch.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanUpGraceMs } from '../../src/platform/limits.ts';
import { alice, issue } from './calls.ts';
import type { Fate } from './steps.ts';
import { World, type TestProcess } from './world.ts';

interface Scenario {
  readonly name: string;
  readonly prepare?: (world: World) => Promise<unknown>;
  readonly act: (world: World, process: TestProcess) => Promise<unknown>;
}

const settings = { identityRepair: true };
const scenarios: readonly Scenario[] = [
  { name: 'a first call', act: issue },
  {
    name: 'disabling',
    prepare: (world) => issue(world, world.process()),
    act: (world, process) => process.setAccess(alice, { enabled: false }, 'key', world.context()),
  },
  {
    name: 'revoking everything',
    prepare: (world) => issue(world, world.process()),
    act: (world, process) => process.revokeAll(alice, 'key', world.context()),
  },
  {
    name: 'erasing',
    prepare: (world) => issue(world, world.process()),
    act: (world, process) => process.erase(alice, 'key', world.context()),
  },
  {
    name: 'erasing a user whose identity is being created',
    prepare: async (world) => {
      const dying = world.process({ fate: (step) => (step === 'acs.create' ? 'die before' : 'go') });
      void issue(world, dying);
      await dying.died;
    },
    act: (world, process) => process.erase(alice, 'key', world.context()),
  },
  {
    name: 'replacing a lost identity',
    prepare: async (world) => {
      await issue(world, world.process());
      world.identities.clear();
    },
    act: issue,
  },
  {
    name: 'deleting what was created under a claim that was taken away',
    act: issue,
  },
];

/** Kills a process at its nth step; answers the step's name, or undefined when it had fewer. */
async function killAt(
  scenario: Scenario,
  count: number,
  fate: Fate,
): Promise<{ world: World; step?: string }> {
  const world = new World();
  await scenario.prepare?.(world);
  let steps = 0;
  let step: string | undefined;
  const process = world.process({
    settings,
    fate: (name) => {
      steps += 1;
      if (steps !== count) return 'go';
      step = name;
      return fate;
    },
    meanwhile: takesAway(scenario, world),
  });
  await Promise.race([scenario.act(world, process).catch(() => undefined), process.died]);
  return step === undefined ? { world } : { world, step };
}

/** For the scenario of the lost claim: a backend erases the user while ACS creates. */
function takesAway({ name }: Scenario, world: World) {
  let done = !name.startsWith('deleting what');
  return (step: string, when: 'before' | 'after'): Promise<unknown> | undefined => {
    if (done || step !== 'acs.create' || when !== 'after') return undefined;
    done = true;
    return world.process().erase(alice, 'key', world.context());
  };
}

function assertClean(world: World, step = ''): void {
  const row = world.row(alice.key);
  assert.equal(row?.owed, undefined);
  assert.ok(row === undefined || row.lifecycle === 'none' || row.lifecycle === 'ready');
  if (row?.identity !== undefined) assert.equal(world.deleted.has(row.identity), false, 'a living identity');
  const strays = [...world.identities.keys()].filter((id) => id !== row?.identity);
  // The one gap: ACS created it, and nobody lived to write its id down. It is counted.
  assert.deepEqual(
    strays.filter((id) => world.durable.has(id)),
    [],
  );
  if (step === 'acs.delete') assert.deepEqual(strays, [], 'what is deleted stands in the outbox first');
  const counted = world.lines.filter((line) => line.includes('possible_orphan')).length;
  assert.ok(strays.length <= counted, 'an orphan that nobody counted');
  const unfinished = [...world.entries.values()].filter((entry) => entry.attempts > 0 || entry.stray);
  assert.deepEqual(unfinished, []);
}

for (const scenario of scenarios) {
  test(`${scenario.name}: killed at any step, the clean-up finishes`, async () => {
    const seen: string[] = [];
    for (const fate of ['die before', 'die after'] as const) {
      for (let count = 1; ; count += 1) {
        const { world, step } = await killAt(scenario, count, fate);
        if (step === undefined) break;
        seen.push(step);
        await world.cleanUp(world.process({ settings }));
        assertClean(world, step);
      }
    }
    assert.ok(seen.length >= 8, `only ${seen.length} steps were tried`);
  });

  test(`${scenario.name}: failing at any step, the clean-up finishes`, async () => {
    for (const fate of ['fail before', 'fail after'] as const) {
      for (let count = 1; ; count += 1) {
        const { world, step } = await killAt(scenario, count, fate);
        if (step === undefined) break;
        await world.cleanUp(world.process({ settings }));
        assertClean(world, step);
      }
    }
  });
}

test('a clean-up killed at any step is finished by the next one', async () => {
  for (const fate of ['die before', 'die after'] as const) {
    for (let count = 1; ; count += 1) {
      const world = new World();
      await issue(world, world.process());
      const failing = world.process({ fate: (step) => (step === 'acs.delete' ? 'fail before' : 'go') });
      assert.equal(await failing.erase(alice, 'key', world.context()), 'pending');
      let steps = 0;
      const dying = world.process({ fate: () => ((steps += 1) === count ? fate : 'go') });
      world.advance(10 * 60_000);
      await Promise.race([dying.cleanUp(world.context()), dying.died]);
      if (steps < count) break;
      await world.cleanUp();
      assertClean(world);
      assert.equal(world.identities.size, 0);
    }
  }
});

test('two clean-ups at once do no harm', async () => {
  const world = new World();
  await issue(world, world.process());
  const failing = world.process({ fate: (step) => (step === 'acs.delete' ? 'fail before' : 'go') });
  await failing.erase(alice, 'key', world.context());
  world.advance(10 * 60_000);
  const [one, two] = [world.process(), world.process()];
  await Promise.all([one.cleanUp(world.context()), two.cleanUp(world.context())]);
  assert.deepEqual([world.identities.size, world.row(alice.key)?.lifecycle], [0, 'none']);
});

test('the clean-up reads the row before it deletes, and leaves an identity that the row names alone', async () => {
  const world = new World();
  const id = await issue(world, world.process());
  const [rowKey] = world.rows.keys();
  const { resource = '' } = world.row(alice.key) ?? {};
  const stray = { identity: id, resource };
  const entry = { id: `${String(rowKey)}.x`, rowKey: String(rowKey), stray, dueAt: 0, attempts: 0 };
  world.entries.set(entry.id, entry);
  await world.cleanUp();
  assert.equal(world.identities.has(id), true);
  assert.equal(world.entries.size, 0);
});

test('the clean-up counts what it did, tries failures again later and later, and stops when time runs out', async () => {
  const world = new World();
  await issue(world, world.process());
  const failing = world.process({ fate: (step) => (step === 'acs.delete' ? 'fail before' : 'go') });
  await failing.erase(alice, 'key', world.context());
  world.advance(10 * 60_000);
  const context = { ...world.context(), remainingMs: () => 1000 };
  assert.equal((await world.process().cleanUp(context)).finished, false);
  assert.equal(world.identities.size, 1);
  const waits: number[] = [];
  for (let run = 0; run < 8; run += 1) {
    const report = await failing.cleanUp(world.context());
    assert.deepEqual([report.failed, report.deleted], [1, 0]);
    const [entry] = world.entries.values();
    const wait = (entry?.dueAt ?? 0) - world.storeTime;
    waits.push(wait / 60_000);
    assert.equal((await failing.cleanUp(world.context())).examined, 0);
    world.advance(wait);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
  const report = await world.process().cleanUp(world.context());
  assert.deepEqual([report.deleted, report.failed, report.finished], [1, 0, true]);
  assert.doesNotMatch(JSON.stringify(report), /8:acs/);
});

test('what is announced long after the row was read is not written: the timer may have dropped the announcement', async () => {
  const world = new World();
  const id = await issue(world, world.process());
  const timer = world.process();
  const process = world.process({
    fate: (step) => (step === 'acs.revoke' ? 'die before' : 'go'),
    meanwhile: (step, when) => {
      if (step === 'rows.read' && when === 'after') world.advance(cleanUpGraceMs);
      return step === 'rows.write' && when === 'before' ? timer.cleanUp(world.context()) : undefined;
    },
  });
  const disabling = process.setAccess(alice, { enabled: false }, 'key', world.context());
  await Promise.race([disabling.catch(() => undefined), process.died]);
  await world.cleanUp();
  assert.equal(world.row(alice.key)?.owed, undefined);
  assert.ok(world.row(alice.key)?.access === 'enabled' || world.liveTokens(id) === 0);
});
