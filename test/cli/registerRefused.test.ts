// What stops `register-service-client`: before anything is changed wherever that can be known, with what mends it, and without a secret in the words.
import { SecretClient } from '@azure/keyvault-secrets';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { demo } from '../../local/demo.ts';
import { dicomApi } from '../../local/standIns/microsoftApis.ts';
import { administrator, cloud, developer, signedIn, Trial, writesDuring, type Outcome } from './world.ts';

function fault(t: TestContext, rule: object): void {
  const id = cloud.faults.add(rule);
  t.after(() => cloud.faults.remove(id));
}

function vault(): SecretClient {
  return new SecretClient(demo.vaultUrl, signedIn(administrator));
}

/** Runs it, sees that nothing was written, and answers what was said. */
async function stopped(work: () => Promise<Outcome>, expected: string): Promise<string> {
  let message = '';
  const writes = await writesDuring(async () => {
    const { code, document, text } = await work();
    assert.deepEqual([code, document.error?.code], [1, expected], text);
    message = document.error?.message ?? '';
  });
  assert.deepEqual(writes, []);
  return message;
}

test('a developer registers, and is told what an administrator has to do', async () => {
  const trial = new Trial();
  const { code, states, document, text } = await trial.run([], developer);
  assert.equal(code, 3);
  assert.deepEqual(
    states.filter((state) => state.endsWith('remains')),
    ['consent: remains', 'graphRole: remains'],
  );
  assert.equal(trial.versions().length, 1);
  const { appId } = trial.application();
  assert.ok(
    text.includes(`https://login.microsoftonline.com/${demo.tenantId}/adminconsent?client_id=${appId}`),
  );
  assert.match(
    text,
    /az rest --method POST --url https:\/\/graph\.microsoft\.com\S+appRoleAssignedTo --body '/,
  );
  assert.equal(document.changed, true);
  // The administrator completes it, and finds the rest in place.
  assert.equal((await trial.run()).code, 0);
  trial.requireComplete();
});

test('who neither owns an existing application nor administers it is told which role that takes', async () => {
  const trial = new Trial();
  const { appId } = cloud.directory.addApplication(trial.name);
  cloud.directory.addServicePrincipal(trial.name, 'Application', { appId });
  const { code, document } = await trial.run([], developer);
  assert.deepEqual([code, document.error?.code], [1, 'forbidden']);
  assert.match(
    document.error?.message ?? '',
    /Graph answered 403 Authorization_RequestDenied.*\n.*Application Administrator/,
  );
  assert.deepEqual([trial.application().requiredResourceAccess, trial.versions()], [[], []]);
});

test('of two applications with one name none is taken', async () => {
  const trial = new Trial();
  const ids = [1, 2].map(() => cloud.directory.addApplication(trial.name).appId);
  const message = await stopped(() => trial.run(), 'application_ambiguous');
  for (const id of ids) assert.ok(message.includes(id));
  assert.match(message, /--app-id/);
});

test('a client id of no application is no reason to make one', async () => {
  await stopped(() => new Trial().run(['--app-id', randomUUID()]), 'application_missing');
});

test('a name whose letters differ only in case belongs to another application', async () => {
  const trial = new Trial();
  cloud.directory.addApplication(trial.name.toUpperCase());
  assert.equal((await trial.run()).code, 0);
  trial.requireComplete();
});

test('a soft-deleted secret of that name stops it before anything is made', async () => {
  const trial = new Trial();
  await vault().setSecret(trial.secretName, 'x');
  await (await vault().beginDeleteSecret(trial.secretName)).pollUntilDone();
  assert.match(await stopped(() => trial.run(), 'secret_deleted'), /az keyvault secret recover/);
});

test("a secret that is another application's is neither overwritten nor taken for its own", async () => {
  const trial = new Trial();
  await vault().setSecret(trial.secretName, 'x', { tags: { 'rotation-app': randomUUID() } });
  await stopped(() => trial.run(), 'secret_taken');
  cloud.directory.addApplication(trial.name);
  await stopped(() => trial.run(), 'secret_taken');
});

test('an application whose credential was made for another vault or secret gets none for this one', async () => {
  const trial = new Trial();
  await trial.run();
  const elsewhere = new Trial();
  const run = () => elsewhere.run(['--app-id', trial.application().appId]);
  assert.match(await stopped(run, 'other_target'), /az ad app credential delete/);
});

test('a vault that refuses the operator stops it before anything is made', async (t) => {
  fault(t, { service: 'keyVault', effect: { revokePermission: 'Key Vault Secrets Officer' } });
  const message = await stopped(() => new Trial().run(), 'vault_denied');
  assert.match(message, /refuses you/);
  assert.match(message, /az role assignment create/);
});

test('the DICOM service is known by the resource it publishes, not by anybody’s display name', async () => {
  const resource = 'https://dicom.healthcareapis.azure.com';
  const { servicePrincipals } = cloud.directory;
  const real = servicePrincipals.get(dicomApi.appId);
  assert.ok(real);
  servicePrincipals.delete(dicomApi.appId);
  cloud.directory.addServicePrincipal(dicomApi.displayName, 'Application');
  assert.match(await stopped(() => new Trial().run(), 'dicom_api_missing'), /az ad sp create --id/);
  servicePrincipals.set(dicomApi.appId, real);
  const published = { servicePrincipalNames: [resource], appRoles: [], oauth2PermissionScopes: [] };
  const second = cloud.directory.addServicePrincipal('look-alike', 'Application', { published });
  assert.match(await stopped(() => new Trial().run(), 'dicom_api_ambiguous'), new RegExp(second.appId));
  servicePrincipals.delete(second.appId);
});

