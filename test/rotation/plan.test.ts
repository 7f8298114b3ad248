// The plan as a pure function: what must hold for every observation, and the decisions at their edges.
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotationMaxOwned, rotationMinIntervalMs } from '../../src/platform/limits.ts';
import { classify } from '../../src/rotation/credentials.ts';
import type { CredentialFact, Observation, VersionFact } from '../../src/rotation/observation.ts';
import { planRun, type Step, type Wish } from '../../src/rotation/plan.ts';
import { displayNameOf, type Target } from '../../src/rotation/target.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const now = Date.UTC(2026, 5, 1);
const client = {
  ...{ appId: 'app', tenantId: 'tenant', secretName: 'secret' },
  ...{ validityDays: 90, beforeDays: 30, overlapHours: 168 },
};
const target: Target = { client: { ...client, retire: 'remove' }, id: '00000000000a' };
const expiring: Target = { client: { ...client, retire: 'expire' }, id: target.id };
const own = (attempt: string): string => displayNameOf(target.id, `20260101T000000Z-${attempt}`);
const others = displayNameOf('00000000000b', '20260101T000000Z-abcdef');

const keyIds = ['k1', 'k2', 'k3', 'k4', 'k5', 'k6'];
const moment = fc.integer({ min: -200, max: 200 }).map((hours) => now + hours * hourMs);
const credential = fc.record({
  displayName: fc.constantFrom(undefined, 'portal', own('aaaaaa'), own('bbbbbb'), own('cccccc'), others),
  startsAt: moment,
  endsAt: fc.oneof(
    moment,
    fc.integer({ min: -10, max: 90 }).map((days) => now + days * dayMs),
  ),
  hint: fc.constantFrom('matches' as const, 'differs' as const, 'unknown' as const),
});
const credentials = fc
  .array(credential, { maxLength: keyIds.length })
  .map((all): CredentialFact[] => all.map((one, index) => ({ ...one, keyId: keyIds[index] ?? '' })));
const version = fc.record({
  enabled: fc.boolean(),
  createdAt: moment,
  expiresAt: fc.option(moment, { nil: undefined }),
  credentialId: fc.constantFrom(undefined, ...keyIds),
  taggedApp: fc.constantFrom(undefined, client.appId),
});
const versions = fc
  .array(version, { maxLength: 5 })
  .map((all): VersionFact[] => all.map((one, index) => ({ ...one, versionId: `v${index}` })));
const intent = fc.record({
  displayName: fc.constantFrom(own('aaaaaa'), own('bbbbbb'), own('dddddd'), own('eeeeee')),
  time: moment,
  published: fc.boolean(),
});
const observation = fc
  .record({
    credentials,
    versions,
    clocksAgree: fc.boolean(),
    health: fc.constantFrom('proven' as const, 'rejected' as const, 'unknown' as const),
    memory: fc.record({
      intents: fc.array(intent, { maxLength: 4 }),
      adopted: fc.subarray(keyIds),
      rejection: fc.option(fc.record({ versionId: fc.constant('v0'), time: moment }), { nil: undefined }),
      knownKeys: fc.constant(undefined),
    }),
  })
  .map(({ versions: all, health, ...rest }): Observation => ({
    ...rest,
    now,
    objectId: 'object',
    probeCode: undefined,
    versions: all,
    current: all[0],
    health: all.length === 0 ? 'absent' : health,
  }));
const wish: fc.Arbitrary<Wish> = fc.record({
  force: fc.boolean(),
  revoke: fc.constantFrom(undefined, undefined, undefined, ...keyIds),
  remainingMs: fc.constantFrom(50_000, 180_000, 240_000),
});
const anyTarget = fc.constantFrom(target, expiring);

function removals(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => ('keyId' in step && step.kind !== 'adopt' ? [step.keyId] : []));
}

function always(check: (seen: Observation, of: Target, asked: Wish) => void): void {
  fc.assert(fc.property(observation, anyTarget, wish, check), { numRuns: 3_000 });
}

test('a foreign credential is only ever removed when an operator names it', () => {
  always((seen, of, asked) => {
    const foreign = classify(seen, of.id).filter(({ ours }) => !ours);
    const removed = removals(planRun(seen, of, asked).steps);
    for (const { credential: one } of foreign)
      assert.ok(!removed.includes(one.keyId) || one.keyId === asked.revoke);
  });
});

test('behind every removal stands a valid, matching current credential that stays, or a new one that comes first', () => {
  always((seen, of, asked) => {
    const { steps } = planRun(seen, of, asked);
    const removed = removals(steps);
    if (removed.length === 0 || steps[0]?.kind === 'mint') return;
    const current = seen.credentials.find(({ keyId }) => keyId === seen.current?.credentialId);
    assert.ok(current && current.endsAt > now && current.hint !== 'differs');
    assert.ok(!removed.includes(current.keyId));
    const valid = seen.credentials.filter(({ keyId, endsAt }) => removed.includes(keyId) && endsAt > now);
    assert.ok(valid.length === 0 || seen.health === 'proven');
  });
});

test('at most one mint, never beside any removal but the one an operator asked for, and before it', () => {
  always((seen, of, asked) => {
    const { steps } = planRun(seen, of, asked);
    const mints = steps.filter(({ kind }) => kind === 'mint');
    assert.ok(mints.length <= 1);
    if (mints.length === 0) return;
    assert.deepEqual(removals(steps), asked.revoke === undefined ? [] : [asked.revoke]);
    if (asked.revoke !== undefined)
      assert.deepEqual(
        steps.map(({ kind }) => kind),
        ['mint', 'revoke'],
      );
  });
});

