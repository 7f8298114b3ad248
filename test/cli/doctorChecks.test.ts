// Which permissions the doctor looks at from this machine: all that a job needs by its settings, and of one that is off none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookHere } from '../../cli/doctor/here.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { SignInError } from '../../src/platform/credential.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import type { CredentialSettings, StorageSettings } from '../../src/platform/settings/types.ts';
import { FakeTransport } from '../platform/transport.ts';

const id = '7e1e4ea1-7000-4000-8000-000000000001';
const base = {
  ...{ AUTH_BACKEND_ROLE: 'none', AUTH_OPERATOR_ROLE: 'none', IDENTITY_ENDPOINT: 'http://127.0.0.1:1' },
  ...{ STATE_STORAGE__accountName: 'ststate', CHANGE_FEED_STORAGE__accountName: 'stfeed' },
  ...{ COMMUNICATION_CLIENT_ID: id, ROTATION_CLIENT_ID: id, CHANGE_FEED_CLIENT_ID: id },
};

const signIn = `Sign-in: the identity ${id}`;

interface Looked {
  /** But for those of settings and storage, in their order. */
  readonly checks: readonly string[];
  /** `<account>: <rights> <place>`, of storage. */
  readonly storage: readonly string[];
}

/** Nothing signs in, and no storage is there: what would have been asked shows all the same, and as whom. */
async function looked(environment: Readonly<Record<string, string>>): Promise<Looked> {
  const accounts: string[] = [];
  const identities = new Set<string | undefined>();
  const platform = {
    ...createPlatform(systemClock, () => 'a-uuid'),
    credential: ({ clientId }: CredentialSettings) => {
      identities.add(clientId);
      return { getToken: () => Promise.reject(new SignInError('Sign-in failed.')) };
    },
    httpClient: new FakeTransport(async () => ({ status: 404 })),
    storage: (settings: StorageSettings, { clientId }: CredentialSettings) => {
      identities.add(clientId);
      const noted = (kind: string) => (name: string) => {
        const [, account = ''] =
          /^https:\/\/(\w+)\./.exec(settings.kind === 'identity' ? settings.blobUri : '') ?? [];
        accounts.push(`${account} ${kind} ${name}`);
        throw new Error('no storage here');
      };
      return { table: noted('table'), container: noted('container'), queue: noted('queue') };
    },
  };
  const findings = await lookHere(parseSettings({ ...base, ...environment }), platform);
  assert.deepEqual([...identities], [id], 'all of it as the identity of the job');
  const checks = findings.map(({ check }) => check).filter((check) => !check.startsWith('Settings: '));
  const storage = checks.flatMap((check) => /^Storage: (.*)$/.exec(check)?.[1] ?? []);
  return {
    checks: checks.filter((check) => !check.startsWith('Storage: ')),
    storage: [...storage, ...new Set(accounts)].sort(),
  };
}

const endpoint = { COMMUNICATION_SERVICES_ENDPOINT: 'https://x.communication.azure.com' };
const row = (right: string) => (table: string) => `${right} rows in "${table}"`;

test('communication: its tables, the audit, and its resource', async () => {
  const rights = ['read', 'write', 'delete'].flatMap((right) => ['identities', 'cleanups'].map(row(right)));
  const { checks, storage } = await looked(endpoint);
  assert.deepEqual(checks, [signIn, 'ACS: revoke tokens of nobody']);
  const places = ['ststate container audit', 'ststate table cleanups', 'ststate table identities'];
  assert.deepEqual(storage, [...rights, 'write blobs in "audit"', ...places].sort());
});

test('communication signs in for its resource or its account, and with keys to both for neither', async () => {
  const key = `endpoint=https://x.communication.azure.com/;accesskey=${'A'.repeat(86)}==`;
  const keyed = { COMMUNICATION_SERVICES_CONNECTION_STRING: key };
  const account = { STATE_STORAGE__accountName: '', STATE_STORAGE: 'UseDevelopmentStorage=true' };
  const acs = 'ACS: revoke tokens of nobody';
  assert.deepEqual((await looked(keyed)).checks, [signIn, acs]);
  assert.deepEqual((await looked({ ...endpoint, ...account })).checks, [signIn, acs]);
  assert.deepEqual((await looked({ ...keyed, ...account })).checks, [acs]);
});

