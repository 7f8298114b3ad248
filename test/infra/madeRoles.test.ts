// The roles that a deployment gives: to each identity those of its rows in the table, on one resource each, and none besides.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { id, group, made, type Made } from './made.ts';
import { assignments, roles } from './tables.ts';

const elsewhere =
  '/subscriptions/7e1e4ea1-7000-4000-8000-0000000000bb/resourceGroups/Imaging/providers/Microsoft.';
const calls = `${elsewhere}Communication/communicationServices/calls`;
const archives = ['one', 'two'].map(
  (name) => `${elsewhere}HealthcareApis/workspaces/w/dicomservices/${name}`,
);
const everything = { CHANGE_FEED_SINKS: 'blob,queue,webhook' };

/** `identity may role on id`, as Azure is asked for it. */
function given({ of }: Made): readonly string[] {
  const custom = new Map(
    of('Authorization/roleDefinitions').map(({ name, body }) => [name, body['properties']]),
  );
  return of('Authorization/roleAssignments').map(({ id: whole, body }) => {
    const { principalId, roleDefinitionId, principalType, description } = body['properties'] as Record<
      string,
      string
    >;
    assert.equal(principalType, 'ServicePrincipal');
    assert.ok(
      assignments.some(({ reason }) => reason === description),
      description,
    );
    const [, subscription, role = ''] =
      /^\/subscriptions\/([^/]+)\/providers\/Microsoft.Authorization\/roleDefinitions\/([^/]+)$/.exec(
        roleDefinitionId ?? '',
      ) ?? [];
    const [scope = '', ...name] = whole.split('/providers/Microsoft.Authorization/roleAssignments/');
    assert.ok(name.length === 1 && subscription === scope.split('/')[2]);
    const known = [...roles.values()].find((one) => one.id === role)?.name;
    const own = (custom.get(role) as { roleName?: string } | undefined)?.roleName;
    return `${principalId ?? ''} may ${known ?? own ?? role} on ${scope}`;
  });
}

/** The table, played for a deployment that has the parts in `on`. */
function wanted(
  { token }: Made,
  on: readonly string[],
  more: Readonly<Record<string, readonly string[]>> = {},
): readonly string[] {
  const account = (name: string): readonly string[] => [id('Storage/storageAccounts', `st${name}${token}`)];
  const places: Readonly<Record<string, readonly string[]>> = {
    ...{ host: account('host'), state: account('state'), deliveries: account('deliv') },
    insights: [id('Insights/components', `appi-${token}`)],
    secrets: [id('KeyVault/vaults', `kvs-${token}`)],
    webhook: [id('KeyVault/vaults', `kvw-${token}`)],
    communication: [id('Communication/communicationServices', `acs-${token}`)],
    dicom: [id('HealthcareApis/workspaces/dicomservices', `hdw${token}`, 'dicom')],
    ...more,
  };
  const inside: Readonly<Record<string, string>> = {
    container: 'blobServices/default/containers',
    table: 'tableServices/default/tables',
    queue: 'queueServices/default/queues',
  };
  return assignments
    .filter(({ when }) => on.includes(when))
    .flatMap(({ principal, role, of, kind, name }) => {
      const { name: title = '', id: own = '' } = roles.get(role) ?? {};
      const who = `principal of id-${principal.toLowerCase()}-${token}`;
      const below =
        name === '' ? '' : `/${inside[kind] ?? ''}/${/[A-Z]/.test(name) ? 'dicom-changes' : name}`;
      return (places[of] ?? []).map(
        (place) => `${who} may ${own === '' ? `${title} ${token}` : title} on ${place}${below}`,
      );
    });
}

const all = [
  'always',
  'communication',
  'rotation',
  'changeFeed',
  'deliveryBlobs',
  'deliveryQueue',
  'webhook',
];
const none = { DEPLOY_COMMUNICATION: 'false', DEPLOY_ROTATION: 'false', DEPLOY_CHANGE_FEED: 'false' };

test('each identity gets the roles of its rows, on what the rows say, and no identity gets another', () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, readonly string[]])[] = [
    [everything, all],
    [none, ['always']],
    [{ ...none, DEPLOY_COMMUNICATION: 'true' }, ['always', 'communication']],
    [{ ...none, DEPLOY_ROTATION: 'true' }, ['always', 'rotation']],
    [{ ...none, DEPLOY_CHANGE_FEED: 'true' }, ['always', 'changeFeed', 'deliveryBlobs']],
    [
      { ...none, DEPLOY_CHANGE_FEED: 'true', CHANGE_FEED_SINKS: 'queue' },
      ['always', 'changeFeed', 'deliveryBlobs', 'deliveryQueue'],
    ],
    [
      { ...none, DEPLOY_CHANGE_FEED: 'true', CHANGE_FEED_SINKS: 'webhook' },
      ['always', 'changeFeed', 'webhook'],
    ],
  ];
  for (const [variables, on] of cases) {
    const deployment = made(variables);
    assert.deepEqual(
      given(deployment).toSorted(),
      wanted(deployment, on).toSorted(),
      JSON.stringify(variables),
    );
  }
});