test('a mint never leads above the most that may exist, nor twice within an hour unless forced', () => {
  always((seen, of, asked) => {
    if (!planRun(seen, of, asked).steps.some(({ kind }) => kind === 'mint')) return;
    const valid = classify(seen, of.id).filter(({ ours, credential: one }) => ours && one.endsAt > now);
    assert.ok(valid.length < rotationMaxOwned);
    const recent = seen.memory.intents.some(({ time }) => time > now - rotationMinIntervalMs);
    assert.ok(!recent || asked.force === true || asked.revoke !== undefined);
    assert.ok(asked.remainingMs >= 90_000);
  });
});

test('an unknown answer alone never mints, and clocks that disagree change nothing at all', () => {
  always((seen, of, asked) => {
    const { steps } = planRun(seen, of, asked);
    if (!seen.clocksAgree) assert.deepEqual(steps, []);
    const mint = steps.find((step) => step.kind === 'mint');
    if (mint?.reason === 'rejected') assert.equal(seen.health, 'rejected');
  });
});

test('nothing is put away while the current version is untagged or contradicts its tag', () => {
  always((seen, of, asked) => {
    const { standing, steps } = planRun(seen, of, { ...asked, revoke: undefined });
    if (standing.kind !== 'settled') assert.deepEqual(removals(steps), []);
  });
});

test('a first secret is never planned where a credential was made for another target', () => {
  always((seen, of, asked) => {
    if (seen.current || !seen.credentials.some(({ displayName }) => displayName === others)) return;
    assert.ok(!planRun(seen, of, asked).steps.some(({ kind }) => kind === 'mint'));
  });
});

test('the order in which Graph lists the credentials makes no difference', () => {
  always((seen, of, asked) => {
    const reversed = { ...seen, credentials: [...seen.credentials].reverse() };
    const told = (one: Observation): string[] =>
      planRun(one, of, asked)
        .steps.map((step) => JSON.stringify(step))
        .sort();
    assert.deepEqual(told(reversed), told(seen));
  });
});

function settled(changes: Partial<Observation> = {}, days = 60): Observation {
  const current = { versionId: 'v0', enabled: true, createdAt: now - 10 * dayMs, expiresAt: undefined };
  const tagged = { ...current, credentialId: 'k1', taggedApp: client.appId };
  const one: CredentialFact = {
    ...{ keyId: 'k1', displayName: own('aaaaaa'), hint: 'matches' },
    ...{ startsAt: now - 10 * dayMs, endsAt: now + days * dayMs },
  };
  return {
    ...{ now, clocksAgree: true, objectId: 'object', probeCode: undefined, health: 'proven' },
    ...{ credentials: [one], current: tagged, versions: [tagged], memory: { intents: [], adopted: [] } },
    ...changes,
  };
}
const kinds = (seen: Observation, asked: Partial<Wish> = {}): string[] =>
  planRun(seen, target, { remainingMs: 240_000, ...asked }).steps.map(({ kind }) => kind);

test('a rotation is due at exactly the days before the end, not a second earlier', () => {
  assert.deepEqual(kinds(settled({}, 30)), ['mint']);
  assert.deepEqual(kinds(settled({ now: now - 1000 }, 30)), []);
});

test('an expired current secret is replaced, and its credential is not removed in the same run', () => {
  assert.deepEqual(kinds(settled({ health: 'rejected' }, -1)), ['mint']);
});

test('an older version of ours whose credential is not shown is disabled only when that cannot be a stale read', () => {
  const older: VersionFact = {
    ...{ versionId: 'v1', enabled: true, createdAt: now - 20 * dayMs, expiresAt: undefined },
    ...{ credentialId: 'k0', taggedApp: client.appId },
  };
  const withCurrent = (age: number): Observation => {
    const seen = settled();
    const current = { ...(seen.current ?? older), createdAt: now - age };
    return { ...seen, current, versions: [current, older] };
  };
  assert.deepEqual(kinds(withCurrent(2 * hourMs - 1)), []);
  const seen = withCurrent(2 * hourMs);
  assert.deepEqual(kinds(seen), ['disableVersion']);
  // The last: what another run published after the current version and the application were read.
  for (const change of [{ taggedApp: undefined }, { taggedApp: 'another app' }, { createdAt: now - hourMs }])
    assert.deepEqual(
      kinds({ ...seen, versions: [...seen.versions.slice(0, 1), { ...older, ...change }] }),
      [],
    );
});

test('an hour after an intent the next mint is allowed, and a compensated one counted until then', () => {
  const withIntent = (age: number): Observation =>
    settled(
      { memory: { intents: [{ displayName: own('x'), time: now - age, published: false }], adopted: [] } },
      20,
    );
  assert.deepEqual(kinds(withIntent(hourMs - 1)), []);
  assert.deepEqual(kinds(withIntent(hourMs)), ['mint']);
});

test('a rejection of another version than the one seen before is a first one again', () => {
  const rejection = { versionId: 'v9', time: now - hourMs };
  const seen = settled({ health: 'rejected', memory: { intents: [], adopted: [], rejection } });
  assert.deepEqual(kinds(seen), []);
  const same = { ...rejection, versionId: 'v0' };
  assert.deepEqual(kinds({ ...seen, memory: { ...seen.memory, rejection: same } }), ['mint']);
});

test('without an answer 7000215 to a wrong secret nothing is minted', () => {
  for (const kind of ['issued', 'denied', 'expired', 'unknown', 'wrongTenant'] as const) {
    const plan = planRun(settled({ preflight: { deleted: 'no', control: { kind } } }, 20), target, {
      remainingMs: 240_000,
    });
    assert.deepEqual(plan.steps, []);
    assert.equal(plan.refusal?.code, kind === 'wrongTenant' ? 'wrong_tenant' : 'entra_unusable');
  }
});
