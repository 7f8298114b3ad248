// What a deployment makes to keep things in: accounts, vaults and logs as they are protected, and the services that it works for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import storage from '../../infra/storage.json' with { type: 'json' };
import { id, made } from './made.ts';

const yesNo = ['true', 'false'];
/** Every combination of jobs and sinks, with what `when` means in it. */
const everyChoice = yesNo.flatMap((DEPLOY_COMMUNICATION) =>
  yesNo.flatMap((DEPLOY_ROTATION) =>
    ['', 'blob', 'queue', 'webhook', 'queue, webhook'].map((CHANGE_FEED_SINKS) => {
      const DEPLOY_CHANGE_FEED = String(CHANGE_FEED_SINKS !== '');
      const variables = { DEPLOY_COMMUNICATION, DEPLOY_ROTATION, DEPLOY_CHANGE_FEED, CHANGE_FEED_SINKS };
      const parts: Readonly<Record<string, boolean>> = {
        ...{ always: true, communication: DEPLOY_COMMUNICATION === 'true' },
        ...{ rotation: DEPLOY_ROTATION === 'true', changeFeed: CHANGE_FEED_SINKS !== '' },
        deliveryBlobs: /blob|queue/.test(CHANGE_FEED_SINKS),
        deliveryQueue: CHANGE_FEED_SINKS.includes('queue'),
        webhook: CHANGE_FEED_SINKS.includes('webhook'),
      };
      return { variables, parts, what: JSON.stringify(variables) };
    }),
  ),
);

const short: Readonly<Record<string, string>> = { host: 'sthost', state: 'ststate', deliveries: 'stdeliv' };
const kinds: Readonly<Record<string, string>> = {
  ...{ container: 'blobServices/containers', table: 'tableServices/tables', queue: 'queueServices/queues' },
};

test('each account has the containers, tables and queues of its jobs, and no other is made', () => {
  for (const { kind } of storage) assert.ok(kind in kinds, kind);
  for (const { variables, parts, what } of everyChoice) {
    const { of, token } = made(variables);
    const accounts = ['host', 'state', ...(parts['changeFeed'] ? ['deliveries'] : [])];
    assert.deepEqual(
      of('Storage/storageAccounts')
        .map(({ name }) => name)
        .sort(),
      accounts.map((name) => `${short[name] ?? ''}${token}`).sort(),
      what,
    );
    for (const [kind, type] of Object.entries(kinds)) {
      const names = { CHANGE_FEED_CONTAINER: 'dicom-changes', CHANGE_FEED_QUEUE: 'dicom-changes' };
      const wanted = storage.filter((row) => row.kind === kind && parts[row.when]);
      assert.deepEqual(
        of(`Storage/storageAccounts/${type}`)
          .map(({ name }) => name)
          .sort(),
        wanted
          .map(({ account, name }) => {
            const own = new Map(Object.entries(names)).get(name) ?? name;
            return `${short[account] ?? ''}${token}/default/${own}`;
          })
          .sort(),
        `${kind} with ${what}`,
      );
    }
  }
});

test('a container and a queue that the operator names are made by these names', () => {
  const { of } = made({
    ...{ CHANGE_FEED_SINKS: 'queue', CHANGE_FEED_CONTAINER: 'images' },
    CHANGE_FEED_QUEUE: 'new',
  });
  const names = [
    ...of('Storage/storageAccounts/blobServices/containers'),
    ...of('Storage/storageAccounts/queueServices/queues'),
  ].map(({ name }) => name.split('/').at(-1));
  assert.ok(
    names.includes('images') && names.includes('new') && !names.includes('dicom-changes'),
    names.join(),
  );
});

for (const [PRIVATE_NETWORK, publicNetworkAccess, defaultAction] of [
  ['false', 'Enabled', 'Allow'],
  ['true', 'Disabled', 'Deny'],
] as const) {
  const deployed = made({ PRIVATE_NETWORK, CHANGE_FEED_SINKS: 'blob,queue,webhook' });
  const { of, one, token } = deployed;
  const where = PRIVATE_NETWORK === 'true' ? 'in a private network' : 'without a private network';

  test(`accounts take identities over TLS alone, ${where}`, () => {
    for (const { name, body } of of('Storage/storageAccounts'))
      assert.deepEqual(
        body['properties'],
        {
          ...{ accessTier: 'Hot', allowBlobPublicAccess: false, allowCrossTenantReplication: false },
          ...{ allowSharedKeyAccess: false, defaultToOAuthAuthentication: true },
          ...{ minimumTlsVersion: 'TLS1_2', supportsHttpsTrafficOnly: true, publicNetworkAccess },
          networkAcls: { bypass: name === `stdeliv${token}` ? 'AzureServices' : 'None', defaultAction },
        },
        name,
      );
    for (const { body } of of('Storage/storageAccounts/blobServices/containers'))
      assert.deepEqual(body['properties'], { publicAccess: 'None' });
  });

  test(`vaults ask for roles, and keep what is deleted for as long as Azure allows, ${where}`, () => {
    const vaults = of('KeyVault/vaults');
    assert.deepEqual(vaults.map(({ name }) => name).sort(), [`kvs-${token}`, `kvw-${token}`]);
    for (const { body } of vaults)
      assert.deepEqual(body['properties'], {
        tenantId: '7e1e4ea1-7000-4000-8000-000000000001',
        sku: { family: 'A', name: 'standard' },
        createMode: 'default',
        ...{ enableRbacAuthorization: true, enableSoftDelete: true, enablePurgeProtection: true },
        ...{ softDeleteRetentionInDays: 90, publicNetworkAccess },
        networkAcls: { bypass: 'None', defaultAction },
      });
  });

  test(`DICOM services and the log are as reachable as they must be, ${where}`, () => {
    for (const type of ['HealthcareApis/workspaces', 'HealthcareApis/workspaces/dicomservices'])
      assert.deepEqual(one(type).body['properties'], { publicNetworkAccess }, type);
    assert.deepEqual(one('OperationalInsights/workspaces').body['properties'], {
      ...{ sku: { name: 'PerGB2018' }, retentionInDays: 90, features: { disableLocalAuth: true } },
    });
    assert.deepEqual(one('Insights/components').body['properties'], {
      ...{ Application_Type: 'web', DisableLocalAuth: true },
      WorkspaceResourceId: id('OperationalInsights/workspaces', `log-${token}`),
    });
  });
}

