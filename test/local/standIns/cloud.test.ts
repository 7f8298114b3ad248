// The whole demo tenant in one process: its people can do what they may and no more, through the real clients.
import { CommunicationIdentityClient } from '@azure/communication-identity';
import type { TokenCredential } from '@azure/core-auth';
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineFromOptions,
  createPipelineRequest,
  type HttpMethods,
} from '@azure/core-rest-pipeline';
import { ClientSecretCredential, ManagedIdentityCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { decodeJwt } from 'jose';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { demo } from '../../../local/demo.ts';
import { freePorts } from '../../../local/ports.ts';
import { startCloud } from '../../../local/standIns/cloud.ts';
import { signDemoTokens } from '../../../local/standIns/demoTenant.ts';

const cloud = await startCloud({ ports: freePorts });
after(() => cloud.close());
process.env['LOCAL_ROUTES'] = JSON.stringify(cloud.urls);
process.env['IDENTITY_ENDPOINT'] = `${cloud.urls.managedIdentity}/msi/token`;
process.env['IDENTITY_HEADER'] = cloud.identityHeader;
createRequire(import.meta.url)('../../../local/preload.cjs');

const app = new ManagedIdentityCredential();
const application = `https://graph.microsoft.com/v1.0/applications(appId='${demo.serviceClient.appId}')`;
const dicomScope = 'https://dicom.healthcareapis.azure.com/.default';

async function send(
  credential: TokenCredential,
  scopes: string,
  method: HttpMethods,
  url: string,
  body?: object,
) {
  const pipeline = createPipelineFromOptions({ retryOptions: { maxRetries: 0 } });
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes }));
  const json = body ? { body: JSON.stringify(body) } : {};
  const headers = createHttpHeaders(body ? { 'content-type': 'application/json' } : {});
  const request = createPipelineRequest({
    url,
    method,
    headers,
    ...json,
  });
  const response = await pipeline.sendRequest(createDefaultHttpClient(), request);
  const text = response.bodyAsText ?? '';
  return {
    status: response.status,
    body: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>,
  };
}

async function state(): Promise<{ text: string; services: string[] }> {
  const text = await (await fetch(`${cloud.urls.faults}/state`)).text();
  return { text, services: Object.keys(JSON.parse(text) as object) };
}

test('the app can mint a credential for the service client, sign in with it and publish it, and no state shows it', async () => {
  const graphScope = 'https://graph.microsoft.com/.default';
  const minted = await send(app, graphScope, 'POST', `${application}/addPassword`, {
    passwordCredential: {},
  });
  assert.equal(minted.status, 200);
  const secret = String(minted.body['secretText']);
  const client = new ClientSecretCredential(demo.tenantId, demo.serviceClient.appId, secret);
  assert.equal(decodeJwt((await client.getToken(graphScope)).token)['oid'], demo.serviceClient.principalId);
  const vault = new SecretClient(demo.vaultUrl, app);
  await vault.setSecret(demo.serviceClient.secretName, secret);
  assert.equal((await vault.getSecret(demo.serviceClient.secretName)).value, secret);

  const foreign = await send(client, graphScope, 'POST', `${application}/addPassword`, {
    passwordCredential: {},
  });
  assert.equal(foreign.status, 403);
  const { text, services } = await state();
  assert.match(text, new RegExp(String(minted.body['keyId'])));
  assert.equal(text.includes(secret), false);
  assert.deepEqual(services, [
    ...['managedIdentity', 'entra', 'graph', 'keyVault', 'communication', 'dicom', 'subscriber'],
  ]);
});

test('the app issues tokens with its identity, and the resource takes its access key too', async () => {
  for (const client of [
    new CommunicationIdentityClient(demo.communicationEndpoint, app),
    new CommunicationIdentityClient(cloud.communicationConnectionString),
  ]) {
    const { token, user } = await client.createUserAndToken(['chat']);
    assert.match(user.communicationUserId, new RegExp(`^8:acs:${demo.communicationResourceId}_`));
    assert.equal((await state()).text.includes(token), false);
  }
});

test('the app reads the change feed and cannot delete, the gateway can', async () => {
  const { dicomBearer, bearer } = await signDemoTokens(cloud.directory, cloud.tokens);
  const gateway: TokenCredential = {
    getToken: async () => ({ token: dicomBearer, expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  const study = `${demo.dicomUrl}/v2/studies/2.25.1`;
  assert.equal((await send(app, dicomScope, 'GET', `${demo.dicomUrl}/v2/changefeed`)).status, 200);
  assert.equal((await send(app, dicomScope, 'DELETE', study)).status, 403);
  assert.equal((await send(gateway, dicomScope, 'DELETE', study)).status, 404);

  const user = decodeJwt(bearer);
  assert.deepEqual([user.iss, user.aud, user['scp']], [demo.issuer, demo.api.audience, 'access_as_user']);
  assert.equal((user.exp ?? 0) - (user.iat ?? 0), 12 * 3600);
});

test('each service accepts its own effects at the admin endpoint, and a revoked permission stops the app', async () => {
  const post = (rule: object) =>
    fetch(`${cloud.urls.faults}/faults`, { method: 'POST', body: JSON.stringify(rule) }).then(
      ({ status }) => status,
    );
  const own = [
    { service: 'entra', effect: { replicas: 2, lagMs: 1 } },
    { service: 'graph', effect: { staleReads: 1 } },
    { service: 'dicom', effect: { gap: 1 } },
    { service: 'dicom', effect: { lateCommit: { sequences: 1, ms: 1 } } },
    { service: 'dicom', effect: { poison: 1 } },
    { service: 'dicom', effect: { reset: true } },
    { service: 'dicom', effect: { revokePermission: 'DICOM Data Reader' } },
  ];
  for (const rule of own) assert.equal(await post(rule), 201, JSON.stringify(rule));
  assert.equal(await post({ service: 'keyVault', effect: { replicas: 2, lagMs: 1 } }), 400);
  assert.equal((await send(app, dicomScope, 'GET', `${demo.dicomUrl}/v2/changefeed`)).status, 403);
  await fetch(`${cloud.urls.faults}/faults`, { method: 'DELETE' });
  assert.equal((await send(app, dicomScope, 'GET', `${demo.dicomUrl}/v2/changefeed`)).status, 200);
});

test('a busy port names its setting, and what had started is closed again', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const free = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => free.once('listening', resolve));
  const { port: first } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  await assert.rejects(startCloud({ ports: { ...freePorts, managedIdentity: first, keyVault: port } }), {
    message: new RegExp(`^Port ${port} is in use: .*LOCAL_PORT_KEY_VAULT`),
  });
  await assert.rejects(fetch(`http://127.0.0.1:${first}/`));
});
