// One identity per user, whoever asks at once and whatever dies in between: against a directory and an ACS resource in memory.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { claimLifeMs, recordTries } from '../../src/platform/limits.ts';
import { alice, interrupted, issue, refused } from './calls.ts';
import { nth } from './steps.ts';
import { World } from './world.ts';

describe('one identity', () => {
  test('is made at the first call and used by every later one, in this process and in others', async () => {
    const world = new World();
    const process = world.process();
    const id = await issue(world, process);
    assert.equal(await issue(world, process), id);
    assert.equal(await issue(world, world.process()), id);
    assert.equal(world.created, 1);
    assert.equal(world.entries.size, 0);
    assert.notEqual(await issue(world, process, { key: 'app.bob' }), id);
  });

  test('comes out of any number of first calls at once, in any order of their steps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(4), { minLength: 20, maxLength: 200 }), async (paces) => {
        const world = new World();
        let at = 0;
        const pace = (): number => paces[at++ % paces.length] ?? 1;
        const processes = [world.process({ pace }), world.process({ pace }), world.process({ pace })];
        const ids = await Promise.all([...processes, ...processes].map((process) => issue(world, process)));
        assert.equal(new Set(ids).size, 1);
        assert.deepEqual([...world.identities.keys()], [ids[0]]);
        assert.equal(world.liveTokens(ids[0] ?? ''), 6);
      }),
      { numRuns: 60 },
    );
  });

  test('survives a write that landed, was overwritten by others and looked refused', async () => {
    for (const count of [1, 2]) {
      const world = new World();
      const process = world.process({ fate: nth('rows.write', count, 'mistaken') });
      const id = await issue(world, process);
      assert.deepEqual([...world.identities.keys()], [id], `write ${count}`);
      assert.equal(world.created, 1);
      assert.equal(world.strays.size, 0, 'an identity that the row names goes to no outbox');
    }
  });

  test('is written down by its creator when the directory works again, and counted as lost when it does not', async () => {
    for (const [failures, orphans] of [
      [recordTries - 1, 0],
      [recordTries, 1],
    ] as const) {
      const world = new World();
      let left = 0;
      const creator = world.process({
        fate: (step) => {
          if (step === 'acs.create') left = failures;
          if (step !== 'rows.read' || left === 0) return 'go';
          left -= 1;
          return 'fail before';
        },
      });
      const call = issue(world, creator);
      if (orphans > 0) await assert.rejects(call, refused('upstream_failed'));
      else {
        const id = await call;
        assert.deepEqual([...world.identities.keys()], [id]);
      }
      const lines = world.lines.filter((line) => line.includes('possible_orphan'));
      assert.equal(lines.length, orphans);
      assert.ok(lines.every((line) => line.includes('not recorded')));
      assert.equal(world.row(alice.key)?.lifecycle, orphans === 0 ? 'ready' : 'pending');
    }
  });

  test('is counted as one creation, however often its claim has to be written', async () => {
    const world = new World();
    await issue(world, world.process({ fate: nth('rows.write', 1, 'not landed') }));
    assert.deepEqual([world.counted, world.created], [1, 1]);
  });

  test('takes the work of one call however many of a process ask at once', async () => {
    const world = new World();
    const steps: string[] = [];
    const process = world.process({ fate: (step) => (steps.push(step), 'go') });
    await Promise.all(Array.from({ length: 50 }, () => issue(world, process)));
    assert.equal(steps.filter((step) => step === 'outbox.add').length, 1);
    assert.equal(steps.filter((step) => step === 'rows.write').length, 2);
  });

  test('is made anew after a creation that was refused or never answered, and the latter is counted', async () => {
    const world = new World();
    const process = world.process({ fate: nth('acs.create', 1, 'fail after') });
    await assert.rejects(issue(world, process), refused('upstream_failed'));
    assert.equal(world.row(alice.key)?.lostClaims, 1);
    assert.ok(world.lines.some((line) => line.includes('possible_orphan')));
    const id = await issue(world, process);
    assert.equal(world.row(alice.key)?.identity, id);
    assert.equal(world.identities.size, 2);
  });

  test('is made under a claim that is taken over once its owner must have given up, and not before', async () => {
    const world = new World();
    const dying = world.process({ fate: nth('acs.create', 1, 'die before') });
    void issue(world, dying);
    await dying.died;
    await assert.rejects(issue(world, world.process()), refused('busy'));
    assert.equal(world.created, 0);
    world.advance(claimLifeMs);
    const id = await issue(world, world.process());
    assert.equal(world.row(alice.key)?.identity, id);
    assert.equal(world.row(alice.key)?.lostClaims, 1);
  });

  test('is not made by a process that slept through its claim', async () => {
    const world = new World();
    let writes = 0;
    const sleepy = world.process({
      fate: (step) => {
        if (step === 'rows.write' && (writes += 1) === 1) world.advance(claimLifeMs);
        return 'go';
      },
    });
    await assert.rejects(issue(world, sleepy), refused('upstream_timeout'));
    assert.equal(world.created, 0);
    assert.equal(world.row(alice.key)?.lifecycle, 'none');
  });

  test('of a creator who lost the claim is deleted, and he gets the one of the winner', async () => {
    const world = new World();
    const winner = world.process();
    let winnersId = '';
    const slow = interrupted(world, 'acs.create', async () => {
      world.advance(claimLifeMs);
      winnersId = await issue(world, winner);
    });
    assert.equal(await issue(world, slow), winnersId);
    assert.equal(world.created, 2);
    assert.deepEqual([...world.identities.keys()], [winnersId]);
  });
});

