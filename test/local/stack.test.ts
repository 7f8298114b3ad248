// What of a shell reaches a local run: the app's settings, and nothing of a real Azure.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreign } from '../../local/stack.ts';
import { table } from '../../src/platform/settings/table.ts';

test('every setting of the app can be set in the shell but those that lead to a real Azure', () => {
  const kept = Object.keys(table).filter((name) => !/^(AZURE|APPLICATIONINSIGHTS)_/.test(name));
  assert.ok(kept.includes('IDENTITY_CLEANUP_SCHEDULE'));
  assert.deepEqual(
    kept.filter((name) => foreign.test(name)),
    [],
  );
});

test('what an identity, a sign-in or a storage account of Azure is known by stays outside', () => {
  const names = [
    'IDENTITY_ENDPOINT',
    'IDENTITY_HEADER',
    'MSI_ENDPOINT',
    'AZURE_CLIENT_SECRET',
    'ARM_TENANT_ID',
  ];
  for (const name of [...names, 'AzureWebJobsStorage__accountName', 'APPLICATIONINSIGHTS_CONNECTION_STRING'])
    assert.match(name, foreign);
});
