// The token service through the real SDK clients: what it stores, how it judges answers, and what it never says.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, describe, test } from 'node:test';
import { demo } from '../../local/demo.ts';
import type { Row } from '../../src/communication/directory.ts';
import { createIdentityTable } from '../../src/communication/identityTable.ts';
import { sha256Hex } from '../../src/platform/hash.ts';
import { Secret } from '../../src/platform/secret.ts';
import { cloud, endpoint, identityState, state } from '../local/standIns/communication/clients.ts';
import {
  auditRecords,
  byKey,
  context,
  deafness,
  deafService,
  fail,
  lines,
  newUser,
  refused,
  service,
  table,
} from './azure.ts';

afterEach(() => {
  cloud.faults.clear();
});

const creations = (): number => state().identities.length;
const sent = () => cloud.log.list('communication').filter(({ path }) => path === '/identities');

describe('a user of the real clients', () => {
  for (const [how, settings] of [
    ['a managed identity', {}],
    ['an access key', { resource: byKey }],
  ] as const) {
    test(`gets, refreshes, revokes and erases with ${how}`, async () => {
      const [communication, user] = [service({ settings }), newUser()];
      const first = await communication.issue(user, { scopes: ['chat'], expiresInMinutes: 90 }, context());
      const id = first.user.communicationUserId;
      assert.deepEqual([first.scopes, first.endpoint], [['chat'], endpoint]);
      assert.deepEqual(identityState(id)?.tokens, [{ scopes: ['chat'], expiresOn: first.expiresOn }]);
      const again = await service({ settings }).issue(user, {}, context());
      assert.equal(again.user.communicationUserId, id);
      assert.equal(identityState(id)?.liveTokens, 2);
      const view = await communication.identity(user, context());
      assert.deepEqual([view.communicationUserId, view.access], [id, 'enabled']);
      assert.ok(Math.abs(Date.parse(view.createdOn ?? '') - Date.now()) < 60_000);
      await communication.revoke(user, context());
      assert.equal(identityState(id)?.liveTokens, 0);
      assert.equal(await communication.erase(user, 'key', context()), 'erased');
      assert.ok(identityState(id)?.deletedAt);
      await assert.rejects(communication.identity(user, context()), refused('not_found'));
      const anew = await communication.issue(user, {}, context());
      assert.notEqual(anew.user.communicationUserId, id);
    });
  }

  test('is one identity also for many first calls of several processes', async () => {
    const user = newUser();
    const before = creations();
    const processes = Array.from({ length: 4 }, () => service());
    const calls = Array.from({ length: 6 }, () => processes).flat();
    const issued = await Promise.all(calls.map((process) => process.issue(user, {}, context())));
    const ids = new Set(issued.map(({ user: acs }) => acs.communicationUserId));
    assert.equal(ids.size, 1);
    assert.equal(creations() - before, 1);
  });

  test('is a row under a digest, and nothing of the key or a token is stored', async () => {
    const user = newUser();
    const { user: acs, token } = await service().issue(user, {}, context());
    const key = sha256Hex(user.key);
    const row = await table('identities').getEntity(key.slice(0, 2), key);
    assert.deepEqual(
      [row['schema'], row['lifecycle'], row['identity']],
      [1, 'ready', acs.communicationUserId],
    );
    const text = JSON.stringify(row);
    for (const canary of [user.key.slice(4), token, endpoint]) assert.equal(text.includes(canary), false);
  });

  test('keeps bans, refused bearers and cycles across processes', async () => {
    const user = newUser();
    const { user: acs } = await service().issue(user, {}, context());
    await service().revokeAll(user, 'key', context());
    const now = Math.floor(Date.now() / 1000);
    const old = { ...user, tokenIssuedAt: now - 5 };
    await assert.rejects(service().issue(old, {}, context()), refused('unauthenticated'));
    await service().issue({ ...user, tokenIssuedAt: now + 5 }, {}, context());
    await service().setAccess(user, { enabled: false, reason: 'a reason' }, 'app:backend', context());
    assert.equal(identityState(acs.communicationUserId)?.liveTokens, 0);
    assert.equal(await service().erase(user, 'app:backend', context()), 'erased');
    await assert.rejects(service().issue(user, {}, context()), refused('disabled'));
    await assert.rejects(service().issue(old, {}, context()), refused('unauthenticated'));
    const records: string[] = [];
    for await (const blob of auditRecords.listBlobsFlat()) records.push(blob.name);
    assert.ok(records.some((name) => name.endsWith('identity.disable-done.json')));
    assert.ok(records.some((name) => name.endsWith('identity.erase-done.json')));
  });

  test('exchanges a Teams token of his own and of nobody else', async () => {
    const communication = service({ settings: { teamsClientId: demo.api.clientId } });
    const sign = (oid: string): Promise<string> => {
      const aud = 'https://auth.msft.communication.azure.com';
      const scp = 'Teams.ManageCalls';
      return cloud.tokens.sign({ claims: { aud, tid: demo.tenantId, oid, appid: demo.api.clientId, scp } });
    };
    const user = { ...newUser(), oid: demo.user.oid };
    const own = new Secret(await sign(demo.user.oid));
    assert.ok((await communication.exchangeTeams(user, own, context())).token);
    const others = new Secret(await sign(demo.gateway.principalId));
    const bad = communication.exchangeTeams(user, others, context());
    await assert.rejects(bad, refused('invalid_request'));
    await communication.setAccess(user, { enabled: false }, 'key', context());
    await assert.rejects(communication.exchangeTeams(user, own, context()), refused('disabled'));
    assert.equal(lines.join('').includes(others.reveal()), false);
  });
});