test('a permission that the API does not publish is named with those that it does', async () => {
  const run = () => new Trial().run(['--dicom-permission', 'Dicom.Delete']);
  assert.match(await stopped(run, 'dicom_permission_unknown'), /Dicom\.ReadWrite \(scope\)/);
});

test('a function identity that does not exist, or shares its name, is not guessed', async () => {
  const trial = new Trial();
  const unknown = () => trial.run(['--function-identity', randomUUID()]);
  assert.match(await stopped(unknown, 'function_identity'), /az functionapp identity show/);
  cloud.directory.addServicePrincipal(trial.functionApp.name, 'ManagedIdentity');
  const twice = () => trial.run(['--function-identity', trial.functionApp.name]);
  assert.ok((await stopped(twice, 'function_identity')).includes(trial.functionApp.principalId));
});

test('a sign-in to another tenant than the one named is refused', async () => {
  const run = () => new Trial().run(['--tenant', randomUUID()]);
  assert.match(await stopped(run, 'tenant_mismatch'), /az login --tenant/);
});

test('Graph’s throttling is waited for, and told where it lasts', async (t) => {
  const rule = { service: 'graph', path: 'servicePrincipals$', method: 'POST' };
  const slow = {
    status: 429,
    headers: { 'Retry-After': '0' },
    body: { error: { code: 'TooManyRequests', message: '' } },
  };
  fault(t, { ...rule, times: 3, effect: slow });
  assert.equal((await new Trial().run()).code, 0);
  fault(t, { ...rule, effect: { ...slow, headers: { 'Retry-After': '600' } } });
  const { code, document } = await new Trial().run();
  assert.deepEqual([code, document.error?.code], [1, 'upstream_throttled']);
  assert.match(document.error?.message ?? '', /in 600 s/);
});

test('a policy that refuses the secret leaves a registration that a later run completes', async (t) => {
  const trial = new Trial();
  const id = cloud.faults.add({ service: 'graph', effect: { maxLifetimeDays: 30 } });
  t.after(() => cloud.faults.remove(id));
  const { code, document } = await trial.run();
  assert.deepEqual([code, document.error?.code], [1, 'lifetime_policy']);
  assert.equal((await trial.run(['--validity-days', '30'])).code, 0);
  trial.requireComplete();
});

test('a publish that is refused takes the new credential away again', async (t) => {
  const trial = new Trial();
  const body = { error: { code: 'Forbidden', message: 'Caller is not authorized' } };
  fault(t, { service: 'keyVault', method: 'PUT', path: trial.secretName, effect: { status: 403, body } });
  const { code, document } = await trial.run();
  assert.deepEqual([code, document.error?.code], [1, 'vault_denied']);
  assert.deepEqual(trial.application().passwordCredentials, []);
});

test('interrupted while the secret is proven, it takes the new credential away and says how to go on', async (t) => {
  const trial = new Trial();
  const interrupt = new AbortController();
  fault(t, { service: 'entra', effect: { replicas: 1, lagMs: 3_600_000 } });
  const application = cloud.directory.addApplication(trial.name);
  cloud.directory.addServicePrincipal(trial.name, 'Application', { appId: application.appId });
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const stop = setInterval(() => {
    if (application.passwordCredentials.length > 0) interrupt.abort();
  }, 1);
  const begun = cloud.now();
  const { code, document } = await trial.run([], undefined, { interrupted: interrupt.signal, log });
  clearInterval(stop);
  assert.deepEqual([code, document.error?.code], [1, 'interrupted']);
  assert.deepEqual(application.passwordCredentials, []);
  assert.equal(application.removedCredentials.length, 1);
  assert.ok(cloud.now() - begun < 120_000, 'it did not wait for the deadline of the proof');
});

const canaries = [
  { service: 'graph', path: 'addPassword', effect: { drop: 'after' } },
  {
    service: 'graph',
    path: 'addPassword',
    effect: { status: 200, body: { secretText: 'abc8Q~cut', keyId: 'x' } },
  },
  { service: 'keyVault', method: 'PUT', effect: { drop: 'after' } },
  { service: 'keyVault', method: 'PUT', effect: { status: 500, body: 'abc8Q~echo' } },
  { service: 'entra', effect: { status: 401, body: 'echo of abc8Q~secret' } },
  {
    service: 'graph',
    path: 'servicePrincipals',
    effect: { status: 400, body: { error: { code: 'x', message: 'eyJhbGciOi8Q~' } } },
  },
];
for (const rule of canaries) {
  test(`no secret, hint or token shows in a run that meets ${JSON.stringify(rule)}`, async (t) => {
    fault(t, rule);
    const trial = new Trial();
    const { text } = await trial.run();
    assert.doesNotMatch(text, /8Q~|eyJ/);
    const made = trial
      .applications()
      .flatMap((one) => [
        ...one.passwordCredentials,
        ...one.removedCredentials.map(({ credential }) => credential),
      ]);
    for (const { secretText } of made) assert.ok(!text.includes(`"${secretText.slice(0, 3)}"`));
  });
}
