// The rotation's settings: one client or several, and a policy that cannot lock a client out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environments, guid, problemsOf, valueOf } from './environments.ts';

const {
  SERVICE_CLIENT_APP_ID: _app,
  SERVICE_CLIENT_TENANT_ID: _tenant,
  SERVICE_CLIENT_SECRET_NAME: _name,
  ...base
} = environments.rotation;
const client = { appId: guid, tenantId: guid, secretName: 'one' };
const several = (...clients: readonly object[]): Record<string, string | undefined> => ({
  ...base,
  SERVICE_CLIENTS: JSON.stringify(clients),
});

test('one service client takes the policy of the settings', () => {
  const { clients } = valueOf('rotation', {
    ...environments.rotation,
    SERVICE_CLIENT_APP_ID: guid.toUpperCase(),
  });
  assert.deepEqual(clients, [
    {
      ...{ appId: guid, tenantId: guid, secretName: 'dicom-client-secret' },
      ...{ validityDays: 90, beforeDays: 30, overlapHours: 168, retire: 'remove' },
    },
  ]);
});

test('each of several clients may have a policy of its own', () => {
  const own = { validityDays: 20, beforeDays: 10, overlapHours: 48, retire: 'expire' };
  const { clients } = valueOf('rotation', several({ ...client, ...own }, { ...client, secretName: 'two' }));
  assert.deepEqual(
    clients.map(({ validityDays, beforeDays, overlapHours, retire }) => ({
      ...{ validityDays, beforeDays, overlapHours, retire },
    })),
    [own, { validityDays: 90, beforeDays: 30, overlapHours: 168, retire: 'remove' }],
  );
});

test('one client and several together are an error that names both', () => {
  const problems = problemsOf({ ...several(client), SERVICE_CLIENT_APP_ID: guid });
  assert.deepEqual(problems, [
    'SERVICE_CLIENTS: given together with SERVICE_CLIENT_APP_ID; expected one form',
  ]);
});

test('two clients must not publish to one secret, in whatever case', () => {
  assert.deepEqual(problemsOf(several(client, { ...client, secretName: 'ONE' })), [
    'SERVICE_CLIENTS: found the secret name "one" twice; expected one client per secret',
  ]);
});

const policy = (validity: number, before: number, overlap: number): readonly string[] =>
  problemsOf({
    ...environments.rotation,
    ROTATION_VALIDITY_DAYS: String(validity),
    ROTATION_BEFORE_DAYS: String(before),
    ROTATION_OVERLAP_HOURS: String(overlap),
  });

test('a secret must outlive the wait for its renewal plus the overlap', () => {
  assert.deepEqual(policy(37, 30, 168), []);
  assert.deepEqual(policy(36, 30, 168), [
    'ROTATION_VALIDITY_DAYS: found 36 days; expected at least ROTATION_BEFORE_DAYS (30) plus ROTATION_OVERLAP_HOURS (168)',
  ]);
});

test('a renewal must begin at least two overlaps before the end', () => {
  assert.deepEqual(policy(90, 14, 168), []);
  assert.deepEqual(policy(90, 13, 168), [
    'ROTATION_BEFORE_DAYS: found 13 days; expected at least twice ROTATION_OVERLAP_HOURS (168)',
  ]);
});

test('credentials that are left to expire must not pile up: at most two live at once', () => {
  const expiring = (before: number): readonly string[] =>
    problemsOf({
      ...environments.rotation,
      ROTATION_VALIDITY_DAYS: '90',
      ROTATION_BEFORE_DAYS: String(before),
      ROTATION_RETIRE: 'expire',
    });
  assert.deepEqual(expiring(45), []);
  assert.deepEqual(expiring(46), [
    'ROTATION_BEFORE_DAYS: found 46 days; expected at most half of ROTATION_VALIDITY_DAYS (90) where ROTATION_RETIRE is expire',
  ]);
  assert.deepEqual(policy(90, 46, 168), []);
});

test('a senseless policy of one of several clients names that client', () => {
  const problems = problemsOf(several(client, { ...client, secretName: 'two', beforeDays: 1 }));
  assert.deepEqual(problems, [
    'ROTATION_BEFORE_DAYS: found 1 days for SERVICE_CLIENTS[1]; expected at least twice ROTATION_OVERLAP_HOURS (168)',
  ]);
});

test('of several clients the wrong entry and field are named', () => {
  const wrong = { ...client, secretName: 'two', validityDays: 181 };
  const [problem = ''] = problemsOf(several(client, wrong));
  assert.match(problem, /^SERVICE_CLIENTS: found a bad \[1\]\.validityDays; expected a JSON array of/);
  const [unknown = ''] = problemsOf(several({ ...client, secretname: 'canary' }));
  assert.match(unknown, /^SERVICE_CLIENTS: found a bad \[0\] \(unknown: secretname\)/);
  assert.doesNotMatch(unknown, /canary/);
});
