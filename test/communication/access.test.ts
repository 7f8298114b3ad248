// Who gets a token and who does not, also when it is decided while a call is under way.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Subject } from '../../src/communication/subject.ts';
import { AppError } from '../../src/platform/errors.ts';
import { Secret } from '../../src/platform/secret.ts';
import { alice, interrupted, issue, refused } from './calls.ts';
import { nth } from './steps.ts';
import { type TestProcess, World } from './world.ts';

describe('access', () => {
  test('is refused to a disabled user, also one not seen yet, and given back', async () => {
    const world = new World();
    const process = world.process();
    const view = await process.setAccess(alice, { enabled: false }, 'key', world.context());
    assert.deepEqual(view, { communicationUserId: null, createdOn: null, access: 'disabled' });
    assert.deepEqual(await process.identity(alice, world.context()), view);
    await assert.rejects(issue(world, process), refused('disabled'));
    await assert.rejects(exchange(world, process), refused('disabled'));
    assert.equal(world.created, 0);
    await process.setAccess(alice, { enabled: true }, 'key', world.context());
    await issue(world, process);
  });

  test('ends the tokens there are when it is taken away', async () => {
    const world = new World();
    const process = world.process();
    const id = await issue(world, process);
    const view = await process.setAccess(alice, { enabled: false, reason: 'left' }, 'key', world.context());
    assert.equal(view.communicationUserId, id);
    assert.equal(world.liveTokens(id), 0);
    assert.equal(world.entries.size, 0);
    const [asked, done] = world.audited;
    assert.deepEqual([asked?.action, asked?.reason, done?.outcome], ['identity.disable', 'left', 'done']);
    assert.doesNotMatch(JSON.stringify(world.audited), /alice/);
    await process.setAccess(alice, { enabled: true }, 'key', world.context());
    assert.equal(world.audited.at(-1)?.action, 'identity.enable');
  });

  for (const warm of [false, true]) {
    for (const when of ['before', 'after'] as const) {
      test(`taken away ${when} ACS answered a ${warm ? 'warm' : 'cold'} call leaves no token to anybody`, async () => {
        const world = new World();
        const id = await issue(world, world.process());
        let armed = !warm;
        const disable = async (): Promise<void> => {
          armed = false;
          await world.process().setAccess(alice, { enabled: false }, 'key', world.context());
        };
        const slow = world.process({
          meanwhile: (step, at) => (armed && step === 'acs.issue' && at === when ? disable() : undefined),
        });
        if (warm) {
          await issue(world, slow);
          armed = true;
        }
        await assert.rejects(issue(world, slow), refused('disabled'));
        assert.equal(world.liveTokens(id), 0);
      });
    }
  }

  test('is looked up for a warm call too, which then costs one read', async () => {
    const world = new World();
    const steps: string[] = [];
    const process = world.process({ fate: (step) => (steps.push(step), 'go') });
    const id = await issue(world, process);
    steps.length = 0;
    await issue(world, process);
    assert.deepEqual(steps, ['acs.issue', 'rows.read']);
    await world.process().setAccess(alice, { enabled: false }, 'key', world.context());
    await assert.rejects(issue(world, process), refused('disabled'));
    assert.equal(world.liveTokens(id), 0);
    steps.length = 0;
    await assert.rejects(issue(world, process), refused('disabled'));
    assert.deepEqual(steps, ['rows.read'], 'a banned user must not cost ACS requests again and again');
  });

  test('holds although ACS did not confirm the revocation, which stays owed until the clean-up', async () => {
    const world = new World();
    const id = await issue(world, world.process());
    const process = world.process({ fate: nth('acs.revoke', 1, 'fail before') });
    const view = await process.setAccess(alice, { enabled: false }, 'key', world.context());
    assert.equal(view.access, 'disabled');
    assert.equal(world.liveTokens(id), 1);
    await world.cleanUp();
    assert.equal(world.liveTokens(id), 0);
    assert.equal(world.row(alice.key)?.owed, undefined);
    assert.equal(world.entries.size, 0);
  });

  test('decides on the Teams exchange before and after, which needs a verified object id', async () => {
    const world = new World();
    const slow = interrupted(world, 'acs.exchange', () =>
      world.process().setAccess(alice, { enabled: false }, 'key', world.context()),
    );
    await assert.rejects(exchange(world, slow, {}), refused('forbidden'));
    await assert.rejects(exchange(world, slow), refused('disabled'));
    assert.ok((await exchange(world, world.process(), { key: 'app.bob', oid: 'o' })).token);
  });
});

function exchange(world: World, process: TestProcess, subject: object = { oid: 'an-oid' }) {
  return process.exchangeTeams({ ...alice, ...subject }, new Secret('teams'), world.context());
}

test('a user who asks too often is told when to come back; others are not', async () => {
  const world = new World();
  const process = world.process({ settings: { requestsPerMinute: 2 } });
  await issue(world, process);
  await issue(world, process);
  await assert.rejects(issue(world, process), (error: unknown) => {
    assert.ok(error instanceof AppError && error.code === 'rate_limited');
    return error.retryAfterSeconds !== undefined && error.retryAfterSeconds <= 60;
  });
  await issue(world, process, { key: 'app.bob' });
  world.advance(60_000);
  await issue(world, process);
});

test('a user who erases himself too often is stopped before anything is recorded, a backend is not', async () => {
  const world = new World();
  const process = world.process({ settings: { requestsPerMinute: 2 } });
  const self = { ...alice, tokenIssuedAt: Math.floor(world.clock.now() / 1000) };
  const erase = (subject: Subject): Promise<string> => process.erase(subject, 'x', world.context());
  for (let call = 0; call < 2; call += 1) assert.equal(await erase(self), 'erased');
  const before = world.audited.length;
  await assert.rejects(erase(self), refused('rate_limited'));
  assert.equal(world.audited.length, before);
  for (let call = 0; call < 3; call += 1) assert.equal(await erase(alice), 'erased');
});
