// `register-service-client` in a tenant of stand-ins: what it makes, what it leaves alone, and that the rotation can go on from there.
import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { demo } from '../../local/demo.ts';
import { subjectHash } from '../../src/platform/hash.ts';
import { dicomApi } from '../../local/standIns/microsoftApis.ts';
import { createLog } from '../../src/platform/log.ts';
import { withinBudget } from '../../src/platform/run.ts';
import { createRotation } from '../../src/rotation/rotation.ts';
import { auditRecords, dayMs, platformFor, settingsFor } from '../rotation/tenant.ts';
import { developer, Trial, clock, cloud, writesDuring } from './world.ts';

const noLine = (line: string) => assert.fail(line);

test('a fresh registration is complete, and the function app can rotate it from then on', async () => {
  const trial = new Trial();
  const { code, document, states } = await trial.run();
  assert.equal(code, 0);
  trial.requireComplete();
  assert.deepEqual(
    states.slice(0, 7).filter((state) => !state.endsWith('done')),
    [],
  );
  const { appId } = trial.application();
  assert.deepEqual(document.settings, {
    KEY_VAULT_URL: demo.vaultUrl,
    SERVICE_CLIENT_APP_ID: appId,
    SERVICE_CLIENT_TENANT_ID: demo.tenantId,
    SERVICE_CLIENT_SECRET_NAME: trial.secretName,
  });
  cloud.advance(61 * dayMs);
  const policy = { validityDays: 90, beforeDays: 30, overlapHours: 168, retire: 'remove' } as const;
  const client = { appId, tenantId: demo.tenantId, secretName: trial.secretName, ...policy };
  const platform = { ...platformFor(), credential: () => cloud.credentialFor(trial.functionApp) };
  const rotation = createRotation(settingsFor(client), platform);
  const frame = { requestId: 'r', budgetMs: 240_000, clock, shutdown: new AbortController().signal };
  const log = createLog({ info: () => undefined, warn: noLine, error: noLine });
  const { clients } = await withinBudget(frame, (run) => rotation.run({}, { log, run, actor: 'timer' }));
  assert.deepEqual(
    clients.map(({ outcome, error }) => [outcome, error]),
    [['rotated', undefined]],
  );
});

test('a second run changes nothing and says so', async () => {
  const trial = new Trial();
  await trial.run();
  const writes = await writesDuring(async () => {
    const { code, document, states } = await trial.run();
    assert.deepEqual([code, document.changed], [0, false]);
    assert.deepEqual(
      states.filter((state) => !state.endsWith('there')),
      [],
    );
  });
  assert.deepEqual(writes, []);
});

test('a dry run says what would be done and writes nothing', async () => {
  const trial = new Trial();
  const writes = await writesDuring(async () => {
    const { code, document, states } = await trial.run(['--dry-run']);
    assert.deepEqual([code, document.dryRun, document.changed], [0, true, false]);
    assert.deepEqual(
      states.slice(0, 7).filter((state) => !state.endsWith('would')),
      [],
    );
  });
  assert.deepEqual(writes, []);
  assert.deepEqual(trial.applications(), []);
});

test('an existing registration is taken by its client id, and what it asks for besides stays', async () => {
  const trial = new Trial();
  const application = cloud.directory.addApplication(trial.name);
  const other = {
    resourceAppId: randomUUID(),
    resourceAccess: [{ id: randomUUID(), type: 'Scope' as const }],
  };
  application.requiredResourceAccess = [other];
  const { code } = await trial.run(['--app-id', application.appId]);
  assert.equal(code, 0);
  const [kept, ...added] = application.requiredResourceAccess;
  assert.deepEqual(kept, other);
  assert.equal(added.length, 1);
});