test('blobs that somebody deletes can be brought back for a week, and their containers', () => {
  const week = { enabled: true, days: 7 };
  const services = made().of('Storage/storageAccounts/blobServices');
  assert.equal(services.length, 3);
  for (const { body } of services)
    assert.deepEqual(body['properties'], {
      deleteRetentionPolicy: week,
      containerDeleteRetentionPolicy: week,
    });
});

test('who read and wrote secrets goes to the log', () => {
  const { of, token } = made({ CHANGE_FEED_SINKS: 'webhook' });
  const settings = of('Insights/diagnosticSettings');
  assert.deepEqual(
    settings.map((one) => one.id).sort(),
    ['s', 'w'].map(
      (vault) =>
        `${id('KeyVault/vaults', `kv${vault}-${token}`)}/providers/Microsoft.Insights/diagnosticSettings/audit`,
    ),
  );
  for (const { body } of settings)
    assert.deepEqual(body['properties'], {
      workspaceId: id('OperationalInsights/workspaces', `log-${token}`),
      logs: [{ categoryGroup: 'audit', enabled: true }],
    });
});

test('a vault is made where its job is deployed, and only the one that is named is brought back', () => {
  for (const { variables, parts, what } of everyChoice) {
    const { of, token } = made(variables);
    assert.deepEqual(
      of('KeyVault/vaults')
        .map(({ name }) => name)
        .sort(),
      [...(parts['rotation'] ? [`kvs-${token}`] : []), ...(parts['webhook'] ? [`kvw-${token}`] : [])],
      what,
    );
  }
  const modes = (RECOVER_VAULTS: string): unknown =>
    made({ RECOVER_VAULTS, CHANGE_FEED_SINKS: 'webhook' })
      .of('KeyVault/vaults')
      .map(({ name, body }) => [name.slice(0, 3), (body['properties'] as { createMode: string }).createMode])
      .sort();
  assert.deepEqual(modes('secrets'), [
    ['kvs', 'recover'],
    ['kvw', 'default'],
  ]);
  assert.deepEqual(modes('webhook, secrets'), [
    ['kvs', 'recover'],
    ['kvw', 'recover'],
  ]);
});

test('a Communication Services resource that is made has no keys, and keeps its data where the operator says', () => {
  const { one, token } = made({ COMMUNICATION_DATA_LOCATION: 'Switzerland' });
  const { name, body } = one('Communication/communicationServices');
  assert.equal(name, `acs-${token}`);
  assert.deepEqual(body['properties'], { dataLocation: 'Switzerland', disableLocalAuth: true });
  assert.equal(body['location'], 'global');
});

test('services that are brought along are not made again, nor those of a job that is not deployed', () => {
  const types = [
    'Communication/communicationServices',
    'HealthcareApis/workspaces',
    'HealthcareApis/workspaces/dicomservices',
  ];
  const counts = (variables: Readonly<Record<string, string>>): readonly number[] =>
    types.map((type) => made(variables).of(type).length);
  const elsewhere = '/subscriptions/s/resourceGroups/g/providers/Microsoft.';
  assert.deepEqual(counts({}), [1, 1, 1]);
  assert.deepEqual(counts({ DEPLOY_COMMUNICATION: 'false' }), [0, 1, 1]);
  assert.deepEqual(counts({ DEPLOY_CHANGE_FEED: 'false' }), [1, 0, 0]);
  assert.deepEqual(
    counts({
      COMMUNICATION_RESOURCE_ID: `${elsewhere}Communication/communicationServices/calls`,
      DICOM_SERVICE_IDS: `${elsewhere}HealthcareApis/workspaces/w/dicomservices/d`,
    }),
    [0, 0, 0],
  );
});

test('accounts are spread over zones where that is chosen', () => {
  for (const [ZONE_REDUNDANT, name] of [
    ['true', 'Standard_ZRS'],
    ['false', 'Standard_LRS'],
  ] as const)
    for (const { body } of made({ ZONE_REDUNDANT }).of('Storage/storageAccounts'))
      assert.deepEqual([body['sku'], body['kind']], [{ name }, 'StorageV2']);
});
