// The private network of a deployment: an endpoint for everything that the app talks to then, and the names that lead there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { id, made, type Made } from './made.ts';

const everything = { PRIVATE_NETWORK: 'true', CHANGE_FEED_SINKS: 'blob,queue,webhook' };
const none = { DEPLOY_COMMUNICATION: 'false', DEPLOY_ROTATION: 'false', DEPLOY_CHANGE_FEED: 'false' };
const names = {
  ...{ blob: ['privatelink.blob.core.windows.net'], queue: ['privatelink.queue.core.windows.net'] },
  ...{ table: ['privatelink.table.core.windows.net'], vault: ['privatelink.vaultcore.azure.net'] },
  healthcareworkspace: [
    ...['privatelink.workspace.azurehealthcareapis.com', 'privatelink.dicom.azurehealthcareapis.com'],
  ],
};
type Part = keyof typeof names;

/** Ids with the part of them that is reached, as endpoints are made for them. */
function reached({ of, token }: Made): readonly string[] {
  return of('Network/privateEndpoints').map(({ body }) => {
    const { subnet, privateLinkServiceConnections: connections } = body['properties'] as {
      readonly subnet: { readonly id: string };
      readonly privateLinkServiceConnections: readonly {
        properties: { privateLinkServiceId: string; groupIds: string[] };
      }[];
    };
    assert.equal(subnet.id, id('Network/virtualNetworks/subnets', `vnet-${token}`, 'endpoints'));
    assert.equal(connections.length, 1);
    const { privateLinkServiceId = '', groupIds = [] } = connections[0]?.properties ?? {};
    return `${groupIds.join()} of ${privateLinkServiceId}`;
  });
}

test('there is a private way to each part of a resource that a job uses, and to no other', () => {
  const vault = (token: string, letter: string): string => id('KeyVault/vaults', `kv${letter}-${token}`);
  const account = (token: string, name: string): string => id('Storage/storageAccounts', `st${name}${token}`);
  type Ways = (token: string) => readonly (readonly [Part, string])[];
  const always: Ways = (token) => [
    ['blob', account(token, 'host')],
    ['blob', account(token, 'state')],
  ];
  const tables: Ways = (token) => [['table', account(token, 'state')]];
  const feed: Ways = (token) => [
    ...tables(token),
    ['healthcareworkspace', id('HealthcareApis/workspaces', `hdw${token}`)],
  ];
  const blobs: Ways = (token) => [['blob', account(token, 'deliv')]];
  const queue: Ways = (token) => [['queue', account(token, 'deliv')]];
  const secrets: Ways = (token) => [['vault', vault(token, 's')]];
  const webhook: Ways = (token) => [['vault', vault(token, 'w')]];
  const on = { ...none, PRIVATE_NETWORK: 'true' };
  const cases: readonly (readonly [Readonly<Record<string, string>>, readonly Ways[]])[] = [
    [on, [always]],
    [{ ...on, DEPLOY_COMMUNICATION: 'true' }, [always, tables]],
    [{ ...on, DEPLOY_ROTATION: 'true' }, [always, secrets]],
    [{ ...on, DEPLOY_CHANGE_FEED: 'true' }, [always, feed, blobs]],
    [{ ...on, DEPLOY_CHANGE_FEED: 'true', CHANGE_FEED_SINKS: 'queue' }, [always, feed, blobs, queue]],
    [{ ...on, DEPLOY_CHANGE_FEED: 'true', CHANGE_FEED_SINKS: 'webhook' }, [always, feed, webhook]],
    [everything, [always, feed, blobs, queue, secrets, webhook]],
  ];
  for (const [variables, ways] of cases) {
    const deployment = made(variables);
    const wanted = ways.flatMap((way) => way(deployment.token));
    const expected = wanted.map(([part, resource]) => `${part} of ${resource}`);
    assert.deepEqual(reached(deployment).toSorted(), expected.sort(), JSON.stringify(variables));
    const zones = new Set(wanted.flatMap(([part]) => names[part]));
    assert.deepEqual(new Set(deployment.of('Network/privateDnsZones').map(({ name }) => name)), zones);
  }
});

