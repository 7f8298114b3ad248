// The function app of a deployment with its settings and outputs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployed, settingRows } from './deployment.ts';
import { id, made, type Made } from './made.ts';

const siteOf = ({ one }: Made) => one('Web/sites').body['properties'] as Readonly<Record<string, unknown>>;

test('the app answers over TLS alone, runs its package as the identity of the host, and is published to by nobody with a password', () => {
  const deployment = made({ CORS_ORIGINS: 'https://one.example, https://two.example' });
  const { one, of, token } = deployment;
  const identity = (name: string): string =>
    id('ManagedIdentity/userAssignedIdentities', `id-${name}-${token}`);
  assert.deepEqual(siteOf(deployment), {
    serverFarmId: id('Web/serverfarms', `plan-${token}`),
    ...{ httpsOnly: true, keyVaultReferenceIdentity: identity('changefeed'), virtualNetworkSubnetId: null },
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer',
          value: `https://sthost${token}.blob.core.windows.net/packages`,
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity('host') },
        },
      },
      runtime: { name: 'node', version: '24' },
      scaleAndConcurrency: { instanceMemoryMB: 2048, maximumInstanceCount: 40, alwaysReady: [] },
    },
    siteConfig: {
      minTlsVersion: '1.2',
      cors: { allowedOrigins: ['https://one.example', 'https://two.example'] },
    },
  });
  assert.deepEqual(
    of('Web/sites/basicPublishingCredentialsPolicies')
      .map(({ name, body }) => [name, body['properties']])
      .sort(),
    ['ftp', 'scm'].map((name) => [`func-${token}/${name}`, { allow: false }]),
  );
  const { kind, tags } = one('Web/sites').body;
  assert.deepEqual(
    [kind, tags],
    ['functionapp,linux', { 'azd-env-name': 'clinic', 'azd-service-name': 'app' }],
  );
  const { kind: planKind, sku, properties } = one('Web/serverfarms').body;
  assert.deepEqual(
    [planKind, sku, properties],
    ['functionapp', { name: 'FC1', tier: 'FlexConsumption' }, { reserved: true, zoneRedundant: false }],
  );
});

test('without the change feed nothing reads settings from a vault but the host', () => {
  const deployment = made({ DEPLOY_CHANGE_FEED: 'false' });
  assert.equal(
    siteOf(deployment)['keyVaultReferenceIdentity'],
    id('ManagedIdentity/userAssignedIdentities', `id-host-${deployment.token}`),
  );
});

test('no browser may call from anywhere unless an origin is named', () => {
  assert.deepEqual(siteOf(made())['siteConfig'], { minTlsVersion: '1.2', cors: { allowedOrigins: [] } });
});

test('an operator chooses how large the app is', () => {
  const deployment = made({
    INSTANCE_MEMORY_MB: '4096',
    MAXIMUM_INSTANCE_COUNT: '100',
    ALWAYS_READY_INSTANCES: '2',
    ZONE_REDUNDANT: 'true',
  });
  const { scaleAndConcurrency } = siteOf(deployment)['functionAppConfig'] as { scaleAndConcurrency: unknown };
  assert.deepEqual(scaleAndConcurrency, {
    instanceMemoryMB: 4096,
    maximumInstanceCount: 100,
    alwaysReady: [{ name: 'http', instanceCount: 2 }],
  });
  assert.deepEqual(deployment.one('Web/serverfarms').body['properties'], {
    reserved: true,
    zoneRedundant: true,
  });
});

/** What the deployment itself knows, by `from`. */
function known(
  { token }: Made,
  variables: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const client = (name: string): string => `client of id-${name}-${token}`;
  const account = (name: string, kind: string): string =>
    `https://st${name}${token}.${kind}.core.windows.net/`;
  const secrets = `https://kvw-${token}.vault.azure.net/secrets`;
  return {
    managedIdentity: 'managedidentity',
    ...{ hostBlobs: account('host', 'blob'), hostClientId: client('host') },
    ...{
      insightsConnection: `connection of appi-${token}`,
      insightsSignIn: `ClientId=${client('host')};Authorization=AAD`,
    },
    ...{
      stateBlobs: account('state', 'blob'),
      stateQueues: account('state', 'queue'),
      stateTables: account('state', 'table'),
    },
    ...{ serviceName: variables['OTEL_SERVICE_NAME'] ?? `func-${token}`, otlpProtocol: 'http/protobuf' },
    ...{
      authorityHost: 'https://login.microsoftonline.com',
      operatorRole: 'Operators',
      backendRole: 'Backends',
    },
    ...{
      communicationClientId: client('communication'),
      communicationEndpoint: `https://acs-${token}.europe.communication.azure.com`,
    },
    ...{ rotationClientId: client('rotation'), keyVaultUrl: `https://kvs-${token}.vault.azure.net` },
    ...{ changeFeedClientId: client('changefeed'), changeFeedStart: 'latest' },
    dicomServiceUrls: `https://hdw${token}-dicom.DICOM.azurehealthcareapis.com`,
    ...{
      deliveryBlobs: account('deliv', 'blob'),
      deliveryQueues: account('deliv', 'queue'),
      deliveryTables: account('deliv', 'table'),
    },
    webhookUrl: `@Microsoft.KeyVault(SecretUri=${secrets}/webhook-url)`,
    webhookAuth:
      { none: 'none' }[variables['CHANGE_FEED_WEBHOOK_AUTH'] ?? ''] ?? `hmac:${secrets}/webhook-key`,
  };
}

