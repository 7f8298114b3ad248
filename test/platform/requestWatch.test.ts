// Which service an answer is counted for, over real connections, and that nothing of a request is kept.
import { SecretClient } from '@azure/keyvault-secrets';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, beforeEach, test } from 'node:test';
import { demo } from '../../local/demo.ts';
import { createKeyVault } from '../../local/standIns/keyVault.ts';
import { auditActions, createAudit } from '../../src/platform/audit.ts';
import { dependenciesOf } from '../../src/platform/dependencies.ts';
import { DependencyBoard, type DependencyState } from '../../src/platform/dependencyBoard.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import { watchRequests } from '../../src/platform/requestWatch.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { startStorage } from '../support/azurite.ts';
import { sample } from '../support/bundle.ts';
import { startStandIns } from '../support/standIns.ts';

const storage = await startStorage();
const cloud = await startStandIns((tenant) => [
  createKeyVault({ ...tenant, vaultHosts: [new URL(demo.vaultUrl).host] }),
]);
cloud.directory.grant(demo.managedIdentity.principalId, 'Key Vault Secrets Officer');

const settings = parseSettings({
  ...sample,
  AzureWebJobsStorage: storage.settings.connectionString.reveal(),
  CHANGE_FEED_WEBHOOK_AUTH: `hmac:${demo.vaultUrl}/secrets/webhook-key`,
});
const platform = createPlatform(systemClock, () => 'a-uuid');

let board: DependencyBoard;
let stop: () => void = () => undefined;
beforeEach(() => {
  stop();
  board = new DependencyBoard(dependenciesOf(settings, platform), systemClock);
  stop = watchRequests(board);
});
after(() => {
  stop();
});

const used = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    board
      .states()
      .filter(({ state }) => state !== 'unknown')
      .map((one): [string, DependencyState['state']] => [called(one), one.state]),
  );
const called = ({ name, target }: { readonly name: string; readonly target?: string }): string =>
  target === undefined ? name : `${name} ${target}`;

function account() {
  assert.ok(settings.changeFeed.state === 'on');
  const { deliveries, credential } = settings.changeFeed.value;
  return platform.storage(deliveries, credential);
}

test('the settings say what the app stands on', () => {
  assert.deepEqual(board.dependencies.map(called).sort(), [
    ...['auditBlobs changeFeed', 'auditBlobs communication', 'auditBlobs rotation'],
    ...['communication', 'deliveryBlobs', 'deliveryQueue'],
    ...[`dicom ${new URL(demo.dicomUrl).host}`, `entra ${demo.tenantId}`, 'graph', 'issuer', 'keyVault'],
    ...['rotationBlobs', 'signIn default', 'stateBlobs'],
    ...['stateTables cleanups', 'stateTables cursors', 'stateTables identities'],
    ...['webhook', 'webhookKey'],
  ]);
});

test('of one storage account each container, table and queue counts for itself', async () => {
  await account().container('state').createIfNotExists();
  assert.deepEqual(used(), { stateBlobs: 'ok' });
  await account().container('dicom-changes').exists();
  await account().container('state-of-somebody-else').exists();
  assert.deepEqual(used(), { stateBlobs: 'ok', deliveryBlobs: 'ok' });
  await account().queue('dicom-changes').exists();
  await account().table('identities').createTable();
  for await (const row of account().table('identities').listEntities()) assert.ok(row);
  await assert.rejects(account().table('identities').getEntity('a', 'row'));
  const names = ['stateBlobs', 'deliveryBlobs', 'deliveryQueue', 'stateTables identities'];
  assert.deepEqual(used(), Object.fromEntries(names.map((name) => [name, 'ok'])));
});

test('a record counts for the job that writes it: that one may says nothing of another', async () => {
  const audit = account().container('audit');
  await audit.createIfNotExists();
  const jobs = {
    identity: 'communication',
    tokens: 'communication',
    rotation: 'rotation',
    feed: 'changeFeed',
  };
  // A person writes this one, on a workstation.
  const actions = auditActions.filter((action) => action !== 'client.register');
  for (const action of actions) {
    board = new DependencyBoard(dependenciesOf(settings, platform), systemClock);
    stop();
    stop = watchRequests(board);
    const entry = { actor: 'key', action, subject: 'nobody', requestId: 'a-request' };
    await createAudit(audit, systemClock, randomUUID).record(entry, async () => undefined);
    const job = Object.entries(jobs).find(([kind]) => action.startsWith(`${kind}.`))?.[1] ?? assert.fail();
    assert.deepEqual(used(), { [`auditBlobs ${job}`]: 'ok' }, action);
  }
});

test('a write that may not replace what is there counts for no failure: the blob was written before', async () => {
  const overwrite = { status: 403, code: 'UnauthorizedBlobOverwrite' };
  const refused = { status: 403, code: 'AuthorizationPermissionMismatch' };
  for (const [fate, state] of [
    [overwrite, 'ok'],
    [refused, 'shaky'],
  ] as const) {
    const container = await storage.container('dicom-changes', () => fate);
    board = new DependencyBoard([{ name: 'deliveryBlobs', base: () => container.url }], systemClock);
    stop();
    stop = watchRequests(board);
    await assert.rejects(container.getBlockBlobClient('a').upload('', 0));
    assert.deepEqual(used(), { deliveryBlobs: state });
  }
});