test('each way has the names of what it leads to, which only the network itself is told', () => {
  const { of, token } = made(everything);
  const network = id('Network/virtualNetworks', `vnet-${token}`);
  const groups = new Map(
    of('Network/privateEndpoints/privateDnsZoneGroups').map(({ name, body }) => [name, body['properties']]),
  );
  assert.equal(of('Network/privateEndpoints').length, 8);
  for (const { name, body } of of('Network/privateEndpoints')) {
    const [connection] = (
      body['properties'] as { privateLinkServiceConnections: { properties: { groupIds: Part[] } }[] }
    ).privateLinkServiceConnections;
    const [part = 'blob'] = connection?.properties.groupIds ?? [];
    const { privateDnsZoneConfigs: configs } = groups.get(`${name}/default`) as {
      privateDnsZoneConfigs: { name: string; properties: unknown }[];
    };
    assert.deepEqual(
      configs.map(({ properties }) => properties),
      names[part].map((zone) => ({ privateDnsZoneId: id('Network/privateDnsZones', zone) })),
      name,
    );
    // Azure takes no dots in them, and no name twice.
    for (const config of configs) assert.match(config.name, /^[a-z-]+$/);
  }
  const links = of('Network/privateDnsZones/virtualNetworkLinks');
  assert.deepEqual(
    links.map(({ name }) => name).sort(),
    of('Network/privateDnsZones')
      .map(({ name }) => `${name}/vnet-${token}`)
      .sort(),
  );
  for (const { body } of links)
    assert.deepEqual(
      [body['properties'], body['location']],
      [{ registrationEnabled: false, virtualNetwork: { id: network } }, 'global'],
    );
  for (const { body } of of('Network/privateDnsZones')) assert.equal(body['location'], 'global');
});

test('two DICOM services of one workspace have one private way', () => {
  const workspace = (name: string): string =>
    `/subscriptions/s/resourceGroups/g/providers/Microsoft.HealthcareApis/workspaces/${name}`;
  const DICOM_SERVICE_IDS = ['a/dicomservices/1', 'a/dicomservices/2', 'b/dicomservices/1']
    .map(workspace)
    .join();
  const ways = reached(made({ ...everything, DICOM_SERVICE_IDS })).filter((way) =>
    way.startsWith('healthcareworkspace'),
  );
  assert.deepEqual(
    ways,
    ['a', 'b'].map((name) => `healthcareworkspace of ${workspace(name)}`),
  );
});

test('the network has a subnet that the app is in, and one without a way out for the endpoints', () => {
  const { of, one, token } = made({ ...everything, NETWORK_ADDRESS_PREFIX: '10.1.0.0/24' });
  assert.deepEqual(one('Network/virtualNetworks').body['properties'], {
    addressSpace: { addressPrefixes: ['10.1.0.0/24'] },
  });
  assert.deepEqual(
    of('Network/virtualNetworks/subnets').map(({ name, body }) => [name, body['properties']]),
    [
      [
        `vnet-${token}/app`,
        {
          addressPrefix: '10.1.0.0/24 26#0',
          delegations: [{ name: 'app', properties: { serviceName: 'Microsoft.App/environments' } }],
        },
      ],
      [
        `vnet-${token}/endpoints`,
        {
          addressPrefix: '10.1.0.0/24 26#1',
          privateEndpointNetworkPolicies: 'Disabled',
          defaultOutboundAccess: false,
        },
      ],
    ],
  );
  const { virtualNetworkSubnetId } = one('Web/sites').body['properties'] as {
    virtualNetworkSubnetId: unknown;
  };
  assert.equal(virtualNetworkSubnetId, id('Network/virtualNetworks/subnets', `vnet-${token}`, 'app'));
  assert.deepEqual(made(everything).one('Network/virtualNetworks').body['properties'], {
    addressSpace: { addressPrefixes: ['10.80.0.0/24'] },
  });
});

test('without a private network none of it is made', () => {
  const { all, one } = made({ CHANGE_FEED_SINKS: 'blob,queue,webhook' });
  assert.deepEqual(
    all.filter(({ type }) => type.startsWith('Microsoft.Network/')),
    [],
  );
  assert.equal(Reflect.get(one('Web/sites').body['properties'] as object, 'virtualNetworkSubnetId'), null);
});
