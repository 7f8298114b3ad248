// What a template needs beside being well formed, so that a first deployment, the next one and one beside it succeed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import settings from '../../infra/appSettings.json' with { type: 'json' };
import { keysOf, template, templates } from './files.ts';

test('names of resources are as long as Azure allows and no longer', () => {
  // What uniqueString gives.
  const token = 'a234567890123';
  const named = (name: string): string => name.replaceAll(/\$\{(place\.)?token\}/g, token);
  const shared = template('modules/shared.bicep');
  const made = (func: string): string =>
    named(new RegExp(`func ${func}\\(.*=> '(.*)'`).exec(shared)?.[1] ?? '');
  for (const account of ['host', 'state', 'deliveries'])
    assert.match(
      made('storageName').replace('${take(account, 5)}', account.slice(0, 5)),
      /^[a-z0-9]{3,24}$/,
      account,
    );
  for (const vault of ['secrets', 'webhook'])
    assert.match(
      made('vaultName').replace('${take(vault, 1)}', vault.slice(0, 1)),
      /^[a-z](?!.*--)[a-z0-9-]{1,22}[a-z0-9]$/,
      vault,
    );
  assert.match(made('functionAppName'), /^[a-z](?!.*--)[a-z0-9-]{1,58}[a-z0-9]$/);
  const [, workspace = '', service = ''] =
    /resourceId\(dicomType, '([^']+)', '([^']+)'\)/.exec(template('modules/foundation.bicep')) ?? [];
  assert.match(named(workspace), /^[a-z0-9]{3,24}$/);
  assert.match(service, /^[a-z0-9]{3,24}$/);
});

test("what can carry a tag carries that of its environment, without which azd takes it for somebody else's", () => {
  // Parts of others, and what has no tags.
  const without =
    /\/(config|containers|tables|queues|subnets|immutabilityPolicies|managementPolicies|role\w+|diagnosticSettings)@/;
  for (const { path, text } of templates)
    for (const [resource, , type = ''] of text.matchAll(
      /^resource (\w+) '([^']+)' = (?!existing)[\s\S]*?\n[}\]]/gm,
    ))
      if (!without.test(type)) assert.match(resource, /\n\s+tags: .*tags/, `${path}: ${type}`);
});

test('what somebody adds to the network stays when it is deployed again', () => {
  const text = template('modules/network.bicep');
  // Azure deletes subnets that a list of them leaves out, and nothing where there is no list.
  assert.doesNotMatch(text, /\bsubnets: \[|virtualNetworkPeerings/);
  assert.match(
    text,
    /virtualNetworks\/subnets@[^']+' = \{\n {2}parent: network\n {2}name: 'endpoints'[\s\S]*?dependsOn: \[appSubnet\]/,
  );
});

/** The rule of modules/shared.bicep, for the test to ask. */
function isIdOf(id: string, type: string): boolean {
  const lower = id.toLowerCase();
  const parts = type.toLowerCase().split('/');
  return (
    id.split('/').length === 5 + 2 * parts.length &&
    lower.includes(`/providers/${parts.slice(0, 2).join('/')}/`) &&
    lower.includes(`/${parts.at(-1) ?? ''}/`)
  );
}

test('a resource that is brought along is asked for by an id of its type', () => {
  const [acs, dicom] = [
    'Microsoft.Communication/communicationServices',
    'Microsoft.HealthcareApis/workspaces/dicomservices',
  ];
  const group = '/subscriptions/7e1e4ea1-7000-4000-8000-000000000001/resourceGroups/imaging/providers';
  const workspace = `${group}/Microsoft.HealthcareApis/workspaces/hospital`;
  assert.ok(isIdOf(`${group}/${acs}/calls`, acs) && isIdOf(`${workspace}/dicomservices/pacs`, dicom));
  assert.ok(isIdOf(`${workspace}/dicomservices/pacs`.toLowerCase(), dicom));
  for (const id of [
    '',
    'pacs',
    workspace,
    `${workspace}/fhirservices/pacs`,
    `${workspace}/dicomservices/pacs/`,
  ])
    assert.ok(!isIdOf(id, dicom), id);
  for (const id of [
    'calls',
    `${group}/Microsoft.Storage/storageAccounts/calls`,
    `${group}/${acs}/calls/domains/x`,
  ])
    assert.ok(!isIdOf(id, acs), id);
  const rule = template('modules/shared.bicep').split('func isIdOf(')[1]?.replaceAll(/\s+/g, '') ?? '';
  assert.equal(
    rule,
    "idstring,typestring)bool=>length(split(id,'/'))==5+2*length(split(type,'/'))&&contains(" +
      "toLower(id),'/providers/${toLower(join(take(split(type,'/'),2),'/'))}/')&&contains(" +
      "toLower(id),'/${toLower(last(split(type,'/')))}/')",
  );
  const text = template('modules/foundation.bicep');
  assert.match(text, /filter\(dicomServiceIds, id => !isIdOf\(id, dicomType\)\)/);
  assert.match(text, /: isIdOf\(communicationResourceId, communicationType\)\n/);
  assert.equal([...text.matchAll(/fail\('/g)].length, 2);
});

test('only the vaults that are named are brought back, and only vaults that there are can be named', () => {
  const main = template('main.bicep');
  const foundation = template('modules/foundation.bicep');
  const words = (text: string | undefined): readonly string[] => text?.match(/\w+/g) ?? [];
  const known = words(/!contains\(\[([^\]]+)\], vault\)/.exec(main)?.[1]);
  const made = words(/@allowed\(\[([^\]]+)\]\)\nparam vault /.exec(template('modules/vault.bicep'))?.[1]);
  assert.deepEqual(known, made);
  assert.match(main, /: fail\('recoverVaults: expected secrets, webhook or both, comma separated\.'\)/);
  assert.match(foundation, /recover: contains\(recoverVaults, vault\.name\)\n/);
});

test('the app has no setting that Flex Consumption refuses or leaves unread', () => {
  // Azure docs, Flex Consumption plan deprecations.
  const refused =
    /^(FUNCTIONS_(WORKER_RUNTIME|EXTENSION_VERSION)|WEBSITE_\w+|SCM_\w+|ENABLE_ORYX_BUILD|TZ|AzureWebJobsDashboard)/;
  for (const { name } of settings) assert.doesNotMatch(name, refused);
  // Of the rest of a site's configuration most is refused, as linuxFxVersion, ftpsState and alwaysOn are.
  const text = template('modules/functionApp.bicep');
  assert.deepEqual(keysOf(text, 'siteConfig: {'), ['minTlsVersion', 'cors']);
});

test('an app in several zones keeps no single instance warm, which Azure refuses', () => {
  assert.match(
    template('main.bicep'),
    /var warm = zoneRedundant && alwaysReadyInstances == 1\n {2}\? fail\('alwaysReadyInstances: .+'\)\n {2}: alwaysReadyInstances\n[\s\S]*alwaysReadyInstances: warm\n/,
  );
});