test('the app’s own sign-in counts for nothing where the issuer of callers’ tokens is the same', async (t) => {
  const server = createServer((_request, response) => response.writeHead(400).end()).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = dependenciesOf(settings, platform).find(({ name }) => name === 'issuer') ?? assert.fail();
  board = new DependencyBoard([{ ...issuer, base: () => url }], systemClock);
  stop();
  stop = watchRequests(board);
  const ask = (method: string, path: string): Promise<unknown> =>
    new Promise((resolve) => {
      httpRequest(`${url}${path}`, { method }, (reply) => reply.resume().on('end', resolve)).end();
    });
  await ask('POST', '/tenant/oauth2/v2.0/token');
  assert.deepEqual(used(), {});
  await ask('GET', '/tenant/v2.0/.well-known/openid-configuration');
  assert.deepEqual(used(), { issuer: 'shaky' });
});

test('the challenge of a vault counts for nothing, its refusal does, each secret for its use', async () => {
  const vault = new SecretClient(demo.vaultUrl, cloud.credentialFor(demo.managedIdentity), {
    retryOptions: { maxRetries: 0 },
  });
  const look = async (name: string): Promise<void> => {
    await vault.getSecret(name).catch(() => undefined);
  };
  await look('a-secret');
  assert.deepEqual(used(), { keyVault: 'ok' });
  assert.equal(board.states().find(({ name }) => name === 'keyVault')?.lastFailure, undefined);
  const fault = cloud.faults.add({
    service: 'keyVault',
    effect: { revokePermission: 'Key Vault Secrets Officer' },
  });
  await look('webhook-key');
  cloud.faults.remove(fault);
  assert.deepEqual(used(), { keyVault: 'ok', webhookKey: 'shaky' });
  const { lastFailure } = board.states().find(({ name }) => name === 'webhookKey') ?? {};
  assert.equal(lastFailure?.code, 403);
});

test('a connection that is refused or breaks tells Node’s code and nothing of the request', async () => {
  const nowhere = 'http://127.0.0.1:1';
  board = new DependencyBoard(
    [{ name: 'webhook', base: () => `${nowhere}/hook?sig=canary-key` }],
    systemClock,
  );
  stop();
  stop = watchRequests(board);
  await new Promise((resolve) => get(`${nowhere}/hook?sig=canary-key`).on('error', resolve));
  await new Promise((resolve) => get(`${nowhere}/hookworm?sig=canary-key`).on('error', resolve));
  const sent = httpRequest(`${nowhere}/hook/below`, { headers: { authorization: 'Bearer canary' } });
  await new Promise((resolve) => sent.on('error', resolve).end());
  const [state] = board.states();
  assert.deepEqual([state?.state, state?.lastFailure?.code], ['shaky', 'ECONNREFUSED']);
  assert.doesNotMatch(JSON.stringify(board.states()), /canary|127\.0/);
});

test('an error is counted for a path of whole segments', async () => {
  board = new DependencyBoard([{ name: 'webhook', base: () => 'http://127.0.0.1:1/hook' }], systemClock);
  stop();
  stop = watchRequests(board);
  await new Promise((resolve) => get('http://127.0.0.1:1/hookworm').on('error', resolve));
  assert.deepEqual(used(), {});
});

test('a user of ACS who is refused counts once, however often; others count too', async (t) => {
  const server = createServer((_request, response) => response.writeHead(403).end()).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  board = new DependencyBoard([{ name: 'communication', base: () => url }], systemClock);
  stop();
  stop = watchRequests(board);
  const ask = (path: string): Promise<unknown> =>
    new Promise((resolve) => {
      const headers = { authorization: 'Bearer x' };
      httpRequest(`${url}${path}`, { headers }, (reply) => reply.resume().on('end', resolve)).end();
    });
  for (const operation of ['issue', 'revoke', 'issue', 'issue']) await ask(`/identities/one/:${operation}`);
  assert.deepEqual(used(), { communication: 'shaky' });
  for (const path of ['/identities', '/identities/two']) await ask(path);
  assert.deepEqual(used(), { communication: 'failing' });
});

test('a code that is none of Node’s is not shown', async () => {
  board = new DependencyBoard([{ name: 'webhook', base: () => 'http://127.0.0.1:1/hook' }], systemClock);
  stop();
  stop = watchRequests(board);
  const sent = get('http://127.0.0.1:1/hook');
  const ended = new Promise((resolve) => sent.on('error', resolve));
  sent.destroy(Object.assign(new Error('canary'), { code: 'canary' }));
  await ended;
  assert.equal(board.states()[0]?.lastFailure?.code, 'no_answer');
});

test('a place that cannot be told ends nothing: the other services are seen all the same', async () => {
  const unreadable = {
    name: 'stateTables',
    base: () => assert.fail('a connection string of no use'),
  } as const;
  board = new DependencyBoard(
    [unreadable, { name: 'webhook', base: () => 'http://127.0.0.1:1/hook' }],
    systemClock,
  );
  stop();
  stop = watchRequests(board);
  await new Promise((resolve) => get('http://127.0.0.1:1/hook').on('error', resolve));
  assert.deepEqual(used(), { webhook: 'shaky' });
});
