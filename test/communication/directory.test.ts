// The transitions of a row, in every order: no identity is forgotten, no ban lifted, no row confirms what it must not.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'node:test';
import {
  claim,
  clearOwed,
  confirmErased,
  expire,
  identitiesOf,
  markDeleting,
  record,
  release,
  revokeAll,
  setAccess,
  type Change,
  type Found,
  type Row,
} from '../../src/communication/directory.ts';
import { nextWork } from '../../src/communication/work.ts';
import { AppError } from '../../src/platform/errors.ts';
import { claimLifeMs, cyclesPerHour, maxReplacedIdentities, tombstoneMs } from '../../src/platform/limits.ts';

const here = 'here';
const steps = {
  claim: (found: Found, n: number) => claim(found, `claim ${n}`),
  repair: (found: Found, n: number) => claim(found, `claim ${n}`, found.row?.identity),
  record: (found: Found, n: number) => record(found, found.row?.claim?.writer ?? 'none', `id ${n}`, 'today'),
  recordLate: (found: Found, n: number) => record(found, 'another claim', `id ${n}`, 'today'),
  release: (found: Found) => release(found, found.row?.claim?.writer ?? 'none', true),
  expire: (found: Found) => expire(found),
  disable: (found: Found, n: number) => setAccess(found, false, `owed ${n}`),
  enable: (found: Found, n: number) => setAccess(found, true, `owed ${n}`),
  revokeAll: (found: Found, n: number) => revokeAll(found, `owed ${n}`),
  clear: (found: Found) => clearOwed(found, found.row?.owed ?? 'none'),
  clearEarlier: (found: Found) => clearOwed(found, 'an earlier one'),
  markDeleting: (found: Found) => markDeleting(found),
  confirm: (found: Found) => confirmErased(found, found.row ? identitiesOf(found.row) : []),
  confirmOther: (found: Found) => confirmErased(found, ['an id from before']),
} satisfies Record<string, (found: Found, n: number) => Change<unknown>>;
type Step = keyof typeof steps;
const names = Object.keys(steps) as Step[];

function check(before: Row | undefined, after: Row, step: Step): void {
  if (before) checkKept(before, after, step);
  assert.equal(after.claim !== undefined, after.lifecycle === 'pending');
  if (after.lifecycle === 'ready') assert.ok(after.identity !== undefined && after.resource === here);
  if (after.lifecycle === 'none' || after.lifecycle === 'pending') assert.equal(after.identity, undefined);
}

function checkKept(before: Row, after: Row, step: Step): void {
  const kept = identitiesOf(after);
  if (step !== 'confirm') {
    assert.deepEqual(
      identitiesOf(before).filter((id) => !kept.includes(id)),
      [],
      `${step} forgot an identity`,
    );
    if (before.lifecycle === 'deleting') assert.equal(after.lifecycle, 'deleting');
  }
  if (step !== 'enable' && before.access === 'disabled') assert.equal(after.access, 'disabled', step);
  if (before.owed !== undefined && after.owed === undefined) {
    assert.ok(['clear', 'confirm', 'repair'].includes(step), `${step} settled what is owed`);
  }
  assert.ok((after.tokensValidFrom ?? 0) >= (before.tokensValidFrom ?? 0));
  assert.ok(after.lostClaims >= before.lostClaims);
}

test('every sequence of transitions keeps the rules of the directory', () => {
  const sequence = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(0, 1, claimLifeMs)), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(sequence, (taken) => {
      let row: Row | undefined;
      let now = Date.parse('2026-03-01T12:00:00.000Z');
      taken.forEach(([step, passes], n) => {
        now += passes;
        try {
          const change = steps[step]({ row, now, here }, n);
          if (!change.row) return;
          check(row, change.row, step);
          row = change.row;
        } catch (error) {
          assert.ok(error instanceof AppError, String(error));
        }
      });
    }),
    { numRuns: 2000 },
  );
});

