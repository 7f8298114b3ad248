// What the app stands on, by its settings: every service with its address, each account and each identity for itself.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { systemClock } from '../../src/platform/clock.ts';
import { dependenciesOf } from '../../src/platform/dependencies.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';

const id = (last: string): string => `7e1e4ea1-7000-4000-8000-00000000000${last}`;
const [tenant, other] = [id('1'), id('2')];
const platform = createPlatform(systemClock, randomUUID);
const roles = {
  AUTH_BACKEND_ROLE: 'none',
  AUTH_OPERATOR_ROLE: 'none',
  IDENTITY_ENDPOINT: 'http://127.0.0.1:1',
};
const state = { STATE_STORAGE__accountName: 'ststate' };
const connectionString = `endpoint=https://x.communication.azure.com/;accesskey=${'A'.repeat(86)}==`;

/** `<name>[ <target>]: <address>`, sorted. */
function lines(environment: Readonly<Record<string, string>>): readonly string[] {
  const settings = parseSettings({ ...roles, ...environment });
  const named = dependenciesOf(settings, platform).map(({ name, target, base }) => {
    return `${[name, target].filter(Boolean).join(' ')}: ${base?.() ?? '-'}`;
  });
  return named.sort();
}

const rotation = {
  ...{ KEY_VAULT_URL: 'https://kv.vault.azure.net', ROTATION_CLIENT_ID: id('b') },
  SERVICE_CLIENTS: JSON.stringify([
    { appId: id('c'), tenantId: tenant, secretName: 'one' },
    { appId: id('d'), tenantId: tenant, secretName: 'two' },
    { appId: id('e'), tenantId: other, secretName: 'three' },
  ]),
};
const feed = {
  ...{ DICOM_SERVICE_URL: 'https://a-b.dicom.azurehealthcareapis.com', CHANGE_FEED_START: 'latest' },
  ...{ CHANGE_FEED_STORAGE__accountName: 'stfeed', CHANGE_FEED_CLIENT_ID: id('f') },
};

test('a rotation stands on its account, the vault, Graph, and the token endpoint of each tenant', () => {
  assert.deepEqual(lines({ ...state, ...rotation }), [
    'auditBlobs rotation: https://ststate.blob.core.windows.net/audit',
    `entra ${tenant}: https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`,
    `entra ${other}: https://login.microsoftonline.com/${other}/oauth2/v2.0/token`,
    'graph: https://graph.microsoft.com',
    'keyVault: https://kv.vault.azure.net',
    'rotationBlobs: https://ststate.blob.core.windows.net/rotation',
    `signIn ${id('b')}: -`,
  ]);
});

const feedAlways = [
  'auditBlobs changeFeed: https://ststate.blob.core.windows.net/audit',
  'dicom a-b.dicom.azurehealthcareapis.com: https://a-b.dicom.azurehealthcareapis.com',
  `signIn ${id('f')}: -`,
  'stateBlobs: https://ststate.blob.core.windows.net/state',
  'stateTables cursors: https://ststate.table.core.windows.net/cursors',
];

test('a change feed keeps its state in one account and its deliveries in another', () => {
  const container = 'deliveryBlobs: https://stfeed.blob.core.windows.net/dicom-changes';
  const queue = 'deliveryQueue: https://stfeed.queue.core.windows.net/dicom-changes';
  const sinks = (CHANGE_FEED_SINKS: string): readonly string[] =>
    lines({ ...state, ...feed, CHANGE_FEED_SINKS });
  assert.deepEqual(sinks('blob'), [...feedAlways, container].sort());
  assert.deepEqual(
    sinks('queue'),
    [...feedAlways, container, queue].sort(),
    'large events lie in the container',
  );
});

test('a change feed that only calls a webhook needs no container, but the key where it signs', () => {
  const delivers = (auth: Readonly<Record<string, string>>): readonly string[] =>
    lines({
      ...{ ...state, ...feed, CHANGE_FEED_SINKS: 'webhook', ...auth },
      CHANGE_FEED_WEBHOOK_URL: 'https://receiver.example/changes',
    });
  const webhook = 'webhook: https://receiver.example/changes';
  const vault = 'https://kv.vault.azure.net/secrets/webhook-key';
  assert.deepEqual(delivers({}), [...feedAlways, webhook].sort());
  assert.deepEqual(
    delivers({ CHANGE_FEED_WEBHOOK_AUTH: `hmac:${vault}` }),
    [...feedAlways, webhook, `webhookKey: ${vault}`].sort(),
  );
});

test('who calls is known by the keys of one issuer, whose host alone counts', () => {
  const AUTH_ISSUER = `https://login.microsoftonline.com/${tenant}/v2.0`;
  const callers = { AUTH_ISSUER, AUTH_AUDIENCE: 'api://telehealth', AUTH_OPERATOR_ROLE: 'Operator' };
  const issuers = lines({ ...state, ...rotation, ...feed, ...callers }).filter((line) =>
    line.startsWith('issuer'),
  );
  assert.deepEqual(issuers, ['issuer: https://login.microsoftonline.com']);
});

test('every identity that signs in counts for itself, once: that of a job and those of its accounts', () => {
  const own = {
    ...{ STATE_STORAGE__credential: 'managedidentity', STATE_STORAGE__clientId: id('7') },
    ...{ CHANGE_FEED_STORAGE__credential: 'managedidentity', CHANGE_FEED_STORAGE__clientId: id('8') },
  };
  const signIns = (environment: Readonly<Record<string, string>>): readonly string[] =>
    lines({ ...state, ...environment }).filter((line) => line.startsWith('signIn'));
  const each = (...names: readonly string[]) => names.map((name) => `signIn ${name}: -`);
  assert.deepEqual(signIns({ ...feed, ...own }), each(id('7'), id('8'), id('f')));
  assert.deepEqual(signIns({ ...rotation, ...own }), each(id('7'), id('b')));
  assert.deepEqual(signIns({ ...rotation, ...own, ROTATION_CLIENT_ID: id('7') }), each(id('7')));
});

test('communication signs in for its resource or its account, and with keys to both for neither', () => {
  const key = { COMMUNICATION_SERVICES_CONNECTION_STRING: connectionString };
  const endpoint = { COMMUNICATION_SERVICES_ENDPOINT: 'https://x.communication.azure.com' };
  const development = { STATE_STORAGE: 'UseDevelopmentStorage=true' };
  const rest = (account: string): readonly string[] => [
    `auditBlobs communication: ${account.replace('?', 'blob')}/audit`,
    'communication: https://x.communication.azure.com',
    `stateTables cleanups: ${account.replace('?', 'table')}/cleanups`,
    `stateTables identities: ${account.replace('?', 'table')}/identities`,
  ];
  const far = rest('https://ststate.?.core.windows.net');
  assert.deepEqual(lines({ ...state, ...endpoint }), [...far, 'signIn default: -'].sort());
  assert.deepEqual(lines({ ...state, ...key }), [...far, 'signIn default: -'].sort());
  const near = lines({ ...development, ...key });
  assert.deepEqual(
    near.map((line) => line.split(':')[0]),
    rest('').map((line) => line.split(':')[0]),
  );
  assert.ok(lines({ ...development, ...endpoint }).includes('signIn default: -'));
});