describe('an identity that ACS no longer knows', () => {
  test('is reported and kept where repair is off', async () => {
    const world = new World();
    const process = world.process();
    const id = await issue(world, process);
    world.identities.clear();
    await assert.rejects(issue(world, process), refused('identity_stale'));
    assert.equal(world.row(alice.key)?.identity, id);
    assert.equal(world.created, 1);
  });

  test('is replaced once where repair is on, by however many calls, and erased with its replacement', async () => {
    const world = new World();
    const settings = { identityRepair: true };
    const id = await issue(world, world.process());
    world.identities.clear();
    const processes = [world.process({ settings }), world.process({ settings })];
    const ids = await Promise.all([...processes, ...processes].map((process) => issue(world, process)));
    assert.equal(new Set(ids).size, 1);
    assert.equal(world.created, 2);
    assert.deepEqual(world.row(alice.key)?.previous, [id]);
    // ACS finds it again: it must not survive the erase.
    world.identities.set(id, {
      resource: 'https://telehealth-demo.communication.azure.com',
      tokens: new Set(),
    });
    assert.equal(await world.process().erase(alice, 'key', world.context()), 'erased');
    assert.equal(world.identities.size, 0);
  });
});

test('a caller who gives up does not take the creation with him', async () => {
  const world = new World();
  const giveUp = new AbortController();
  const slow = interrupted(world, 'acs.create', async () => {
    giveUp.abort(new Error('gave up'));
    await turn();
  });
  await assert.rejects(slow.issue(alice, {}, world.context(giveUp.signal)), /gave up/);
  const id = await issue(world, world.process());
  assert.deepEqual([...world.identities.keys()], [id]);
});

test('a creation that fails after its caller gave up, before he waited for it, ends nothing but itself', async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown): unknown => unheard.push(reason);
  process.on('unhandledRejection', hear);
  const world = new World();
  const giveUp = new AbortController();
  const failing = world.process({
    fate: nth('acs.create', 1, 'fail before'),
    meanwhile: (name, when) => {
      if (name === 'rows.read' && when === 'after') giveUp.abort(new Error('gave up'));
      return undefined;
    },
  });
  await assert.rejects(failing.issue(alice, {}, world.context(giveUp.signal)), /gave up/);
  for (let turns = 0; turns < 50; turns += 1) await turn();
  process.off('unhandledRejection', hear);
  assert.deepEqual(unheard, []);
  assert.ok(world.lines.some((line) => line.includes('the outcome of create is not known')));
});
