// The timer's work where there is more of it than ACS takes at once, and where an entry cannot be put off.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { AcsClient } from '../../src/communication/acsClient.ts';
import { cleanUp } from '../../src/communication/cleanUp.ts';
import { AcsBudget } from '../../src/communication/rateLimit.ts';
import type { IdentityRows, Outbox, Snapshot } from '../../src/communication/store.ts';
import { AppError } from '../../src/platform/errors.ts';
import { cleanUpStopMs } from '../../src/platform/limits.ts';
import { alice, issue, refused } from './calls.ts';
import { nth, type Fate } from './steps.ts';
import { settingsWith, World } from './world.ts';

/** A world in which so many erasures are owed and due. */
async function owing(erasures: number): Promise<World> {
  const world = new World();
  const failing = world.process({ fate: (step) => (step === 'acs.delete' ? 'fail before' : 'go') });
  for (let user = 0; user < erasures; user += 1) {
    const subject = { key: `app.${user}` };
    await issue(world, failing, subject);
    assert.equal(await failing.erase(subject, 'key', world.context()), 'pending');
  }
  world.advance(10 * 60_000);
  return world;
}

describe('a clean-up that is throttled', () => {
  const onceThrottled = () => ({ fate: nth('acs.delete', 1, 'throttled') });

  test('waits as long as it is told and goes on', async () => {
    const world = await owing(6);
    const { finished, deleted, failed } = await world.process(onceThrottled()).cleanUp(world.context());
    assert.deepEqual({ finished, deleted, failed }, { finished: true, deleted: 6, failed: 0 });
    assert.equal(world.identities.size, 0);
  });

  test('leaves the rest to the next run where there is no time to wait', async () => {
    const world = await owing(6);
    const context = { ...world.context(), remainingMs: () => cleanUpStopMs + 6_999 };
    const { finished, failed } = await world.process(onceThrottled()).cleanUp(context);
    assert.deepEqual({ finished, failed }, { finished: false, failed: 1 });
    assert.ok(world.identities.size > 0);
    await world.cleanUp();
    assert.equal(world.identities.size, 0);
  });

  test('ends with its run, also while it waits', async () => {
    const world = await owing(1);
    const stop = new AbortController();
    const fate = (step: string): Fate => {
      if (step === 'acs.delete') stop.abort();
      return step === 'acs.delete' ? 'throttled' : 'go';
    };
    const { failed } = await world.process({ fate }).cleanUp(world.context(stop.signal));
    assert.equal(failed, 1);
  });
});

test('refused creations leave nothing behind, however often a user asks', async () => {
  const world = new World();
  const refusing = world.process({ fate: (step) => (step === 'acs.create' ? 'throttled' : 'go') });
  for (let call = 0; call < 5; call += 1)
    await assert.rejects(issue(world, refusing), refused('upstream_throttled'));
  await world.cleanUp();
  assert.deepEqual([world.rows.size, world.entries.size], [0, 0]);
});

test('a clean-up that cannot read on ends when what it had begun has ended', async () => {
  const world = new World();
  const entry = { id: 'a.b', rowKey: 'a', dueAt: 0, attempts: 0 };
  const held = Promise.withResolvers<Snapshot>();
  const never = (): never => {
    throw new Error('nothing is owed');
  };
  const rows: IdentityRows = {
    ...{ write: never, remove: never },
    read: () => held.promise,
  };
  const outbox: Outbox = {
    ...{ add: never, postpone: never, drop: async () => undefined },
    async *due() {
      yield await Promise.resolve({ entry, now: 0 });
      throw new AppError('upstream_failed', 'no answer');
    },
  };
  const directory = { rows, outbox, clock: world.clock, uuid: () => '', here: '' };
  const acs = new AcsClient(
    settingsWith(),
    { clock: world.clock, random: () => 0.5, credential: never },
    new AcsBudget(world.clock),
  );
  let ended = false;
  const running = cleanUp({ directory, acs }, world.context()).finally(() => {
    ended = true;
  });
  await turn();
  assert.equal(ended, false);
  held.resolve({ row: undefined, etag: undefined, now: 0 });
  await assert.rejects(running, refused('upstream_failed'));
});

test('an entry that cannot be put off either is counted, and the others are worked on', async () => {
  const world = await owing(6);
  const deletion = nth('acs.delete', 1, 'fail before');
  const putOff = nth('outbox.postpone', 1, 'fail before');
  const fate = (step: string): Fate => (step === 'outbox.postpone' ? putOff(step) : deletion(step));
  const { deleted, failed, finished } = await world.process({ fate }).cleanUp(world.context());
  assert.deepEqual({ deleted, failed, finished }, { deleted: 5, failed: 1, finished: true });
});

test('the part of the budget that is kept for backends is used by backends alone', async () => {
  const world = new World();
  const process = world.process();
  const now = Math.floor(world.clock.now() / 1000);
  const work = {
    disable: () => process.setAccess(alice, { enabled: false }, 'key', world.context()),
    erase: () => process.erase(alice, 'key', world.context()),
    'erase by the user': () => process.erase({ ...alice, tokenIssuedAt: now }, 'user', world.context()),
    'clean up': () => process.cleanUp(world.context()),
  };
  const used: Record<string, string> = {};
  for (const [name, run] of Object.entries(work)) {
    await process.setAccess(alice, { enabled: true }, 'key', world.context());
    if (name === 'clean up') {
      const failing = world.process({ fate: (step) => (step === 'acs.delete' ? 'fail before' : 'go') });
      await issue(world, failing);
      await failing.erase(alice, 'key', world.context());
      world.advance(10 * 60_000);
    } else await issue(world, process);
    world.priorities.length = 0;
    await run();
    used[name] = world.priorities.join();
  }
  const ordinary = { 'erase by the user': 'ordinary', 'clean up': 'ordinary' };
  assert.deepEqual(used, { disable: 'reserved', erase: 'reserved', ...ordinary });
});
