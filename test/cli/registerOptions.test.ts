// The options of `register-service-client`, and its choice of the DICOM service and of a permission.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePermission, type Principal } from '../../cli/register/dicomApi.ts';
import { readRegisterOptions } from '../../cli/register/options.ts';

const least = ['--name', 'Imaging', '--vault-url', 'https://kv1.vault.azure.net', '--secret-name', 'dicom'];

test('with the least that is needed everything else has its default', () => {
  assert.deepEqual(readRegisterOptions(least, {}), {
    ...{ name: 'Imaging', appId: undefined, vaultUrl: 'https://kv1.vault.azure.net', secretName: 'dicom' },
    ...{
      tenant: undefined,
      dicomPermission: undefined,
      functionIdentity: undefined,
      auditStorage: undefined,
    },
    ...{ validityDays: 90, dryRun: false, json: false, deviceCode: false, yes: false, local: false },
    graphEndpoint: 'https://graph.microsoft.com',
    authorityHost: 'https://login.microsoftonline.com',
    dicomResource: 'https://dicom.healthcareapis.azure.com',
  });
});

const bad: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['an unknown option', [...least, '--bogus'], /^Unknown option '--bogus'/],
  ['an option without its value', ['--name'], /^Option '--name <value>' argument missing/],
  ['an argument that is no option', [...least, 'extra'], /^Unexpected argument 'extra'/],
  ['no name and no client id', least.slice(2), /--name: missing/],
  ['no vault', least.slice(0, 2), /--vault-url: missing.*\n--secret-name: missing/],
  ['a vault that is not https', [...least, '--vault-url', 'http://kv1'], /--vault-url: expected https:/],
  ['a secret name with a dot', [...least, '--secret-name', 'a.b'], /--secret-name: expected 1 to 127/],
  ['a client id that is none', [...least, '--app-id', 'x'], /--app-id: expected a GUID/],
  ['a life beyond the policy', [...least, '--validity-days', '181'], /--validity-days: expected .* 1 to 180/],
  ['a tenant with a path', [...least, '--tenant', 'a/b'], /--tenant: expected a GUID or a domain/],
  [
    'a storage account by name',
    [...least, '--audit-storage', 'st1'],
    /--audit-storage: expected an https URL/,
  ],
];
for (const [what, args, message] of bad) {
  test(`${what} is refused by name`, () => {
    assert.throws(() => readRegisterOptions(args, {}), { name: 'UsageError', message });
  });
}

test('a sovereign cloud is read from the settings of the app, and a bad one is named', () => {
  const cloud = {
    GRAPH_ENDPOINT: 'https://graph.microsoft.us/',
    DICOM_SCOPE: 'https://dicom.example/.default',
  };
  const options = readRegisterOptions(least, cloud);
  assert.ok(options !== 'help');
  assert.deepEqual(
    [options.graphEndpoint, options.dicomResource],
    ['https://graph.microsoft.us', 'https://dicom.example'],
  );
  assert.throws(
    () => readRegisterOptions(least, { AZURE_AUTHORITY_HOST: 'http://x' }),
    /AZURE_AUTHORITY_HOST: found/,
  );
});

test('help is asked for before anything else is judged', () => {
  assert.equal(readRegisterOptions(['--help'], {}), 'help');
});

const api = (roles: readonly string[], scopes: readonly string[]): Principal => ({
  ...{
    id: 'i',
    appId: 'a',
    displayName: 'API',
    servicePrincipalType: 'Application',
    servicePrincipalNames: [],
  },
  appRoles: roles.map((value) => ({ id: `id-of-${value.toLowerCase()}`, value })),
  scopes: scopes.map((value) => ({ id: `id-of-${value.toLowerCase()}`, value })),
});

test('a daemon asks for the app role there is, else for the scope, else for nothing', () => {
  assert.equal(choosePermission(api(['R'], ['S']), undefined)?.type, 'Role');
  assert.equal(choosePermission(api([], ['S']), undefined)?.type, 'Scope');
  assert.equal(choosePermission(api([], []), undefined), undefined);
});

test('one of several permissions is never guessed, and can be chosen by value or id', () => {
  const several = api(['Read', 'Write'], ['Read']);
  assert.throws(
    () => choosePermission(several, undefined),
    /--dicom-permission: Read \(app role\), Write \(app role\), Read \(scope\)/,
  );
  assert.deepEqual(choosePermission(several, 'Write')?.value, 'Write');
  assert.deepEqual(choosePermission(several, 'ID-OF-WRITE')?.value, 'Write');
});
