// Deployments beside each other, where a deployment is, and choices that are refused before anything is made.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { made } from './made.ts';

test('two environments in one resource group share no name, nor do two in different groups', () => {
  const variables = {
    PRIVATE_NETWORK: 'true',
    CHANGE_FEED_SINKS: 'webhook,queue',
    ALERT_EMAILS: 'a@example.org',
  };
  const [one, other] = ['clinic', 'practice'].map((AZURE_ENV_NAME) => made({ ...variables, AZURE_ENV_NAME }));
  const ids = new Set(one?.all.map((resource) => resource.id));
  const shared = other?.all.filter((resource) => ids.has(resource.id)).map(({ type }) => type);
  // Of a name that leads into the network there is one in a group.
  assert.deepEqual([...new Set(shared)], ['Microsoft.Network/privateDnsZones']);
  const elsewhere = made({}, {}, { subscriptionId: 's', name: 'other' });
  assert.notEqual(elsewhere.token, made().token);
});

test('a deployment of a module has a name that Azure takes', () => {
  const modules = made({ PRIVATE_NETWORK: 'true', CHANGE_FEED_SINKS: 'webhook,queue' }).of(
    'Resources/deployments',
  );
  assert.ok(modules.length > 30);
  for (const { name } of modules) assert.match(name, /^[\w.()-]{1,64}$/);
});

test('what is made stands where the operator says and carries the name of its environment', () => {
  const { all } = made({
    PRIVATE_NETWORK: 'true',
    CHANGE_FEED_SINKS: 'webhook',
    ALERT_EMAILS: 'a@example.org',
  });
  for (const { type, body } of all) {
    if ('location' in body) assert.match(String(body['location']), /^(somewhere|global)$/, type);
    if ('tags' in body) assert.equal(Reflect.get(body['tags'] as object, 'azd-env-name'), 'clinic', type);
    assert.equal('tags' in body, 'location' in body, type);
  }
});

test('a choice that cannot be is refused before anything is made', () => {
  const acs =
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.Communication/communicationServices/calls';
  const refused: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ RECOVER_VAULTS: 'secrets,others' }, /^recoverVaults: expected secrets, webhook or both/],
    [
      { ZONE_REDUNDANT: 'true', ALWAYS_READY_INSTANCES: '1' },
      /^alwaysReadyInstances: expected 0, or 2 or more/,
    ],
    [{ DICOM_SERVICE_IDS: acs }, /^dicomServiceIds: expected ids of .*, not .*calls$/],
    [{ COMMUNICATION_RESOURCE_ID: 'calls' }, /^communicationResourceId: expected the id of a/],
    [{ COMMUNICATION_RESOURCE_ID: acs.replace('calls', 'calls/domains/x') }, /^communicationResourceId/],
    [{ INSTANCE_MEMORY_MB: '1024' }, /^instanceMemoryMB: 1024 is not allowed/],
    ...[{ MAXIMUM_INSTANCE_COUNT: '39' }, { MAXIMUM_INSTANCE_COUNT: '1001' }].map(
      (one) => [one, /^maximumInstanceCount/] as const,
    ),
    ...[{ LOG_DAYS: '29' }, { LOG_DAYS: '731' }].map((one) => [one, /^logDays/] as const),
    ...[{ AUDIT_DAYS: '0' }, { AUDIT_DAYS: '146001' }].map((one) => [one, /^auditDays/] as const),
    [{ ALWAYS_READY_INSTANCES: '-1' }, /^alwaysReadyInstances/],
    [{ DELIVERY_DAYS: '-1' }, /^deliveryDays/],
    [{ CLAIM_DAYS: '-1' }, /^claimDays/],
    [{ AZURE_ENV_NAME: 'e'.repeat(65) }, /^environmentName/],
    ...[
      'AZURE_ENV_NAME',
      'AUTH_OPERATOR_ROLE',
      'AUTH_BACKEND_ROLE',
      'CHANGE_FEED_START',
      'COMMUNICATION_DATA_LOCATION',
    ].map((name) => [{ [name]: '' }, /: "" is not allowed$/] as const),
  ];
  for (const [variables, message] of refused)
    assert.throws(() => made(variables), { message }, JSON.stringify(variables));
  for (const setting of ['AUTH_OPERATOR_ROLE', 'APPLICATIONINSIGHTS_CONNECTION_STRING', 'PATH'])
    assert.throws(() => made({}, { [setting]: 'x' }), {
      message: new RegExp(`^settings: ${setting} cannot be chosen here`),
    });
  for (const variables of [
    { ZONE_REDUNDANT: 'true', ALWAYS_READY_INSTANCES: '2' },
    { ALWAYS_READY_INSTANCES: '1' },
    { LOG_DAYS: '30', AUDIT_DAYS: '1' },
  ])
    made(variables);
});
