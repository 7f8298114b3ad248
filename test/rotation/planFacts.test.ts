// The plan and what was learnt around the application: rights, obstacles, other credentials. Pure: every combination is tried.
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotationObstacleMs } from '../../src/platform/limits.ts';
import type { CredentialFact, Observation, Obstacle, Survey } from '../../src/rotation/observation.ts';
import { planRun, type Plan, type Wish } from '../../src/rotation/plan.ts';
import { rightsProblem, settingsMark } from '../../src/rotation/refusals.ts';
import { displayNameOf, type Target } from '../../src/rotation/target.ts';

const dayMs = 24 * 3_600_000;
const now = Date.UTC(2026, 5, 1);
const client = {
  ...{ appId: 'app', tenantId: 'tenant', secretName: 'secret', retire: 'remove' as const },
  ...{ validityDays: 90, beforeDays: 30, overlapHours: 168 },
};
const target: Target = { client, id: '00000000000a' };

/** One credential of ours, published ten days ago, with so many days to live; a wrong secret was rejected. */
function seen(days: number, changes: Partial<Observation> = {}): Observation {
  const current = {
    ...{ versionId: 'v1', enabled: true, createdAt: now - 10 * dayMs, expiresAt: undefined },
    ...{ credentialId: 'k1', taggedApp: client.appId },
  };
  const one: CredentialFact = {
    ...{ keyId: 'k1', displayName: displayNameOf(target.id, '20260101T000000Z-aaaaaa'), hint: 'matches' },
    ...{ startsAt: now - 10 * dayMs, endsAt: now + days * dayMs },
  };
  return {
    ...{ now, clocksAgree: true, objectId: 'object', probeCode: undefined, health: 'proven' },
    ...{ credentials: [one], current, versions: [current], memory: { intents: [], adopted: [] } },
    preflight: { deleted: 'no', control: { kind: 'rejected' } },
    ...changes,
  };
}
const remembering = (obstacle: Obstacle): Pick<Observation, 'memory'> => ({
  memory: { intents: [], adopted: [], obstacle },
});
const plan = (observation: Observation, wish: Partial<Wish> = {}): Plan =>
  planRun(observation, target, { remainingMs: 240_000, ...wish });
const mints = ({ steps }: Plan): boolean => steps.some(({ kind }) => kind === 'mint');

const rights: fc.Arbitrary<Survey> = fc.record({
  time: fc.constant(now),
  mayChange: fc.constantFrom('every' as const, 'owned' as const, 'none' as const, undefined),
  isOwner: fc.constantFrom(true, false, undefined),
  federatedCredentials: fc.constantFrom(undefined, 0, 1),
  principalSecrets: fc.constantFrom(undefined, [], [{ keyId: 's1', endsAt: now }]),
});
const wishes = fc.constantFrom<Partial<Wish>>({}, { force: true }, { revoke: 'k1' });

test('nothing is minted where Graph would refuse it for certain, not even when forced; what is unknown stops nothing', () => {
  fc.assert(
    fc.property(rights, wishes, (survey, wish) => {
      const made = plan(seen(20, { survey }), wish);
      const { mayChange, isOwner } = survey;
      const certain = mayChange === 'none' || (mayChange === 'owned' && isOwner === false);
      assert.equal(mints(made), !certain);
      assert.equal(made.refusal?.code, rightsProblem(survey));
    }),
  );
});

test('rights that an earlier run saw are only pointed out: they may have been mended since', () => {
  const survey: Survey = { time: now - dayMs / 2, mayChange: 'owned', isOwner: false };
  const made = plan(seen(20, { memory: { intents: [], adopted: [], survey } }));
  assert.ok(mints(made));
  assert.match(made.warnings.join(), /az ad app owner add/);
});

test('what else signs in for the application changes no step, whatever it is', () => {
  fc.assert(
    fc.property(rights, fc.integer({ min: -5, max: 80 }), (survey, days) => {
      const harmless: Survey = { ...survey, mayChange: undefined };
      assert.deepEqual(plan(seen(days, { survey: harmless })).steps, plan(seen(days)).steps);
    }),
  );
});

test('an obstacle stops automatic mints for a day, while the version and the settings are the same', () => {
  const unchanged = settingsMark(client);
  const obstacles: fc.Arbitrary<Obstacle> = fc.record({
    code: fc.constantFrom('vault_denied', 'lifetime_policy', 'no_code_of_ours'),
    time: fc
      .constantFrom(0, 1, rotationObstacleMs - 1, rotationObstacleMs, 9 * rotationObstacleMs)
      .map((age) => now - age),
    versionId: fc.constantFrom(undefined, 'v0', 'v1'),
    settings: fc.constantFrom(unchanged, settingsMark({ ...client, validityDays: 45 })),
  });
  fc.assert(
    fc.property(obstacles, wishes, (obstacle, wish) => {
      const made = plan(seen(20, remembering(obstacle)), wish);
      const stands =
        obstacle.code !== 'no_code_of_ours' &&
        now - obstacle.time < rotationObstacleMs &&
        obstacle.versionId === 'v1' &&
        obstacle.settings === unchanged;
      assert.equal(mints(made), !stands || Object.keys(wish).length > 0);
      if (!mints(made)) assert.equal(made.refusal?.code, obstacle.code);
    }),
  );
});

test('every setting of a client is part of its mark', () => {
  const changed = [
    { tenantId: 'other' },
    { validityDays: 45 },
    { beforeDays: 10 },
    { overlapHours: 25 },
    { retire: 'expire' as const },
  ];
  const marks = [{}, ...changed].map((change) => settingsMark({ ...client, ...change }));
  assert.equal(new Set(marks).size, marks.length);
  assert.equal(settingsMark({ ...client, overlapHours: 168 }), settingsMark(client));
});
