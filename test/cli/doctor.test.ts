// The doctor on this machine: nothing is wrong, each permission taken away in turn, nothing changed and nothing given away.
import { SecretClient } from '@azure/keyvault-secrets';
import { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Finding } from '../../cli/doctor/finding.ts';
import { deliveryQueue } from '../../cli/doctor/checks/storage.ts';
import { showFindings } from '../../cli/doctor/show.ts';
import { demo } from '../../local/demo.ts';
import { credentialOf } from '../../local/standIns/credential.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import type { CredentialSettings } from '../../src/platform/settings/types.ts';
import { FakeTransport } from '../platform/transport.ts';
import { losses } from './doctorLosses.ts';
import { cloud, examine, settingsText, storage, type Circumstances } from './doctorScene.ts';

const screen = { colors: false, columns: undefined };
const text = storage.settings.connectionString.reveal();
const blobs = BlobServiceClient.fromConnectionString(text);

const tables = ['identities', 'cleanups', 'cursors'];
const tableClient = (name: string): TableClient =>
  TableClient.fromConnectionString(text, name, { allowInsecureConnection: true });

before(async () => {
  for (const name of ['state', 'rotation', 'audit', 'dicom-changes']) await blobs.createContainer(name);
  for (const name of tables) await tableClient(name).createTable();
  const vault = new SecretClient(demo.vaultUrl, credentialOf(cloud, demo.managedIdentity));
  await vault.setSecret('webhook-key', 'canary-signing-key');
  await vault.setSecret(demo.serviceClient.secretName, 'canary-client-secret');
});

const failed = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter(({ verdict }) => verdict === 'failed');

/** Everything that was found in this file. */
const seen: Finding[] = [];
async function examineAll(circumstances?: Circumstances): Promise<readonly Finding[]> {
  const findings = await examine(circumstances);
  seen.push(...findings);
  return findings;
}

async function state(): Promise<string> {
  const reply = await fetch(`${cloud.urls.faults}/state`);
  const names: string[] = [];
  for await (const { name } of blobs.listContainers())
    for await (const blob of blobs.getContainerClient(name).listBlobsFlat())
      names.push(`${name}/${blob.name}`);
  for (const table of tables)
    for await (const { rowKey = '' } of tableClient(table).listEntities()) names.push(`${table} ${rowKey}`);
  return `${await reply.text()}${names.join()}`.replace(/"issued":\d+/, '');
}

test('with every permission nothing is wrong, nothing is changed, and what is not tried is said', async () => {
  const untouched = await state();
  const findings = await examineAll();
  assert.deepEqual(failed(findings), []);
  assert.equal(await state(), untouched);
  const values = cloud.log.list().filter(({ method, path, service }) => {
    return service === 'keyVault' && method === 'GET' && /^\/secrets\/[^/]+\/?$/.test(path);
  });
  assert.deepEqual(values, [], 'no current value is asked for');
  const unproven = findings.filter(({ verdict }) => verdict === 'unproven').map(({ check }) => check);
  assert.deepEqual(unproven, [
    `Key Vault: set "${demo.serviceClient.secretName}"`,
    'Storage: send to the queue "dicom-changes"',
    'Webhook: deliver',
  ]);
  const who = findings.find(({ check }) => check.startsWith('Sign-in'));
  assert.match(who?.detail ?? '', new RegExp(`object id ${demo.managedIdentity.principalId}`));
});

test('containers and tables that are not there yet are no failure: the app makes them', async () => {
  const changes = { CHANGE_FEED_CONTAINER: 'not-made-yet', CHANGE_FEED_QUEUE: 'not-made-yet' };
  const findings = await examineAll({ changes });
  assert.deepEqual(failed(findings), []);
  assert.match(
    findings.find(({ check }) => check.includes('not-made-yet'))?.detail ?? '',
    /the app makes it/,
  );
});

describe('without', () => {
  for (const [what, { takes, check, cure, times = 1, ...circumstances }] of Object.entries(losses))
    test(`${what} the doctor says so and what mends it, and nothing else is wrong`, async () => {
      const giveBack = takes?.();
      try {
        const wrong = failed(await examineAll(circumstances));
        assert.equal(wrong.length, times, JSON.stringify(wrong));
        for (const finding of wrong) {
          assert.match(finding.check, check);
          assert.match(finding.cure ?? '', cure);
        }
      } finally {
        giveBack?.();
      }
    });
});