test('on services of other resource groups the roles are given there, on each of them', () => {
  const deployment = made({
    ...everything,
    COMMUNICATION_RESOURCE_ID: calls,
    DICOM_SERVICE_IDS: archives.join(', '),
  });
  assert.deepEqual(
    given(deployment).toSorted(),
    wanted(deployment, all, { communication: [calls], dicom: archives }).toSorted(),
  );
  const here = `/subscriptions/${group.subscriptionId}/resourceGroups/${group.name}/`;
  const besides = deployment.all.filter((one) => !one.id.startsWith(here));
  assert.deepEqual(
    new Set(besides.map(({ type }) => type)),
    new Set(['Microsoft.Authorization/roleAssignments', 'Microsoft.Resources/deployments']),
  );
  // There they are looked for too.
  const looked = besides.map(
    (one) => /^(.*)\/providers\/Microsoft.Resources\/deployments\/(communication|dicom)-/.exec(one.id) ?? [],
  );
  assert.deepEqual(
    looked.flatMap(([, where, what]) => (what ? [`${what} in ${where ?? ''}`] : [])).sort(),
    ['communication', 'dicom', 'dicom'].map(
      (what) => `${what} in ${elsewhere.replace('/providers/Microsoft.', '')}`,
    ),
  );
});

test('a container or queue that the operator names is the one that the role is on', () => {
  const { of } = made({
    CHANGE_FEED_SINKS: 'queue',
    CHANGE_FEED_CONTAINER: 'images',
    CHANGE_FEED_QUEUE: 'new-images',
  });
  const places = of('Authorization/roleAssignments').map((one) =>
    one.id.replace(/\/providers\/Microsoft.Authorization.*$/, ''),
  );
  for (const place of ['/containers/images', '/queues/new-images'])
    assert.equal(places.filter((one) => one.endsWith(place)).length, 1, place);
});

test('a role that Azure does not have is made where it is used, with the rights of the table and no other', () => {
  for (const variables of [everything, none, { ...none, DEPLOY_ROTATION: 'true' }]) {
    const deployment = made(variables);
    const { of, token } = deployment;
    const used = given(deployment).map((text) => / may (.*) on /.exec(text)?.[1] ?? '');
    const definitions = of('Authorization/roleDefinitions').map(({ body }) =>
      JSON.stringify(body['properties']),
    );
    const custom = [...roles.values()].filter(
      (role) => role.id === '' && used.includes(`${role.name} ${token}`),
    );
    const expected = custom.map(({ name, description, actions, dataActions }) =>
      JSON.stringify({
        ...{ roleName: `${name} ${token}`, description, type: 'CustomRole' },
        permissions: [{ actions, notActions: [], dataActions, notDataActions: [] }],
        assignableScopes: [`/subscriptions/${group.subscriptionId}/resourceGroups/${group.name}`],
      }),
    );
    assert.deepEqual(definitions.sort(), expected.sort());
  }
});

test('an assignment has a name of its own, and keeps it when an id is written in another case', () => {
  const names = (ids: readonly string[]): readonly string[] =>
    made({ DICOM_SERVICE_IDS: ids.join() })
      .of('Authorization/roleAssignments')
      .map(({ name }) => name);
  const before = names(archives);
  assert.equal(new Set(before).size, before.length);
  assert.deepEqual(names(archives.map((one) => one.replace('Imaging', 'IMAGING'))), before);
});

test('the app is given the identity of each job that is deployed, and the host its own first', () => {
  for (const [variables, jobs] of [
    [{}, ['communication', 'rotation', 'changefeed']],
    [none, []],
    [{ ...none, DEPLOY_COMMUNICATION: 'true' }, ['communication']],
    [{ ...none, DEPLOY_ROTATION: 'true' }, ['rotation']],
    [{ ...none, DEPLOY_CHANGE_FEED: 'true' }, ['changefeed']],
  ] as const) {
    const { of, one, token } = made(variables);
    const ids = ['host', ...jobs].map((name) =>
      id('ManagedIdentity/userAssignedIdentities', `id-${name}-${token}`),
    );
    assert.deepEqual(
      of('ManagedIdentity/userAssignedIdentities')
        .map((identity) => identity.id)
        .sort(),
      ids.toSorted(),
    );
    assert.deepEqual(one('Web/sites').body['identity'], {
      type: 'UserAssigned',
      userAssignedIdentities: Object.fromEntries(ids.map((identity) => [identity, {}])),
    });
  }
});

test('what a resource refers to is made before it, whatever else Azure does at the same time', () => {
  for (const PRIVATE_NETWORK of ['true', 'false']) {
    const { all: resources } = made({ ...everything, PRIVATE_NETWORK, ALERT_EMAILS: 'a@example.org' });
    const ids = new Set(resources.map((resource) => resource.id));
    const there = new Set<string>();
    for (const resource of resources) {
      const text = `${resource.id}/ ${JSON.stringify(resource.body)}`;
      for (const other of ids)
        // A role is known in the whole subscription, whichever group it is made in.
        if (
          other !== resource.id &&
          new RegExp(`${other.replace(/^.*(?=\/roleDefinitions\/)/, '')}["/]`).test(text)
        )
          assert.ok(there.has(other), `${resource.type} ${resource.name} before ${other}`);
      there.add(resource.id);
    }
  }
});
