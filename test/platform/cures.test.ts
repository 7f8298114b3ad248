// What is said to mend a failure: settings that exist, and for each service the role that lets the app in and where it is given.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cureOf, dependencyNames, needs, type DependencyName } from '../../src/platform/cures.ts';
import { storageNames, table } from '../../src/platform/settings/table.ts';

const kinds = ['refused', 'throttled', 'broken', 'silent', 'odd'] as const;

test('every setting that is named exists', () => {
  const known = new Set<string>([...Object.keys(table), ...storageNames]);
  for (const name of dependencyNames)
    for (const kind of kinds)
      for (const [setting] of cureOf(name, kind).matchAll(/\b[A-Z][A-Z\d]*_[A-Z_\d]+\b/g))
        assert.ok(known.has(setting), `${name} ${kind}: ${setting}`);
});

test('no two services are called alike', () => {
  const names = dependencyNames.map((name) => needs[name].service);
  assert.deepEqual([...new Set(names)], names);
});

const blobs = 'Storage Blob Data Contributor';
const grants: Readonly<Partial<Record<DependencyName, readonly [role: string, scope: string]>>> = {
  stateBlobs: [blobs, 'the account or its container "state"'],
  rotationBlobs: [blobs, 'the account or its container "rotation"'],
  auditBlobs: [blobs, 'the account or its container "audit"'],
  stateTables: [
    'Storage Table Data Contributor',
    'the account or its tables identities, cleanups and cursors',
  ],
  deliveryBlobs: [blobs, 'the account or the container'],
  deliveryQueue: ['Storage Queue Data Contributor', 'the account or the queue'],
  communication: ['Communication and Email Service Owner', 'the ACS resource'],
  keyVault: ['Key Vault Secrets Officer', 'the vault'],
  webhookKey: ['Key Vault Secrets User', 'the vault'],
  dicom: ['DICOM Data Reader', 'the DICOM service'],
};

test('whom a service refuses is told the least of Azure’s own roles that is enough, on that service alone', () => {
  for (const name of dependencyNames) {
    const found = /--role "([^"]+)" --scope <([^>]+)>/.exec(cureOf(name, 'refused'))?.slice(1);
    assert.deepEqual(found, grants[name], name);
  }
});

test('where a service is not found, its own settings are to be checked', () => {
  const state = ['STATE_STORAGE', 'AzureWebJobsStorage'];
  const settings = (name: DependencyName): readonly string[] =>
    [...cureOf(name, 'odd').matchAll(/\b[A-Z][A-Za-z\d]*_[A-Z_\d]+\b|AzureWebJobsStorage/g)].flat();
  assert.deepEqual(Object.fromEntries(dependencyNames.map((name) => [name, settings(name)])), {
    signIn: ['AZURE_CLIENT_ID'],
    ...{ stateBlobs: state, rotationBlobs: state, auditBlobs: state, stateTables: state },
    deliveryBlobs: ['CHANGE_FEED_STORAGE', 'STATE_STORAGE'],
    deliveryQueue: ['CHANGE_FEED_STORAGE', 'STATE_STORAGE'],
    communication: ['COMMUNICATION_SERVICES_ENDPOINT', 'COMMUNICATION_SERVICES_CONNECTION_STRING'],
    keyVault: ['KEY_VAULT_URL'],
    webhookKey: ['CHANGE_FEED_WEBHOOK_AUTH'],
    graph: ['GRAPH_ENDPOINT'],
    entra: ['AZURE_AUTHORITY_HOST'],
    dicom: ['DICOM_SERVICE_URL', 'DICOM_SCOPE'],
    webhook: ['CHANGE_FEED_WEBHOOK_URL'],
    issuer: ['AUTH_ISSUER'],
  });
});
