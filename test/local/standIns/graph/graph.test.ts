// The stand-in for Microsoft Graph: reads, additions and removals as they should go.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import * as z from 'zod/mini';
import { demo } from '../../../../local/demo.ts';
import type { Application } from '../../../../local/standIns/directory.ts';
import {
  add,
  assertRefused,
  byAppId,
  call,
  cloud,
  credentials,
  dayMs,
  freshApplication,
  json,
  keyIds,
  stateText,
} from './calls.ts';

let application: Application;

beforeEach(() => {
  application = freshApplication();
});

test('a new password is shown once and afterwards only by its hint', async () => {
  const added = await add({
    displayName: 'rotation',
    endDateTime: new Date(cloud.now() + 90 * dayMs).toISOString(),
  });
  assert.ok(added.secretText.length >= 16 && added.secretText.length <= 64);
  assert.equal(added.hint, added.secretText.slice(0, 3));
  assert.match(added.endDateTime, /\.\d{7}Z$/);
  assert.equal(Date.parse(added.endDateTime), cloud.now() + 90 * dayMs);

  const read = await call('GET', byAppId);
  assert.ok(!(read.bodyAsText ?? '').includes(added.secretText));
  const [seen] = json(credentials, read).passwordCredentials;
  assert.deepEqual(
    { keyId: seen?.keyId, hint: seen?.hint, secretText: seen?.secretText },
    { keyId: added.keyId, hint: added.hint, secretText: null },
  );
  assert.ok(!stateText().includes(added.secretText));
  assert.match(stateText(), new RegExp(added.keyId));
});

test('without dates a password starts now and lives for two years', async () => {
  const added = await add();
  const end = new Date(cloud.now());
  end.setUTCFullYear(end.getUTCFullYear() + 2);
  assert.deepEqual(
    [Date.parse(added.startDateTime), Date.parse(added.endDateTime)],
    [cloud.now(), end.getTime()],
  );
});

test('an application is found by client id or object id, percent-encoded or not, with what was selected', async () => {
  const { keyId } = await add();
  const select = '?$select=id,passwordCredentials';
  for (const path of [
    `${byAppId}${select}`,
    `/v1.0/applications/${demo.serviceClient.objectId}?%24select=id%2CpasswordCredentials`,
    `/v1.0/applications%28appId%3D%27${demo.serviceClient.appId}%27%29${select}`,
  ]) {
    const response = await call('GET', path);
    const body = z.record(z.string(), z.unknown()).parse(JSON.parse(response.bodyAsText ?? ''));
    assert.deepEqual(Object.keys(body), ['@odata.context', 'id', 'passwordCredentials'], path);
    assert.deepEqual(await keyIds(path), [keyId]);
    assert.equal(Date.parse(response.headers.get('date') ?? ''), Math.floor(cloud.now() / 1000) * 1000);
  }
});

test('owners and federated credentials of an application can be listed', async () => {
  application.federatedIdentityCredentials.push({
    ...{ id: 'f1', name: 'mi', issuer: demo.issuer, subject: demo.managedIdentity.principalId },
    audiences: ['api://AzureADTokenExchange'],
  });
  const owners = await call('GET', `/v1.0/applications/${demo.serviceClient.objectId}/owners?$select=id`);
  assert.match(owners.bodyAsText ?? '', /"@odata.type":"#microsoft.graph.servicePrincipal"/);
  assert.match(owners.bodyAsText ?? '', new RegExp(`"id":"${demo.managedIdentity.principalId}"`));
  const federated = await call('GET', `${byAppId}/federatedIdentityCredentials`);
  assert.match(federated.bodyAsText ?? '', /"subject":"7e1e4ea1-7000-4000-8000-000000000003"/);
});

test('the secrets of the service principal are listed too', async () => {
  const credential = {
    ...{ keyId: 'k1', displayName: 'portal', startDateTime: '2026-01-01T00:00:00Z', addedAt: 0 },
    ...{ endDateTime: '2027-01-01T00:00:00Z', secretText: 'sp-secret-text-16' },
  };
  cloud.directory
    .addServicePrincipal('Imaging', 'Application', { appId: demo.serviceClient.appId })
    .passwordCredentials.push(credential);
  const response = await call(
    'GET',
    `/v1.0/servicePrincipals(appId='${demo.serviceClient.appId}')?$select=id,passwordCredentials`,
  );
  assert.deepEqual(json(credentials, response).passwordCredentials[0]?.keyId, 'k1');
  assert.ok(!(response.bodyAsText ?? '').includes(credential.secretText));
});

test('a removed password leaves the list, and removing it twice says that it is not there', async () => {
  const { keyId } = await add();
  const kept = await add();
  const removed = await call('POST', `${byAppId}/removePassword`, { keyId });
  assert.equal(removed.status, 204);
  assert.deepEqual(await keyIds(), [kept.keyId]);
  assert.deepEqual(
    application.removedCredentials.map(({ credential }) => credential.keyId),
    [keyId],
  );
  const again = await call('POST', `${byAppId}/removePassword`, { keyId });
  assert.match(assertRefused(again, 400, 'Request_BadRequest'), /No password credential found with keyId/);
});