test('an app role is asked for and assigned where the API publishes one', async (t) => {
  const { servicePrincipals, appRoleAssignments } = cloud.directory;
  const real = servicePrincipals.get(dicomApi.appId);
  assert.ok(real?.published);
  t.after(() => servicePrincipals.set(dicomApi.appId, real));
  const appRoles = [{ id: randomUUID(), value: 'Dicom.Daemon' }];
  servicePrincipals.set(dicomApi.appId, { ...real, published: { ...real.published, appRoles } });
  const trial = new Trial();
  assert.equal((await trial.run()).code, 0);
  const [asked] = trial.application().requiredResourceAccess ?? [];
  assert.deepEqual(asked?.resourceAccess, [{ id: appRoles[0]?.id, type: 'Role' }]);
  const principal = servicePrincipals.get(trial.application().appId);
  assert.equal(appRoleAssignments.filter(({ principalId }) => principalId === principal?.id).length, 1);
  assert.equal((await trial.run()).document.changed, false);
});

test('the function app is found by its client id and by its name too', async () => {
  for (const way of ['clientId', 'name'] as const) {
    const trial = new Trial();
    const { code } = await trial.run(['--function-identity', trial.functionApp[way]]);
    assert.equal(code, 0);
    trial.requireComplete();
  }
});

test('an application of which the tenant has just learnt is waited for, by Graph and by Entra', async (t) => {
  const rules = [
    cloud.faults.add({ service: 'graph', effect: { creationLagMs: 9_000 } }),
    cloud.faults.add({ service: 'entra', effect: { replicas: 3, lagMs: 20_000 } }),
  ];
  t.after(() => {
    rules.forEach((id) => cloud.faults.remove(id));
  });
  const trial = new Trial();
  const { code } = await trial.run();
  assert.equal(code, 0);
  trial.requireComplete();
});

test('a write whose answer was lost is sent again, and what is there by then counts as made', async () => {
  const inner = createDefaultHttpClient();
  const repeated: string[] = [];
  const httpClient: HttpClient = {
    async sendRequest(request) {
      const part = /servicePrincipals$|ref$|appRoleAssignedTo$|Grants$/.exec(
        new URL(request.url).pathname,
      )?.[0];
      if (request.method !== 'POST' || part === undefined) return inner.sendRequest(request);
      repeated.push(part);
      await inner.sendRequest(request);
      return inner.sendRequest(request);
    },
  };
  const trial = new Trial();
  const { code, text } = await trial.run([], undefined, { httpClient });
  assert.equal(code, 0, text);
  assert.equal(new Set(repeated).size, 4);
  trial.requireComplete();
});

test('what the command does is recorded with the operator as a hash, and a dry run is not', async () => {
  const trial = new Trial();
  const audit = platformFor().audit(settingsFor().state, settingsFor().credential);
  const recorded = async () =>
    (await auditRecords()).filter(({ subject }) => subject === `${trial.name}/${trial.secretName}`);
  const { document } = await trial.run([], developer, { audit });
  assert.equal(document.recorded, true);
  assert.equal((await trial.run(['--dry-run'], developer, { audit })).document.recorded, false);
  const records = await recorded();
  // The developer may not consent for the tenant: that much is still to be done.
  assert.deepEqual(records.map(({ outcome }) => outcome).sort(), ['asked', 'pending']);
  for (const { action, actor } of records) {
    assert.equal(action, 'client.register');
    assert.equal(actor, `user:${subjectHash(`entra.${demo.tenantId}.${demo.developer.oid}`)}`);
  }
});

test('nothing is done where it could not be recorded', async () => {
  const trial = new Trial();
  const broken = { record: () => Promise.reject(new Error('no storage')) };
  const writes = await writesDuring(async () => {
    assert.equal((await trial.run([], undefined, { audit: broken })).code, 1);
  });
  assert.deepEqual(writes, []);
});

test('a person is asked before anything is changed, and who does not agree changes nothing', async () => {
  const trial = new Trial();
  const writes = await writesDuring(async () => {
    const { code, document } = await trial.run([], undefined, { confirm: async () => false });
    assert.deepEqual([code, document.error?.code], [1, 'declined']);
  });
  assert.deepEqual(writes, []);
  assert.equal((await trial.run([], undefined, { confirm: async () => true })).code, 0);
  trial.requireComplete();
});
