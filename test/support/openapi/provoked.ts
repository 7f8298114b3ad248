// The answers that need a broken inside, a lost race or a lot of time, provoked at the handlers.
import { RestError } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reportShape as feedReport } from '../../../src/changeFeed/report.ts';
import { redriveShape } from '../../../src/changeFeed/redrive.ts';
import { replayShape } from '../../../src/changeFeed/replayReport.ts';
import type { ChangeFeed } from '../../../src/changeFeed/changeFeed.ts';
import type { Callers } from '../../../src/platform/caller.ts';
import { AppError } from '../../../src/platform/errors.ts';
import { httpAnswerGraceMs, httpRunBudgetMs, maxBodyBytes } from '../../../src/platform/limits.ts';
import { reportShape as rotationReport } from '../../../src/rotation/report.ts';
import type { Rotation } from '../../../src/rotation/rotation.ts';
import { World, type ProcessOptions } from '../../communication/world.ts';
import { openTokens } from '../../platform/issuer.ts';
import { document, operationOf, operations, type Operation } from './document.ts';
import { ask, clock, health, user, type Asked, type Behind } from './handlers.ts';

const secured = operations.filter(({ bearer }) => bearer !== undefined);
const alike = (...ids: readonly string[]): readonly Operation[] => ids.map(operationOf);
const issuing = alike('issueToken', 'issueUserToken');
const revoking = alike('revokeTokens', 'revokeUserTokens');
const erasing = alike('eraseIdentity', 'eraseUser');
const looking = alike('getIdentity', 'getUser');
const exchange = alike('exchangeTeamsToken');
const access = alike('setUserAccess');
const tokenService = [...issuing, ...revoking, ...erasing, ...looking, ...exchange, ...access];

async function each(
  some: readonly Operation[],
  expected: string,
  asked: Asked,
  behind: () => Behind | Promise<Behind> = () => ({}),
): Promise<void> {
  for (const one of some) assert.equal(await ask(one, asked, await behind()), expected, one.id);
}

const failing = (error: Error): Callers => ({
  user: () => Promise.reject(error),
  trusted: () => Promise.reject(error),
});

/** Both whom the calls of `ask` are about, each with an identity. */
const subjects = [{ key: user }, { key: 'app.alice' }];
async function settled(): Promise<World> {
  const world = new World();
  for (const subject of subjects) await world.process().issue(subject, {}, world.context());
  return world;
}

function behindOf(options: ProcessOptions, prepare: (world: World) => unknown = () => undefined) {
  return async (): Promise<Behind> => {
    const world = await settled();
    await prepare(world);
    return { communication: world.process(options) };
  };
}

function fate(step: string, chosen: 'fail before' | 'throttled' | 'not landed'): ProcessOptions {
  return { fate: (name) => (name === step ? chosen : 'go') };
}

const examples = ({ examples: some }: Readonly<Record<string, unknown>> = {}): unknown =>
  Array.isArray(some) ? some[0] : undefined;
const client = rotationReport.parse(examples(document.components.schemas['RotationReport']));
const service = feedReport.parse(examples(document.components.schemas['FeedReport']));
const redriven = redriveShape.parse(examples(document.components.schemas['RedriveReport']));
const replay = replayShape.parse(examples(document.components.schemas['ReplayReport']));
const rotation: Rotation = { run: async () => ({ clients: [client] }), reports: async () => [client] };
const changeFeed: ChangeFeed = {
  pull: async () => ({ services: [service] }),
  reports: async () => [service],
  setCursor: async () => service,
  redrive: async () => ({ services: [redriven] }),
  startReplay: async () => ({ id: replay.id }),
  replay: async () => replay,
  cancelReplay: async () => replay,
};
const everything = async (): Promise<Behind> => ({
  ...{ rotation, changeFeed },
  communication: (await settled()).process(),
});

const calledBy = async (callers: Callers): Promise<Behind> => ({ ...(await everything()), callers });