test('the app gets the settings that the table of settings says, with the values of this deployment', () => {
  const client = {
    SERVICE_CLIENT_APP_ID: 'an-app',
    SERVICE_CLIENT_TENANT_ID: 'a-tenant',
    SERVICE_CLIENT_SECRET_NAME: 'a-secret',
  };
  const cases: readonly Readonly<Record<string, string>>[] = [
    {},
    client,
    { ...client, CHANGE_FEED_SINKS: 'blob,webhook', TOKEN_SCOPES: 'voip' },
    { CHANGE_FEED_SINKS: 'webhook', CHANGE_FEED_WEBHOOK_AUTH: 'none', TOKEN_MINUTES_MAX: '240' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example', OTEL_SERVICE_NAME: 'calls' },
    { ...client, DEPLOY_ROTATION: 'false', DEPLOY_CHANGE_FEED: 'false' },
    { ...client, DEPLOY_COMMUNICATION: 'false', DEPLOY_CHANGE_FEED: 'false' },
    { DEPLOY_COMMUNICATION: 'false', DEPLOY_ROTATION: 'false' },
    { DEPLOY_COMMUNICATION: 'false', DEPLOY_ROTATION: 'false', DEPLOY_CHANGE_FEED: 'false' },
  ];
  const own = new Set(settingRows.filter(({ from }) => from === '').map(({ name }) => name));
  for (const variables of cases) {
    const deployment = made(variables);
    const is = (name: string): boolean => variables[name] !== 'false';
    const choices = {
      ...{
        communication: is('DEPLOY_COMMUNICATION'),
        rotation: is('DEPLOY_ROTATION'),
        changeFeed: is('DEPLOY_CHANGE_FEED'),
      },
      settings: Object.fromEntries(Object.entries(variables).filter(([name]) => own.has(name))),
    };
    const settings = deployment.one('Web/sites/config');
    assert.equal(settings.name, `func-${deployment.token}/appsettings`);
    assert.deepEqual(
      settings.body['properties'],
      deployed(choices, known(deployment, variables)),
      JSON.stringify(variables),
    );
  }
});

test('a list of service clients is enough for the rotation to run', () => {
  const list = '[{"appId":"an-app"}]';
  const { properties } = made({}, { SERVICE_CLIENTS: list }).one('Web/sites/config').body as {
    properties: Record<string, string>;
  };
  assert.deepEqual(
    [properties['SERVICE_CLIENTS'], properties['ROTATION_CLIENT_ID']?.slice(0, 9)],
    [list, 'client of'],
  );
});

test('a deployment answers what the command lines ask for, and nothing of a job that is not deployed', () => {
  const { outputs, token } = made({ CHANGE_FEED_SINKS: 'webhook' });
  assert.deepEqual(outputs, {
    ...{ FUNCTION_APP_NAME: `func-${token}`, FUNCTION_APP_URL: `https://func-${token}.azurewebsites.net` },
    ...{ SECRETS_VAULT_URL: `https://kvs-${token}.vault.azure.net`, WEBHOOK_VAULT_NAME: `kvw-${token}` },
    ROTATION_IDENTITY: `client of id-rotation-${token}`,
    ...{
      STATE_STORAGE_NAME: `ststate${token}`,
      AUDIT_STORAGE_URL: `https://ststate${token}.blob.core.windows.net/`,
    },
    DELIVERY_STORAGE_NAME: `stdeliv${token}`,
    LOG_WORKSPACE_ID: id('OperationalInsights/workspaces', `log-${token}`),
    INSIGHTS_ID: id('Insights/components', `appi-${token}`),
  });
  for (const [variable, names] of [
    ['DEPLOY_ROTATION', ['SECRETS_VAULT_URL', 'ROTATION_IDENTITY']],
    ['DEPLOY_CHANGE_FEED', ['WEBHOOK_VAULT_NAME', 'DELIVERY_STORAGE_NAME']],
  ] as const) {
    const few = made({ CHANGE_FEED_SINKS: 'webhook', [variable]: 'false' }).outputs;
    assert.deepEqual(
      Object.keys(few).filter((name) => few[name] === ''),
      names,
    );
  }
});
