// Erasing a user, also when ACS does not answer, and never against another ACS resource.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cyclesPerHour } from '../../src/platform/limits.ts';
import { alice, interrupted, issue, refused } from './calls.ts';
import { nth } from './steps.ts';
import { World } from './world.ts';

const other = 'https://another.communication.azure.com';

describe('erasing', () => {
  test('removes identity and mapping, may be repeated, and a new call begins anew', async () => {
    const world = new World();
    const process = world.process();
    assert.equal(await process.erase(alice, 'key', world.context()), 'erased');
    const id = await issue(world, process);
    assert.equal(await process.erase(alice, 'key', world.context()), 'erased');
    assert.equal(await process.erase(alice, 'key', world.context()), 'erased');
    assert.equal(world.identities.has(id), false);
    await assert.rejects(process.identity(alice, world.context()), refused('not_found'));
    assert.notEqual(await issue(world, process), id);
  });

  test('lifts no ban', async () => {
    const world = new World();
    const process = world.process();
    await issue(world, process);
    await process.setAccess(alice, { enabled: false }, 'key', world.context());
    assert.equal(await process.erase(alice, 'key', world.context()), 'erased');
    await world.cleanUp();
    assert.equal((await process.identity(alice, world.context())).communicationUserId, null);
    await assert.rejects(issue(world, process), refused('disabled'));
  });

  test('is pending until ACS confirms; nobody gets a token meanwhile and the clean-up goes on', async () => {
    const world = new World();
    const id = await issue(world, world.process());
    const process = world.process({ fate: (step) => (step === 'acs.delete' ? 'fail before' : 'go') });
    assert.equal(await process.erase(alice, 'key', world.context()), 'pending');
    assert.deepEqual(
      world.audited.map(({ outcome }) => outcome),
      ['asked', 'pending'],
    );
    assert.equal((await process.identity(alice, world.context())).communicationUserId, id);
    await assert.rejects(issue(world, world.process()), refused('conflict'));
    await world.cleanUp();
    await assert.rejects(process.identity(alice, world.context()), refused('not_found'));
    assert.equal(world.identities.size, 0);
  });

  test('while a call is under way leaves the caller without a token and without the identity', async () => {
    for (const step of ['acs.issue', 'acs.create']) {
      const world = new World();
      if (step === 'acs.issue') await issue(world, world.process());
      const slow = interrupted(world, step, () => world.process().erase(alice, 'key', world.context()));
      const outcome = await issue(world, slow).catch((error: unknown) => error);
      if (outcome instanceof Error) refused('conflict')(outcome);
      const named = world.row(alice.key)?.identity;
      assert.deepEqual([...world.identities.keys()], named === undefined ? [] : [named], step);
      assert.ok(typeof outcome !== 'string' || outcome === named);
    }
  });

  test('and creating in turns is bounded per user and hour', async () => {
    const world = new World();
    const process = world.process();
    for (let cycle = 0; cycle < cyclesPerHour; cycle += 1) {
      await issue(world, process);
      await process.erase(alice, 'user', world.context());
    }
    await assert.rejects(issue(world, process), refused('rate_limited'));
    world.advance(3_600_000);
    await issue(world, process);
  });

  test('leaves nothing in the directory in the end', async () => {
    const world = new World();
    const process = world.process();
    await issue(world, process);
    await process.erase(alice, 'key', world.context());
    world.advance(49 * 3_600_000);
    await world.cleanUp(process);
    assert.deepEqual([world.rows.size, world.entries.size], [0, 0]);
  });
});

describe('another ACS resource', () => {
  test('is named: nothing is repaired, and no erasure is confirmed by it', async () => {
    const world = new World();
    const id = await issue(world, world.process());
    const swapped = world.process({
      settings: { resource: { kind: 'endpoint', endpoint: other }, identityRepair: true },
    });
    await assert.rejects(issue(world, swapped), refused('identity_of_other_resource'));
    await assert.rejects(swapped.revoke(alice, world.context()), refused('identity_of_other_resource'));
    const erasing = swapped.erase(alice, 'key', world.context());
    await assert.rejects(erasing, refused('identity_of_other_resource'));
    assert.equal(world.row(alice.key)?.lifecycle, 'deleting');
    await world.cleanUp(swapped);
    assert.equal(world.row(alice.key)?.identity, id);
    assert.equal(world.entries.size, 1);
    world.advance(2 * 3_600_000);
    await world.cleanUp(world.process());
    assert.deepEqual([world.identities.size, world.row(alice.key)?.lifecycle], [0, 'none']);
  });

  test('is recognised when only its letters are written differently', async () => {
    const world = new World();
    const id = await issue(world, world.process());
    assert.equal(id, world.row(alice.key)?.identity);
    const loud = 'https://TELEHEALTH-demo.communication.azure.com';
    const same = world.process({ settings: { resource: { kind: 'endpoint', endpoint: loud } } });
    assert.equal(await same.erase(alice, 'key', world.context()), 'erased');
  });
});

test('no log line or audit record names a user, an identity or a token', async () => {
  const world = new World();
  const process = world.process({ fate: nth('acs.delete', 1, 'fail before') });
  const { token, user } = await process.issue(alice, {}, world.context());
  await process.revokeAll(alice, 'key', world.context());
  await process.erase(alice, 'key', world.context());
  await world.cleanUp();
  const text = world.lines.join('\n') + JSON.stringify(world.audited);
  assert.ok(world.lines.length >= 4);
  for (const canary of ['alice', token, user.communicationUserId]) assert.equal(text.includes(canary), false);
});