test('a secret that somebody deleted is told before a rotation has to refuse', async () => {
  const vault = new SecretClient(demo.vaultUrl, credentialOf(cloud, demo.managedIdentity));
  const { secretName } = demo.serviceClient;
  await (await vault.beginDeleteSecret(secretName)).pollUntilDone();
  const wrong = failed(await examineAll());
  await (await vault.beginRecoverDeletedSecret(secretName)).pollUntilDone();
  assert.deepEqual(
    wrong.map(({ check }) => check),
    [`Key Vault: see whether somebody deleted "${secretName}"`],
  );
  assert.match(wrong[0]?.cure ?? '', /az keyvault secret recover/);
});

test('without a sign-in everything that needs one fails, with how to sign in', async () => {
  const findings = await examineAll({ changes: { AZURE_CLIENT_ID: demo.gateway.clientId } });
  const [first, ...rest] = failed(findings);
  assert.match(first?.check ?? '', /^Sign-in/);
  assert.match(first?.cure ?? '', /Assign that identity to the function app/);
  assert.deepEqual([...new Set(rest.map(({ detail }) => detail))], ['no token for it']);
  assert.ok(findings.some(({ check, verdict }) => check.startsWith('Storage') && verdict === 'ok'));
});

test('a queue behind a sign-in is sent what it must refuse, and its answer tells', async () => {
  const other = 'https://x.example';
  const queueUri = 'https://x.queue.core.windows.net';
  const settings = {
    kind: 'identity',
    blobUri: other,
    tableUri: other,
    queueUri,
    clientId: 'its-own',
  } as const;
  const identity = { managedIdentity: true, clientId: 'of-the-job' };
  const answers = [
    [400, 'ok'],
    [404, 'ok'],
    [403, 'failed'],
    [500, 'failed'],
  ] as const;
  for (const [status, verdict] of answers) {
    const httpClient = new FakeTransport(async () => ({ status }));
    const asked: unknown[] = [];
    const platform = {
      ...createPlatform(systemClock, () => 'a-uuid'),
      credential: ({ clientId }: CredentialSettings) => ({
        getToken: async (scope: string | string[]) => {
          asked.push(clientId, ...[scope].flat());
          return { token: 'x', expiresOnTimestamp: Infinity };
        },
      }),
      httpClient,
    };
    const [finding] = await Promise.all(deliveryQueue({ settings, identity }, platform, 'changes'));
    assert.equal(finding?.verdict, verdict, String(status));
    if (status === 403) assert.match(finding.cure ?? '', /Storage Queue Data Contributor/);
    assert.deepEqual(asked, ['its-own', 'https://storage.azure.com/.default']);
    const { url, body, headers } = httpClient.requests.at(-1) ?? assert.fail();
    assert.equal(url, `${queueUri}/changes/messages`);
    assert.equal(body, '<QueueMessage></QueueMessage>', 'a message without its one element');
    assert.ok(headers.has('x-ms-version'), 'without it a token is refused');
  }
});

test('no secret, token, key or connection string is in anything that is found', async () => {
  const changes = { AzureWebJobsStorage: `${text};x`, KEY_VAULT_URL: 'AccountKey=canary' };
  assert.ok(failed(await examineAll({ changes })).length > 3);
  assert.ok(seen.length > 300, 'and that of all the tests above');
  const shown = `${JSON.stringify(seen)}${showFindings(seen, screen)}`;
  const key = /AccountKey=([^;]+)/.exec(text)?.[1] ?? assert.fail();
  for (const secret of [key, 'canary', 'eyJ', 'sig=', settingsText['IDENTITY_HEADER'] ?? assert.fail()])
    assert.ok(!shown.includes(secret), secret);
});

test('each cure is shown once, with all that it mends', async () => {
  const cure = 'az role assignment create …';
  const findings: Finding[] = [
    { check: 'Key Vault: list', verdict: 'failed', detail: 'refuses', cure },
    { check: 'Key Vault: read', verdict: 'failed', detail: 'refuses', cure },
    { check: 'Webhook: deliver', verdict: 'unproven', detail: 'not tried' },
    { check: 'Issuer: keys', verdict: 'ok', detail: '' },
  ];
  assert.equal(
    showFindings(findings, screen),
    [
      'CHECK             RESULT    DETAIL',
      'Key Vault: list   failed    refuses',
      'Key Vault: read   failed    refuses',
      'Webhook: deliver  unproven  not tried',
      'Issuer: keys      ok        -',
      '',
      'WHAT TO DO',
      'Key Vault: list, Key Vault: read:',
      '  az role assignment create …',
      '',
      '1 ok, 1 unproven, 2 failed',
      '',
    ].join('\n'),
  );
});