describe('a lost reply', () => {
  for (const [what, method, nth] of [
    ['the claim', 'POST', 1],
    ['the record of the identity', 'PUT', 1],
  ] as const) {
    test(`to ${what} deletes no living identity and makes no second one`, async () => {
      const user = newUser();
      const before = creations();
      const deaf = deafService(method, nth);
      const { user: acs } = await deaf.issue(user, {}, context());
      assert.ok(deaf.lost());
      assert.equal(creations() - before, 1);
      assert.equal(identityState(acs.communicationUserId)?.deletedAt, undefined);
      const again = await service().issue(user, {}, context());
      assert.equal(again.user.communicationUserId, acs.communicationUserId);
    });
  }

  test('to disabling and to erasing changes nothing about them', async () => {
    const user = newUser();
    const { user: acs } = await service().issue(user, {}, context());
    const disabling = deafService('PUT', 1);
    const view = await disabling.setAccess(user, { enabled: false }, 'key', context());
    assert.equal(view.access, 'disabled');
    assert.equal(identityState(acs.communicationUserId)?.liveTokens, 0);
    const erasing = deafService('PUT', 1);
    assert.equal(await erasing.erase(user, 'key', context()), 'erased');
    assert.ok(disabling.lost() && erasing.lost());
    assert.ok(identityState(acs.communicationUserId)?.deletedAt);
  });

  test('is recognised by the name of the write, and another process’s write is not taken for it', async () => {
    const rowKey = sha256Hex(newUser().key);
    const [deaf, other] = [table('identities'), createIdentityTable(table('identities'), randomUUID)];
    const { spoil, lost } = deafness('PUT', 1);
    spoil(deaf);
    const rows = createIdentityTable(deaf, randomUUID);
    const row: Row = { lifecycle: 'none', access: 'disabled', previous: [], lostClaims: 0, changedOn: 0 };
    const absent = await rows.read(rowKey);
    assert.equal(await rows.write(rowKey, row, absent), true);
    assert.equal(await other.write(rowKey, row, absent), false);
    const first = await rows.read(rowKey);
    assert.equal(await rows.write(rowKey, { ...row, lostClaims: 1 }, first), true);
    assert.ok(lost());
    assert.equal(await other.write(rowKey, row, first), false);
    assert.equal(await other.remove(rowKey, first), false);
    assert.equal((await other.read(rowKey)).row?.lostClaims, 1);
    assert.equal(await other.remove(rowKey, await other.read(rowKey)), true);
    assert.equal((await rows.read(rowKey)).row, undefined);
  });

  test('of ACS to a creation is one request, one possible orphan, and no identity that anybody uses', async () => {
    for (const effect of [{ drop: 'after' }, { status: 500 }]) {
      cloud.faults.clear();
      fail('^/identities$', effect);
      const [communication, user] = [service(), newUser()];
      const before = sent().length;
      await assert.rejects(communication.issue(user, {}, context()), refused('upstream_failed'));
      assert.equal(sent().length - before, 1);
      cloud.faults.clear();
      await communication.issue(user, {}, context());
    }
  });
});

test('what a killed process left is found in the outbox and finished', async () => {
  const user = newUser();
  const { user: acs } = await service().issue(user, {}, context());
  fail('/identities/', { status: 500 });
  assert.equal(await service().erase(user, 'key', context()), 'pending');
  cloud.faults.clear();
  const early = await service().cleanUp(context());
  assert.deepEqual([early.examined, identityState(acs.communicationUserId)?.deletedAt], [0, undefined]);
  const outbox = table('cleanups');
  const row = sha256Hex(user.key);
  for await (const entry of outbox.listEntities({ queryOptions: { filter: `row eq '${row}'` } })) {
    const { partitionKey = '', rowKey = '' } = entry;
    await outbox.updateEntity({ partitionKey, rowKey, dueAt: new Date(0).toISOString() }, 'Merge');
  }
  const report = await service().cleanUp(context());
  assert.deepEqual([report.examined, report.deleted, report.failed], [1, 1, 0]);
  assert.ok(identityState(acs.communicationUserId)?.deletedAt);
});

test('a row that this release cannot read is an error, never a new identity', async () => {
  const user = newUser();
  await service().issue(user, {}, context());
  const rowKey = sha256Hex(user.key);
  await table('identities').updateEntity({ partitionKey: rowKey.slice(0, 2), rowKey, schema: 2 }, 'Merge');
  await assert.rejects(service().issue(user, {}, context()), refused('internal'));
});
