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

const others = displayNameOf('00000000000b', '20260101T000000Z-bbbbbb');
const another = (changes: Partial<CredentialFact>): CredentialFact => ({
  ...{
    keyId: 'k2',
    displayName: undefined,
    hint: 'differs',
    startsAt: now - dayMs,
    endsAt: now + 60 * dayMs,
  },
  ...changes,
});
const beside = (one: CredentialFact, changes: Partial<Observation> = {}): Observation => {
  const observation = seen(60, changes);
  return { ...observation, credentials: [...observation.credentials, one] };
};

test('a leaked credential of another target is not revoked here: what that target serves would stop working', () => {
  const made = plan(beside(another({ displayName: others })), { revoke: 'k2' });
  assert.deepEqual(made.steps, []);
  assert.equal(made.refusal?.code, 'revoke_other_target');
  assert.match(made.refusal.message, /00000000000b/);
});

test('what the current value begins like is not put away, whatever the tag says, and revoked only after a mint', () => {
  const lookalike = another({
    ...{ displayName: displayNameOf(target.id, '20260101T000000Z-bbbbbb'), hint: 'matches' },
  });
  const tagged = beside(lookalike);
  const unsure = tagged.credentials.map((one) =>
    one.keyId === 'k1' ? { ...one, hint: 'unknown' as const } : one,
  );
  const kinds = ({ steps }: Plan): string[] => steps.map(({ kind }) => kind);
  assert.deepEqual(kinds(plan({ ...tagged, credentials: unsure })), []);
  assert.deepEqual(kinds(plan({ ...tagged, credentials: unsure }, { revoke: 'k2' })), ['mint', 'revoke']);
  const told = beside({ ...lookalike, hint: 'differs' });
  assert.deepEqual(kinds(plan(told)), ['sweep']);
  assert.deepEqual(kinds(plan(told, { revoke: 'k2' })), ['revoke']);
});

test('what has expired is removed even while nobody knows whether the current secret works', () => {
  const displayName = displayNameOf(target.id, '20260101T000000Z-bbbbbb');
  const expired = beside(another({ displayName, endsAt: now }), { health: 'unknown' });
  assert.deepEqual(plan(expired).steps, [{ kind: 'removeExpired', keyId: 'k2' }]);
});

test('a credential that appeared is called foreign only where no target of this kind made it', () => {
  const knowing = { memory: { intents: [], adopted: [], knownKeys: ['k1'] } };
  const [portal] = plan(beside(another({ displayName: 'portal' }), knowing)).warnings;
  assert.equal(portal, 'a credential that this app did not make appeared: k2');
  const [other] = plan(beside(another({ displayName: others }), knowing)).warnings;
  assert.equal(other, 'a credential named after another target, 00000000000b, appeared: k2');
});

test('of first mints in the way of another one only what is old and known to be unpublished goes, and never the youngest', () => {
  const hourMs = 3_600_000;
  const made = (hours: number, published: boolean | undefined) => {
    const displayName = displayNameOf(target.id, `20260601T000000Z-aaa${String(hours * 100)}`);
    const [startsAt, endsAt] = [now - hours * hourMs, now + 90 * dayMs];
    return {
      credential: {
        ...{ keyId: `k${String(hours)}`, displayName, startsAt, endsAt },
        hint: 'unknown' as const,
      },
      intents: published === undefined ? [] : [{ displayName, time: startsAt, published }],
    };
  };
  const swept = (...left: readonly ReturnType<typeof made>[]): readonly string[] => {
    const memory = { intents: left.flatMap(({ intents }) => intents), adopted: [] };
    const credentials = left.map(({ credential }) => credential);
    const nothing = { current: undefined, versions: [], health: 'absent' as const };
    const { steps, refusal } = plan(seen(0, { ...nothing, credentials, memory }));
    assert.equal(refusal?.code, 'max_owned');
    return steps.map((step) => (step.kind === 'sweep' ? step.keyId : step.kind));
  };
  const [two, three, four, five] = [made(2, false), made(3, false), made(4, false), made(5, false)];
  assert.deepEqual(swept(two, three, four, five), ['k3', 'k4', 'k5']);
  assert.deepEqual(swept(made(1, false), made(1.5, false), made(1.9, false), five), ['k5']);
  assert.deepEqual(swept(two, made(3, true), made(4, undefined), five), ['k5']);
});
