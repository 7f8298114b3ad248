// Revoking everything: what it ends, what it refuses, and what stays owed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Secret } from '../../src/platform/secret.ts';
import { alice, interrupted, issue, refused } from './calls.ts';
import { nth } from './steps.ts';
import { World } from './world.ts';

describe('revoking everything', () => {
  test('ends the tokens and refuses bearers from before, in every self-service call', async () => {
    const world = new World();
    const process = world.process();
    const id = await issue(world, process);
    await process.revokeAll(alice, 'key', world.context());
    assert.equal(world.liveTokens(id), 0);
    const old = { ...alice, oid: 'o', tokenIssuedAt: world.storeTime / 1000 };
    const context = world.context();
    for (const call of [
      () => process.issue(old, {}, context),
      () => process.exchangeTeams(old, new Secret('teams'), context),
      () => process.revoke(old, context),
      () => process.identity(old, context),
      () => process.erase(old, 'user', context),
    ]) {
      await assert.rejects(call(), refused('unauthenticated'));
    }
    const anew = { ...alice, tokenIssuedAt: world.storeTime / 1000 + 1 };
    assert.equal((await process.issue(anew, {}, context)).user.communicationUserId, id);
  });

  test('while a call with an old bearer is under way leaves him without a token', async () => {
    const world = new World();
    const id = await issue(world, world.process());
    const slow = interrupted(world, 'acs.issue', () =>
      world.process().revokeAll(alice, 'key', world.context()),
    );
    const old = { ...alice, tokenIssuedAt: world.storeTime / 1000 };
    await assert.rejects(slow.issue(old, {}, world.context()), refused('unauthenticated'));
    assert.equal(world.liveTokens(id), 0);
  });

  test('lets no old bearer end the tokens that the user got with a new one, warm or cold', async () => {
    const world = new World();
    const process = world.process();
    const id = await issue(world, process);
    await process.revokeAll(alice, 'key', world.context());
    const seconds = world.storeTime / 1000;
    const anew = await process.issue({ ...alice, tokenIssuedAt: seconds + 1 }, {}, world.context());
    for (const one of [process, process, world.process()]) {
      const call = one.issue({ ...alice, tokenIssuedAt: seconds }, {}, world.context());
      await assert.rejects(call, refused('unauthenticated'));
      assert.ok(world.identities.get(id)?.tokens.has(anew.token));
    }
  });

  test('works for a user not seen yet and outlives an erase', async () => {
    const world = new World();
    const process = world.process();
    await process.revokeAll(alice, 'key', world.context());
    const old = { ...alice, tokenIssuedAt: world.storeTime / 1000 };
    await issue(world, process);
    await process.erase(alice, 'key', world.context());
    await assert.rejects(process.issue(old, {}, world.context()), refused('unauthenticated'));
  });

  test('that ACS did not confirm fails, is settled before the next token, and does not end that one', async () => {
    for (const warm of [false, true]) {
      const world = new World();
      const process = world.process({ fate: nth('acs.revoke', 1, 'fail before') });
      const id = await issue(world, process);
      const failed = process.revokeAll(alice, 'key', world.context());
      await assert.rejects(failed, refused('upstream_failed'));
      await issue(world, warm ? process : world.process());
      assert.equal(world.row(alice.key)?.owed, undefined);
      await world.cleanUp();
      assert.equal(world.liveTokens(id), 1);
    }
  });

  test('of an earlier intent never settles what a later one owes', async () => {
    const world = new World();
    const id = await issue(world, world.process());
    // Between the first revocation at ACS and its record, a token is issued and a second revocation is asked for and dies.
    const first = interrupted(
      world,
      'acs.revoke',
      async () => {
        world.identities.get(id)?.tokens.add('issued in between');
        const dying = world.process({ fate: nth('acs.revoke', 1, 'die before') });
        void dying.revokeAll(alice, 'key', world.context());
        await dying.died;
      },
      'after',
    );
    await first.revokeAll(alice, 'key', world.context());
    await world.cleanUp();
    assert.equal(world.liveTokens(id), 0);
    assert.equal(world.row(alice.key)?.owed, undefined);
  });

  test('by the user himself ends his tokens, and nothing to revoke is fine', async () => {
    const world = new World();
    const process = world.process();
    await process.revoke(alice, world.context());
    const id = await issue(world, process);
    await process.revoke(alice, world.context());
    assert.equal(world.liveTokens(id), 0);
    assert.equal(await issue(world, process), id);
  });

  test('by the user himself ends his tokens also while ACS has not confirmed his erasure', async () => {
    const world = new World();
    const id = await issue(world, world.process());
    const failing = world.process({ fate: nth('acs.delete', 1, 'fail before') });
    assert.equal(await failing.erase(alice, 'key', world.context()), 'pending');
    await failing.revoke(alice, world.context());
    assert.equal(world.liveTokens(id), 0);
  });
});
