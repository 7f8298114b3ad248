// How each answer of ACS is judged through the real SDK client, and what is never said about it.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { AcsBudget } from '../../src/communication/rateLimit.ts';
import { rowKeyOf, type Subject } from '../../src/communication/subject.ts';
import { AppError } from '../../src/platform/errors.ts';
import { acsRetryAfterSeconds, acsRequestsPerWindow } from '../../src/platform/limits.ts';
import { describeError } from '../../src/platform/log.ts';
import { Secret } from '../../src/platform/secret.ts';
import { ManualClock } from '../support/clock.ts';
import { cloud, endpoint } from '../local/standIns/communication/clients.ts';
import { answered } from './answered.ts';
import { byKey, context, fail, lines, newUser, refused, service, table } from './azure.ts';

const rowOf = (user: Subject) => ({ queryOptions: { filter: `RowKey eq '${rowKeyOf(user)}'` } });

afterEach(() => {
  cloud.faults.clear();
});

describe('an answer of ACS', () => {
  test('that refuses our credential is never the caller’s fault', async () => {
    const wrong = new Secret(`endpoint=${endpoint}/;accesskey=${Buffer.from('wrong').toString('base64')}`);
    const resource = { kind: 'connectionString', endpoint, connectionString: wrong } as const;
    const communication = service({ settings: { resource } });
    await assert.rejects(communication.issue(newUser(), {}, context()), refused('upstream_failed'));
  });

  test('that refuses our credential is logged with what to do about it, and no other failure is', async () => {
    const advice = /the role Communication and Email Service Owner on the ACS resource/;
    for (const [status, said] of [
      [401, true],
      [403, true],
      [400, false],
      [500, false],
    ] as const) {
      await assert.rejects(
        answered(status).acs.issue('8:acs:a_b', { scopes: ['chat'], minutes: 60 }),
        (error) => {
          assert.ok(error instanceof AppError);
          assert.doesNotMatch(error.message, advice);
          return advice.test(JSON.stringify(describeError(error))) === said;
        },
      );
    }
  });

  test('that throttles says when to come back', async () => {
    for (const [headers, seconds] of [
      [{}, acsRetryAfterSeconds],
      [{ 'Retry-After': '77' }, 77],
    ] as const) {
      const user = newUser();
      const communication = service();
      await communication.issue(user, {}, context());
      fail(':issueAccessToken', { status: 429, headers, body: { error: { code: 'TooManyRequests' } } });
      await assert.rejects(communication.issue(user, {}, context()), (error: unknown) => {
        assert.ok(error instanceof AppError && error.code === 'upstream_throttled');
        return error.retryAfterSeconds === seconds;
      });
      cloud.faults.clear();
    }
  });

  test('that was not asked for is told from one of ACS in the log', () => {
    const words = (use: (budget: AcsBudget) => void): string => {
      const budget = new AcsBudget(new ManualClock());
      use(budget);
      try {
        budget.take('issue', 'ordinary');
      } catch (error) {
        return JSON.stringify(describeError(error));
      }
      return assert.fail('was let through');
    };
    const paused = words((budget) => {
      budget.usedUp('issue', 7);
    });
    assert.match(paused, /ACS issue was not asked: ACS throttled it a moment ago/);
    const spent = words((budget) => {
      for (let call = 0; call < acsRequestsPerWindow.issue; call += 1) budget.take('issue', 'ordinary');
    });
    assert.match(spent, /ACS issue was not asked: this process has sent 1000 within 31 s/);
  });

  test('that throttles keeps users away from ACS for a while, and a backend not', async () => {
    const clock = new ManualClock();
    const communication = service({ clock });
    const users = [newUser(), newUser()] as const;
    for (const user of users) await communication.issue(user, {}, context());
    const requests = (): number => cloud.log.list('communication').length;
    fail(':issueAccessToken', { status: 429, body: { error: { code: 'TooManyRequests' } } });
    await assert.rejects(communication.issue(users[0], {}, context()), refused('upstream_throttled'));
    cloud.faults.clear();
    const before = requests();
    await assert.rejects(communication.issue(users[1], {}, context()), refused('upstream_throttled'));
    assert.equal(requests(), before);
    await communication.revokeAll(users[1], 'key', context());
    await clock.advance(acsRetryAfterSeconds * 1000);
    await communication.issue(users[1], {}, context());
    assert.equal(requests(), before + 2);
  });

  test('that is a 404 of somebody in between confirms no erasure', async () => {
    const user = newUser();
    const communication = service();
    await communication.issue(user, {}, context());
    fail('/identities/', { status: 404 });
    assert.equal(await communication.erase(user, 'key', context()), 'pending');
    cloud.faults.clear();
    assert.equal(await communication.erase(user, 'key', context()), 'erased');
  });

  test('that throttles creations keeps the next new user from leaving a claim behind', async () => {
    const clock = new ManualClock();
    const communication = service({ clock });
    fail('^/identities$', { status: 429, headers: { 'Retry-After': '20' } });
    await assert.rejects(communication.issue(newUser(), {}, context()), refused('upstream_throttled'));
    cloud.faults.clear();
    const user = newUser();
    const known = async (): Promise<boolean> =>
      (await table('identities').listEntities(rowOf(user)).next()).done !== true;
    await assert.rejects(communication.issue(user, {}, context()), refused('upstream_throttled'));
    assert.equal(await known(), false);
    await clock.advance(20_000);
    await communication.issue(user, {}, context());
    assert.equal(await known(), true);
  });

  test('that never came is asked for once more, and an identity is not', async () => {
    const user = newUser();
    const communication = service();
    await communication.issue(user, {}, context());
    const sent = async (work: Promise<unknown>): Promise<number> => {
      const before = cloud.log.list('communication').length;
      await assert.rejects(work, refused('upstream_failed'));
      return cloud.log.list('communication').length - before;
    };
    for (const effect of [{ status: 500 }, { drop: 'before' }, { drop: 'after' }]) {
      cloud.faults.add({ service: 'communication', effect });
      assert.equal(await sent(communication.issue(user, {}, context())), 2);
      assert.equal(await sent(communication.issue(newUser(), {}, context())), 1);
      cloud.faults.clear();
    }
    cloud.faults.add({ service: 'communication', times: 1, effect: { drop: 'before' } });
    await communication.issue(user, {}, context());
    fail(':issueAccessToken', { status: 501 });
    assert.equal(await sent(communication.issue(user, {}, context())), 1);
  });

  test('that does not know the identity is told from one that refuses us', async () => {
    const user = newUser();
    const communication = service();
    const { user: acs } = await communication.issue(user, {}, context());
    for (const effect of [
      { status: 401, body: { error: { code: 'IdentityNotOwned', message: 'not ours' } } },
      { status: 404, headers: { 'MS-CV': 'trace.0' } },
    ]) {
      fail(':issueAccessToken', effect);
      await assert.rejects(communication.issue(user, {}, context()), refused('identity_stale'));
      cloud.faults.clear();
    }
    const denied = { status: 401, body: { error: { code: 'Denied', message: 'no' } } };
    for (const effect of [denied, { status: 404 }]) {
      fail('/identities/', effect);
      await assert.rejects(communication.issue(user, {}, context()), refused('upstream_failed'));
      cloud.faults.clear();
    }
    const again = await communication.issue(user, {}, context());
    assert.equal(again.user.communicationUserId, acs.communicationUserId);
  });

  test('that has no token or no identity in it is an error', async () => {
    const user = newUser();
    fail('^/identities$', { status: 201, body: { identity: { id: 'somebody' } } });
    await assert.rejects(service().issue(user, {}, context()), refused('upstream_failed'));
    cloud.faults.clear();
    fail(':issueAccessToken', { status: 200, body: { token: '', expiresOn: 'soon' } });
    await assert.rejects(service().issue(user, {}, context()), refused('upstream_failed'));
  });
});

test('a call whose time is used up ends with its signal, whatever ACS does', async () => {
  const user = newUser();
  await service().issue(user, {}, context());
  fail(':issueAccessToken', { delayMs: 5_000 });
  const ended = new AbortController();
  const call = service().issue(user, {}, context(ended.signal));
  setImmediate(() => {
    ended.abort(new Error('used up'));
  });
  await assert.rejects(call, /used up/);
});

test('no log line or error names a user, an identity, a token or the access key', async () => {
  const user = newUser();
  const communication = service({ settings: { resource: byKey } });
  const { token, user: acs } = await communication.issue(user, {}, context());
  fail('/identities/', { status: 500, body: { error: { code: 'X', message: acs.communicationUserId } } });
  await assert.rejects(communication.issue(user, {}, context()), refused('upstream_failed'));
  await communication.erase(user, 'key', context());
  const text = lines.join('\n');
  const key = byKey.kind === 'connectionString' ? byKey.connectionString.reveal().split('accesskey=')[1] : '';
  for (const canary of [user.key.slice(4), acs.communicationUserId, token, key ?? '']) {
    assert.ok(canary.length > 10);
    assert.equal(text.includes(canary), false);
  }
});
