// What may be asked for, and by whom: scopes, minutes, user ids, and how often.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'node:test';
import { narrow, type TokenPolicy } from '../../src/communication/policy.ts';
import { AcsBudget, UserLimit } from '../../src/communication/rateLimit.ts';
import { backendSubject } from '../../src/communication/subject.ts';
import { AppError } from '../../src/platform/errors.ts';
import { acsOnTheWayMs, acsRetryAfterSeconds, acsWindowMs } from '../../src/platform/limits.ts';
import type { TokenScope } from '../../src/platform/settings/types.ts';
import { ManualClock } from '../support/clock.ts';

const all: readonly TokenScope[] = ['chat', 'voip', 'chat.join', 'chat.join.limited', 'voip.join'];
const policies: fc.Arbitrary<TokenPolicy> = fc
  .record({ scopes: fc.subarray([...all], { minLength: 1 }), max: fc.integer({ min: 60, max: 1440 }) })
  .chain(({ scopes, max }) =>
    fc
      .integer({ min: 60, max })
      .map((minutesDefault) => ({ scopes, minutesDefault, minutesMax: max }) satisfies TokenPolicy),
  );

describe('policy', () => {
  test('gives what the settings say when nothing is asked for', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        assert.deepEqual(narrow({}, policy), { scopes: policy.scopes, minutes: policy.minutesDefault });
      }),
    );
  });

  test('only ever narrows, or refuses naming the field and nothing that was sent', () => {
    const asked = fc.record(
      {
        scopes: fc.array(fc.oneof(fc.constantFrom<string>(...all, 'pstn', 'CHAT', ''), fc.string())),
        expiresInMinutes: fc.oneof(fc.integer({ min: 0, max: 1500 }), fc.double()),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(policies, asked, (policy, request) => {
        try {
          const { scopes, minutes } = narrow(request, policy);
          assert.ok(scopes.length > 0 && scopes.every((scope) => policy.scopes.includes(scope)));
          assert.ok(minutes >= 60 && minutes <= policy.minutesMax);
          if (request.scopes) assert.deepEqual(new Set(scopes), new Set(request.scopes));
          if (request.expiresInMinutes !== undefined) assert.equal(minutes, request.expiresInMinutes);
        } catch (error) {
          assert.ok(error instanceof AppError && error.code === 'invalid_request', String(error));
          assert.match(error.message, /^(scopes|expiresInMinutes): expected/);
          assert.doesNotMatch(error.message, /pstn/);
        }
      }),
    );
  });
});

describe('a user id of a backend', () => {
  test('is the application’s own user unless it is the key of one who signs in', () => {
    assert.deepEqual(backendSubject('patient-7'), { key: 'app.patient-7' });
    assert.deepEqual(backendSubject('app.x'), { key: 'app.app.x' });
    assert.deepEqual(backendSubject('oidcs.x'), { key: 'app.oidcs.x' });
    const signedIn = `oidc.${'AbC-_1'.repeat(7)}x`;
    assert.deepEqual(backendSubject(signedIn), { key: signedIn });
    const id = '7E1E4EA1-7000-4000-8000-00000000000A';
    const { key } = backendSubject(`entra.${id}.${id}`);
    assert.equal(key, `entra.${id.toLowerCase()}.${id.toLowerCase()}`, 'as sign-in writes it');
  });

  test('is refused where it is the misspelt key of one who signs in: a ban of that would ban nobody', () => {
    const id = '7e1e4ea1-7000-4000-8000-00000000000a';
    const digest = 'x'.repeat(43);
    for (const bad of [
      ...['entra.', `entra.${id}`, `entra.${id}.${id}.`, `entra.${id}.${id.slice(1)}`, `Entra.${id}`],
      ...['oidc.', 'oidc.patient-7', `oidc.${digest}x`, `OIDC.${digest}`, `oidc.${digest.slice(1)}.`],
    ]) {
      assert.throws(() => backendSubject(bad), {
        code: 'invalid_request',
        message:
          'userId: expected entra.<tenant id>.<object id> or oidc.<43 characters> where it begins with entra. or oidc.',
      });
    }
  });

  test('is refused unless it is 1 to 256 harmless characters and not only dots', () => {
    for (const bad of ['', '.', '..', '...', 'a/b', 'a b', 'a%2Fb', 'café', 'a\n', 'x'.repeat(257)]) {
      assert.throws(
        () => backendSubject(bad),
        (error: unknown) =>
          error instanceof AppError &&
          error.code === 'invalid_request' &&
          error.message.startsWith('userId: '),
      );
    }
    assert.doesNotThrow(() => backendSubject('x'.repeat(256)));
  });

  test('never meets another one in the same key', () => {
    const ids = fc.stringMatching(/^[A-Za-z0-9._~-]{1,20}$/).filter((id) => !/^\.+$/.test(id));
    fc.assert(
      fc.property(ids, ids, (one, two) => {
        assert.equal(backendSubject(one).key === backendSubject(two).key, one === two);
      }),
    );
  });
});