/** To be called at the top of a test file. */
export function provokeAtHandlers(): void {
  describe('every operation', () => {
    test('refuses chunked and large requests before anything else', async () => {
      await each(operations, '411 length_required', { headers: { 'transfer-encoding': 'chunked' } });
      await each(operations, '413 too_large', { headers: { 'content-length': String(maxBodyBytes + 1) } });
    });

    test('reads a body exactly where one is described, and needs it where it is required', async () => {
      const text = { body: 'x', headers: { 'content-type': 'text/plain' } };
      for (const one of operations) {
        const answer = await ask(one, text, await everything());
        assert.equal(answer === '415 unsupported_media_type', one.body !== undefined, one.id);
        const none = await ask(one, { body: '' }, await everything());
        assert.equal(none === '400 invalid_request', one.body?.required === true, one.id);
      }
    });

    test('that asks for a bearer says what else can go wrong before its work', async () => {
      const down = await openTokens();
      down.issuer.answer = async () => ({ status: 500, text: '' });
      await each(secured, '503 misconfigured', {}, () => ({ misconfigured: true }));
      await each(secured, '503 upstream_failed', {}, () => calledBy(down.callers));
      await each(secured, '500 internal', {}, () => calledBy(failing(new Error('inside'))));
      const never = (): Promise<never> => new Promise(() => undefined);
      for (const one of secured) {
        const asked = ask(one, {}, await calledBy({ user: never, trusted: never }));
        await clock.advance(httpRunBudgetMs);
        await clock.advance(httpAnswerGraceMs);
        assert.equal(await asked, '504 upstream_timeout', one.id);
      }
    });
  });

  describe('the token service', () => {
    test('says that the directory fails or is busy', async () => {
      await each(tokenService, '502 upstream_failed', {}, behindOf(fate('rows.read', 'fail before')));
      await each(tokenService, '503 upstream_throttled', {}, behindOf(fate('rows.read', 'throttled')));
    });

    test('says that a user is changed by others, disabled, or asked too often', async () => {
      const fresh = async (): Promise<Behind> => ({
        communication: new World().process(fate('rows.write', 'not landed')),
      });
      await each(issuing, '409 busy', {}, fresh);
      const held = behindOf(fate('rows.write', 'not landed'));
      await each([...erasing, ...alike('revokeUserTokens'), ...access], '409 busy', {}, held);
      const banned = behindOf({}, async (world) => {
        for (const subject of subjects)
          await world.process().setAccess(subject, { enabled: false }, 'key', world.context());
      });
      await each([...issuing, ...exchange], '403 disabled', {}, banned);
      const often = behindOf({ settings: { requestsPerMinute: 0 } });
      const limited = [...issuing, ...exchange, ...alike('revokeTokens', 'eraseIdentity')];
      await each(limited, '429 rate_limited', {}, often);
    });

    test('says what is wrong with an identity', async () => {
      const endpoint = 'https://other.communication.azure.com';
      const elsewhere = behindOf({ settings: { resource: { kind: 'endpoint', endpoint } } });
      await each([...issuing, ...revoking, ...erasing], '409 identity_of_other_resource', {}, elsewhere);
      const lost = behindOf({}, (world) => {
        world.identities.clear();
      });
      await each(issuing, '409 identity_stale', {}, lost);
      const unconfirmed = fate('acs.delete', 'fail before');
      await each(erasing, '202', {}, behindOf(unconfirmed));
      const erased = behindOf({}, async (world) => {
        for (const subject of subjects)
          await world.process(unconfirmed).erase(subject, 'key', world.context());
      });
      await each(issuing, '409 conflict', {}, erased);
    });
  });

  test('a rotation or a redrive that could not be recorded is 502', async () => {
    const error = new AppError('upstream_failed', 'The audit record could not be written.');
    const unrecorded: Rotation = { ...rotation, run: () => Promise.reject(error) };
    await each(alike('runRotation'), '502 upstream_failed', {}, () => ({ rotation: unrecorded }));
    const unredriven: ChangeFeed = { ...changeFeed, redrive: () => Promise.reject(error) };
    await each(alike('redriveDeadLetters'), '502 upstream_failed', {}, () => ({ changeFeed: unredriven }));
    const uncancelled: ChangeFeed = { ...changeFeed, cancelReplay: () => Promise.reject(error) };
    await each(alike('cancelReplay'), '502 upstream_failed', {}, () => ({ changeFeed: uncancelled }));
  });

  test('what the storage says is told by no word of it: 502', async () => {
    const error = new RestError('inside', { statusCode: 403, code: 'AuthorizationFailure' });
    const fail = (): Promise<never> => Promise.reject(error);
    const unread: Rotation = { ...rotation, reports: fail };
    await each(alike('getRotations'), '502 upstream_failed', {}, () => ({ rotation: unread }));
    const cut: ChangeFeed = {
      ...changeFeed,
      ...{ setCursor: fail, redrive: fail, startReplay: fail, replay: fail, cancelReplay: fail },
    };
    const operations = ['setCursor', 'redriveDeadLetters', 'startReplay', 'getReplay', 'cancelReplay'];
    await each(alike(...operations), '502 upstream_failed', {}, () => ({ changeFeed: cut }));
  });

  test('a replay that a run writes to all the time is 409', async () => {
    const error = new AppError('busy', 'A run writes to the replay all the time. Try again.');
    const held: ChangeFeed = { ...changeFeed, cancelReplay: () => Promise.reject(error) };
    await each(alike('cancelReplay'), '409 busy', {}, () => ({ changeFeed: held }));
  });

  test('a replay that cannot be read is 409', async () => {
    const error = new AppError('conflict', 'The replay cannot be read.');
    const newer: ChangeFeed = { ...changeFeed, replay: () => Promise.reject(error) };
    await each(alike('getReplay'), '409 conflict', {}, () => ({ changeFeed: newer }));
  });

  test('a part that is not well makes the health 503', async () => {
    health.note('rotateSecrets', false, 'what to do');
    await each(alike('health', 'healthDetails'), '503', {});
    health.note('rotateSecrets', true);
    await each(alike('health', 'healthDetails'), '200', {});
  });
}
