// The table of role assignments: each row with its reason, on one resource, with no right that its identity does not use.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roles, assignments } from './tables.ts';
import storage from '../../infra/storage.json' with { type: 'json' };
import { parts } from './files.ts';

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const inAccount = assignments.filter(({ kind }) => ['container', 'table', 'queue'].includes(kind));

test('every assignment has its reason, and none stands there twice', () => {
  for (const { principal, role, reason } of assignments)
    assert.match(reason, /^[A-Z].{20,}\.$/, `${principal} ${role}`);
  const keys = assignments.map(({ principal, role, of, kind, name }) =>
    [principal, role, of, kind, name].join(' '),
  );
  assert.equal(new Set(keys).size, keys.length);
});

test('every role is one of Azure or says what it may do, and is used', () => {
  const used = new Set(assignments.map(({ role }) => role));
  assert.deepEqual(new Set(roles.keys()), used);
  for (const { name, id, description, actions, dataActions } of roles.values()) {
    if (id === '') assert.ok(description.length > 20 && dataActions.length > 0, name);
    else assert.ok(guid.test(id) && description === '' && actions.length + dataActions.length === 0, name);
  }
  const ids = [...roles.values()].map(({ id }) => id).filter((id) => id !== '');
  assert.equal(new Set(ids).size, ids.length);
});

test('the roles of Azure have their true ids', () => {
  // Azure docs, built-in roles.
  const ids: Readonly<Record<string, string>> = {
    'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
    'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb',
    'Communication and Email Service Owner': '09976791-48a7-449e-bb21-39d1a415f350',
    'DICOM Data Reader': 'e89c7a3c-2f64-4fa1-a847-3e4c9ba4283a',
    'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6',
  };
  for (const { name, id } of roles.values()) if (id !== '') assert.equal(id, ids[name], name);
});

test('no role opens more than one job needs', () => {
  const names = assignments.map(({ role }) => roles.get(role)?.name ?? '');
  for (const name of names)
    assert.doesNotMatch(
      name,
      /^(Owner|Contributor)$|Administrator|Officer|Account Contributor|DICOM Data Owner/,
    );
  // An owner of blobs may take what he likes: only of the host's account, in which nothing of the app's lies.
  for (const { role, principal, of } of assignments)
    if (role === 'blobOwner') assert.deepEqual([principal, of], ['host', 'host']);
});

test('nobody may delete or purge a secret, nor read, change or delete an audit record', () => {
  assert.deepEqual(roles.get('secretPublisher')?.dataActions.toSorted(), [
    'Microsoft.KeyVault/vaults/secrets/getSecret/action',
    'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
    'Microsoft.KeyVault/vaults/secrets/setSecret/action',
    'Microsoft.KeyVault/vaults/secrets/update/action',
  ]);
  assert.deepEqual(roles.get('auditWriter')?.dataActions, [
    'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action',
  ]);
  const on = (of: string, name: string): readonly string[] =>
    [...new Set(assignments.filter((row) => row.of === of && row.name === name))].map(
      ({ principal, role }) => `${principal}: ${role}`,
    );
  assert.deepEqual(on('secrets', ''), ['rotation: secretPublisher']);
  assert.deepEqual(on('webhook', ''), ['changeFeed: secretsUser']);
  assert.deepEqual(
    on('state', 'audit'),
    ['communication', 'rotation', 'changeFeed'].map((name) => `${name}: auditWriter`),
  );
});

/** Every right that the jobs have inside a storage account. */
const rightsIn = (of: string, name: string): readonly string[] =>
  inAccount
    .filter((row) => row.of === of && row.name === name)
    .flatMap(({ role }) => {
      const { actions = [], dataActions = [] } = roles.get(role) ?? {};
      return [...actions, ...dataActions];
    })
    .map((right) => right.replace(/^.*Services\/(default\/)?/, ''));

test('what one job keeps no other job may touch, but for the audit, which each may add to', () => {
  for (const { account, kind, name } of storage.filter((row) => row.account !== 'host')) {
    const who = inAccount.filter((row) => row.of === account && row.kind === kind && row.name === name);
    assert.equal(who.length, name === 'audit' ? 3 : 1, `${kind} ${name}`);
  }
});

test('what is delivered nobody may change or delete', () => {
  assert.deepEqual(rightsIn('deliveries', 'CHANGE_FEED_CONTAINER').toSorted(), [
    'containers/blobs/add/action',
    'containers/blobs/read',
  ]);
});

test('no job may make, empty or delete a whole container, table or queue', () => {
  const rights = storage.flatMap(({ account, name }) => rightsIn(account, name));
  assert.ok(rights.length > 10);
  for (const right of rights)
    assert.match(right, /^containers\/blobs\/|^tables\/entities\/|^queues\/(read|messages\/add\/action)$/);
});

test('only what is ever deleted may be: dead letters and ended replays, and rows of users', () => {
  const deletable = storage
    .filter(({ account, name }) => rightsIn(account, name).some((right) => right.endsWith('/delete')))
    .map(({ name }) => name);
  assert.deepEqual(deletable.toSorted(), ['cleanups', 'identities', 'state']);
});

test('the host reaches nothing of the app, and no job the keys of the host', () => {
  const of = (who: string): readonly string[] =>
    assignments.filter(({ principal }) => principal === who).map((row) => row.of);
  assert.deepEqual(of('host'), ['host', 'insights']);
  for (const who of ['communication', 'rotation', 'changeFeed'])
    assert.ok(!of(who).includes('host') && of(who).length > 0);
});

test('roles on an account are on a container, table or queue that the deployment makes then', () => {
  for (const row of inAccount) {
    const made = storage.find(
      ({ account, kind, name }) => account === row.of && kind === row.kind && name === row.name,
    );
    assert.ok(made, `${row.of} ${row.kind} ${row.name}`);
    const fits = made.when === row.when || made.when === 'always';
    assert.ok(fits && parts.includes(row.when), `${row.name}: ${made.when}, ${row.when}`);
  }
  const whole = assignments.filter(({ kind }) => kind === 'storage');
  assert.deepEqual(
    whole.map(({ of }) => of),
    ['host'],
  );
});

test('everything that the deployment makes in an account, somebody may use', () => {
  for (const { account, kind, name } of storage.filter((row) => row.account !== 'host'))
    assert.ok(
      inAccount.some((row) => row.of === account && row.kind === kind && row.name === name),
      `${account} ${kind} ${name}`,
    );
});