test('two claims never hold at the same time', () => {
  const first = claim({ row: undefined, now: 0, here }, 'one').row;
  const second = (now: number) => claim({ row: first, now, here }, 'two').result;
  assert.deepEqual(second(claimLifeMs - 1), { kind: 'wait' });
  assert.deepEqual(second(claimLifeMs), { kind: 'claimed', lost: true });
  assert.deepEqual(claim({ row: first, now: 5, here }, 'one').result, { kind: 'claimed', lost: false });
});

test('what a row owes is asked of the right ACS resource only', () => {
  const base: Row = { lifecycle: 'none', access: 'enabled', previous: [], lostClaims: 0, changedOn: 0 };
  const ready: Row = { ...base, lifecycle: 'ready', identity: 'id', resource: here };
  const kindOf = (row: Row | undefined, where: string, now = 0) => nextWork(row, where, now).kind;
  assert.equal(kindOf(ready, here), 'nothing');
  assert.equal(kindOf({ ...ready, owed: 'x' }, here), 'revoke');
  assert.equal(kindOf({ ...ready, owed: 'x' }, 'elsewhere'), 'otherResource');
  assert.equal(kindOf({ ...ready, lifecycle: 'deleting' }, here), 'delete');
  assert.equal(kindOf({ ...ready, lifecycle: 'deleting' }, 'elsewhere'), 'otherResource');
  assert.equal(kindOf(base, here), 'forget');
  const remembered: Partial<Row>[] = [
    { tokensValidFrom: 1 },
    { cycles: { hour: 0, count: 1 } },
    { lostClaims: 1 },
  ];
  for (const what of remembered) {
    assert.equal(kindOf({ ...base, ...what }, here, tombstoneMs - 1), 'later');
    assert.equal(kindOf({ ...base, ...what }, here, tombstoneMs), 'forget');
  }
  assert.equal(kindOf({ ...base, access: 'disabled' }, here, tombstoneMs), 'nothing');
  assert.equal(kindOf({ ...base, previous: ['old'] }, here, tombstoneMs), 'nothing');
  assert.equal(kindOf(undefined, here), 'nothing');
});

test('a claim on a row that still holds identities of another resource is refused', () => {
  const previous = ['8:acs:old'];
  const row: Row = {
    lifecycle: 'none',
    access: 'enabled',
    previous,
    resource: 'elsewhere',
    lostClaims: 0,
    changedOn: 0,
  };
  assert.throws(
    () => claim({ row, now: 0, here }, 'one'),
    (error: unknown) => error instanceof AppError && error.code === 'identity_of_other_resource',
  );
});

describe('an hour’s cycles', () => {
  const row: Row = {
    ...{ lifecycle: 'ready', access: 'enabled', identity: 'id', resource: here },
    ...{ previous: [], lostClaims: 0, changedOn: 0 },
  };

  test('count a replacement, a confirmed erasure, and a claim that an erasure took away', () => {
    const claimed = claim({ row: undefined, now: 0, here }, 'one').row;
    const ends = [
      claim({ row, now: 0, here }, 'one', 'id').row,
      confirmErased({ row: { ...row, lifecycle: 'deleting' }, now: 0, here }, ['id']).row,
      markDeleting({ row: claimed, now: 0, here }).row,
    ];
    for (const end of ends) assert.deepEqual(end?.cycles, { hour: 0, count: 1 });
  });

  test('are bounded, and so are the identities that a row may hold', () => {
    const refusal = (changes: Partial<Row>): unknown => {
      try {
        return claim({ row: { ...row, ...changes }, now: 0, here }, 'one', 'id').result.kind;
      } catch (error) {
        return error instanceof AppError && error.code;
      }
    };
    assert.equal(refusal({ cycles: { hour: 0, count: cyclesPerHour - 1 } }), 'claimed');
    assert.equal(refusal({ cycles: { hour: 0, count: cyclesPerHour } }), 'rate_limited');
    const held = (count: number) => Array.from({ length: count }, (_, place) => `8:acs:${place}`);
    assert.equal(refusal({ previous: held(maxReplacedIdentities - 1) }), 'claimed');
    assert.equal(refusal({ previous: held(maxReplacedIdentities) }), 'identity_stale');
  });
});