/** Seconds to wait that a refusal names, or undefined when there was none. */
function waitOf(take: () => void): number | undefined {
  try {
    take();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error.retryAfterSeconds;
  }
}

describe('limits', () => {
  const windowMs = acsWindowMs + acsOnTheWayMs;

  test('let a user ask so often in any minute, and say when to come back', async () => {
    const clock = new ManualClock();
    const limit = new UserLimit(3, clock);
    for (let call = 0; call < 3; call += 1) {
      assert.equal(
        waitOf(() => {
          limit.take('a');
        }),
        undefined,
      );
      await clock.advance(10_000);
    }
    assert.equal(
      waitOf(() => {
        limit.take('a');
      }),
      30,
    );
    assert.equal(
      waitOf(() => {
        limit.take('b');
      }),
      undefined,
    );
    await clock.advance(30_000);
    assert.equal(
      waitOf(() => {
        limit.take('a');
      }),
      undefined,
    );
    assert.equal(
      waitOf(() => {
        limit.take('a');
      }),
      10,
    );
  });

  test('keep a fifth of the revocations and deletions for the backend', async () => {
    for (const operation of ['revoke', 'delete'] as const) {
      const clock = new ManualClock();
      const budget = new AcsBudget(clock);
      for (let call = 0; call < 400; call += 1) budget.take(operation, 'ordinary');
      assert.equal(
        waitOf(() => {
          budget.take(operation, 'ordinary');
        }),
        windowMs / 1000,
      );
      for (let call = 0; call < 100; call += 1) budget.take(operation, 'reserved');
      assert.equal(
        waitOf(() => {
          budget.take(operation, 'reserved');
        }),
        windowMs / 1000,
      );
      await clock.advance(windowMs);
      assert.equal(
        waitOf(() => {
          budget.take(operation, 'ordinary');
        }),
        undefined,
      );
    }
  });

  test('stop at what ACS takes in its window', () => {
    const budget = new AcsBudget(new ManualClock());
    for (let call = 0; call < 1000; call += 1) budget.take('issue', 'ordinary');
    assert.equal(
      waitOf(() => {
        budget.take('issue', 'ordinary');
      }),
      windowMs / 1000,
    );
    assert.equal(
      waitOf(() => {
        budget.take('create', 'ordinary');
      }),
      undefined,
    );
  });

  test('said after a pause are what this process counted itself, where that takes longer', async () => {
    const clock = new ManualClock();
    const budget = new AcsBudget(clock);
    const wait = (): number | undefined =>
      waitOf(() => {
        budget.take('issue', 'ordinary');
      });
    for (let call = 0; call < 1000; call += 1) budget.take('issue', 'ordinary');
    budget.usedUp('issue', 5);
    assert.equal(wait(), windowMs / 1000);
    await clock.advance(windowMs - 1_000);
    budget.usedUp('issue', 5);
    assert.equal(wait(), 5);
  });

  test('pause for users, and for nobody else, once ACS says that they are used up', async () => {
    const clock = new ManualClock();
    const budget = new AcsBudget(clock);
    const wait = (priority: 'ordinary' | 'reserved'): number | undefined =>
      waitOf(() => {
        budget.take('revoke', priority);
      });
    budget.usedUp('revoke', undefined);
    assert.deepEqual([wait('ordinary'), wait('reserved')], [acsRetryAfterSeconds, undefined]);
    await clock.advance(acsRetryAfterSeconds * 1000);
    assert.equal(wait('ordinary'), undefined);
    budget.usedUp('revoke', 7);
    assert.equal(wait('ordinary'), 7);
    budget.usedUp('revoke', 86_400);
    assert.equal(wait('ordinary'), acsWindowMs / 1000, 'ACS forgets after its window, whatever it said');
  });
});