test('rotation: its memory, the audit, each application once and each secret', async () => {
  const clients = ['one', 'two'].map((secretName) => ({ appId: id, tenantId: id, secretName }));
  const { checks, storage } = await looked({
    ...{ KEY_VAULT_URL: 'https://kv.vault.azure.net', SERVICE_CLIENTS: JSON.stringify(clients) },
  });
  const secrets = ['one', 'two'].flatMap((name) =>
    ['list versions of', 'read', 'see whether somebody deleted', 'tag and disable versions of', 'set'].map(
      (right) => `Key Vault: ${right} "${name}"`,
    ),
  );
  assert.deepEqual(checks, [...[signIn, `Graph: read and change application ${id}`], ...secrets]);
  assert.deepEqual(storage, [
    'read blobs in "rotation"',
    ...['ststate container audit', 'ststate container rotation'],
    ...['write blobs in "audit"', 'write blobs in "rotation"'],
  ]);
});

const feed = { DICOM_SERVICE_URL: 'https://a-b.dicom.azurehealthcareapis.com', CHANGE_FEED_START: 'latest' };
const dicom = [signIn, 'DICOM: read the change feed of a-b.dicom.azurehealthcareapis.com'];
const state = [
  ...['read', 'write', 'delete'].map((right) => `${right} blobs in "state"`),
  ...['read', 'write'].map((right) => `${right} rows in "cursors"`),
  ...[
    'ststate container audit',
    'ststate container state',
    'ststate table cursors',
    'write blobs in "audit"',
  ],
];

test('a change feed: its state in one account, its deliveries in the other', async () => {
  const container = [
    ...['read', 'write'].map((right) => `${right} blobs in "dicom-changes"`),
    'stfeed container dicom-changes',
  ];
  const queue = ['send to the queue "dicom-changes"', 'stfeed queue dicom-changes'];
  const toBlobs = await looked({ ...feed, CHANGE_FEED_SINKS: 'blob' });
  assert.deepEqual(toBlobs, { checks: dicom, storage: [...state, ...container].sort() });
  const toQueue = await looked({ ...feed, CHANGE_FEED_SINKS: 'queue' });
  assert.deepEqual(toQueue, { checks: dicom, storage: [...state, ...container, ...queue].sort() });
});

test('a change feed that calls a webhook: what it signs or signs in with, and no delivery is tried', async () => {
  const calling = (CHANGE_FEED_WEBHOOK_AUTH: string): Promise<Looked> =>
    looked({
      ...{ ...feed, CHANGE_FEED_SINKS: 'webhook', CHANGE_FEED_WEBHOOK_AUTH },
      CHANGE_FEED_WEBHOOK_URL: 'https://receiver.example/changes',
    });
  const deliver = 'Webhook: deliver';
  const signed = await calling('hmac:https://kv.vault.azure.net/secrets/a-key');
  assert.deepEqual(signed.storage, state.toSorted());
  const key = ['list versions of', 'read'].map((right) => `Key Vault: ${right} "a-key"`);
  assert.deepEqual(signed.checks, [...dicom, ...key, deliver]);
  const token = 'Webhook: a token for its receiver';
  assert.deepEqual((await calling('entra:api://receiver/.default')).checks, [...dicom, token, deliver]);
});

test('whoever calls with a token: the keys of the issuer, whichever job it is', async () => {
  const callers = {
    AUTH_ISSUER: 'https://issuer.example',
    AUTH_AUDIENCE: 'x',
    AUTH_OPERATOR_ROLE: 'Operator',
  };
  assert.deepEqual((await looked({ ...feed, ...callers })).checks, [
    ...dicom,
    'Issuer: keys of issuer.example',
  ]);
});
