// Entra's token endpoint and keys, driven by the real ClientSecretCredential, by jose and by the Azure SDK's pipeline.
import { ClientAssertionCredential, ClientSecretCredential } from '@azure/identity';
import {
  createDefaultHttpClient,
  createHttpHeaders,
  createEmptyPipeline,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet } from 'jose';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../../local/demo.ts';
import type { Application, StoredCredential } from '../../../local/standIns/directory.ts';
import { createEntra } from '../../../local/standIns/entra.ts';
import { startStandIns } from '../../support/standIns.ts';

const { tenantId } = demo;
const graphScope = 'https://graph.microsoft.com/.default';
const cloud = await startStandIns(({ directory, tokens, now }) => [createEntra({ directory, tokens, now })]);

let made = 0;
function newApplication(...lives: { secretText: string; endsIn?: number; startsIn?: number }[]): Application {
  const application = cloud.directory.addApplication(`App ${made++}`);
  cloud.directory.addServicePrincipal(application.displayName, 'Application', { appId: application.appId });
  application.passwordCredentials = lives.map((life) => credential(life));
  return application;
}

function credential({
  secretText,
  endsIn = 3_600_000,
  startsIn = 0,
}: Parameters<typeof newApplication>[0]): StoredCredential {
  const at = (ms: number) => new Date(cloud.now() + ms).toISOString();
  return {
    ...{ keyId: `key-of-${secretText}`, displayName: null, secretText, addedAt: cloud.now() },
    ...{ startDateTime: at(startsIn), endDateTime: at(endsIn) },
  };
}

async function post(form: Record<string, string>, tenant: string = tenantId) {
  const response = await createEmptyPipeline().sendRequest(
    createDefaultHttpClient(),
    createPipelineRequest({
      url: `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token?client-request-id=from-the-client`,
      method: 'POST',
      headers: createHttpHeaders({ 'content-type': 'application/x-www-form-urlencoded' }),
      body: new URLSearchParams(form).toString(),
    }),
  );
  const body = JSON.parse(response.bodyAsText ?? '') as Record<string, unknown>;
  return { status: response.status, code: [body['error_codes']].flat()[0], body };
}

const form = (appId: string, client_secret: string) => ({
  ...{ grant_type: 'client_credentials', client_id: appId, client_secret, scope: graphScope },
});

test('the real credential gets a token for the application that owns the secret', async () => {
  const application = newApplication({ secretText: 'right' });
  const { token, expiresOnTimestamp } = await new ClientSecretCredential(
    tenantId,
    application.appId,
    'right',
  ).getToken(graphScope);
  const claims = decodeJwt(token);
  assert.equal(claims['appid'], application.appId);
  assert.equal(claims.aud, 'https://graph.microsoft.com');
  assert.equal(claims['oid'], cloud.directory.servicePrincipals.get(application.appId)?.id);
  assert.ok(Math.abs(expiresOnTimestamp - Date.now() - 3_599_000) < 10_000);
});

test('a wrong secret is refused as Entra does, in a body the real credential understands', async () => {
  const { appId } = newApplication({ secretText: 'right' });
  await assert.rejects(
    new ClientSecretCredential(tenantId, appId, 'wrong').getToken(graphScope),
    /AADSTS7000215: Invalid client secret provided/,
  );
  const { status, body } = await post(form(appId, 'wrong'));
  assert.equal(status, 401);
  assert.equal(body['error'], 'invalid_client');
  assert.deepEqual(body['error_codes'], [7000215]);
  assert.equal(body['correlation_id'], 'from-the-client');
  assert.equal(body['error_uri'], 'https://login.microsoftonline.com/error?code=7000215');
  assert.match(
    String(body['error_description']),
    new RegExp(`for a secret added to app '${appId}'\\. Trace ID: .+ Correlation ID: .+ Timestamp: .+Z$`),
  );
});

test('an expired secret is told from a wrong one, and one that is not yet valid is wrong', async () => {
  const { appId } = newApplication(
    { secretText: 'old', endsIn: -1 },
    { secretText: 'early', startsIn: 60_000 },
  );
  assert.equal((await post(form(appId, 'old'))).code, 7000222);
  assert.equal((await post(form(appId, 'early'))).code, 7000215);
  cloud.advance(60_000);
  assert.equal((await post(form(appId, 'early'))).status, 200);
});

test('a secret of the service principal works as well', async () => {
  const { appId } = newApplication();
  cloud.directory.servicePrincipals
    .get(appId)
    ?.passwordCredentials.push(credential({ secretText: 'of-principal' }));
  assert.equal((await post(form(appId, 'of-principal'))).status, 200);
});

test('every other fault of a request has its own code', async () => {
  const { appId } = newApplication({ secretText: 'right' });
  const good = form(appId, 'right');
  const alone = cloud.directory.addApplication('No principal').appId;
  const cases: [number, number, Record<string, string>, string?][] = [
    [900144, 400, { ...good, grant_type: '' }],
    [900144, 400, { ...good, client_id: '' }],
    [900144, 400, { ...good, scope: '' }],
    [70003, 400, { ...good, grant_type: 'password' }],
    [700016, 400, { ...good, client_id: 'nobody' }],
    [7000229, 401, { ...good, client_id: alone }],
    [7000216, 401, { ...good, client_secret: '' }],
    [1002012, 400, { ...good, scope: 'https://graph.microsoft.com/User.Read' }],
    [70011, 400, { ...good, scope: `${graphScope} https://vault.azure.net/.default` }],
    [500011, 400, { ...good, scope: 'https://nowhere.example/.default' }],
    [90002, 400, good, 'other-tenant'],
  ];
  for (const [code, status, request, tenant] of cases) {
    const answer = await post(request, tenant);
    assert.deepEqual([answer.code, answer.status], [code, status], JSON.stringify(answer.body));
  }
  assert.equal((await post(good)).status, 200);
});

test('a new secret reaches the replicas one by one, so that answers flap until all know it', async () => {
  const rule = cloud.faults.add({ service: 'entra', effect: { replicas: 2, lagMs: 10_000 } });
  const application = newApplication({ secretText: 'fresh' });
  const tryTwice = async () => {
    const answers = [
      await post(form(application.appId, 'fresh')),
      await post(form(application.appId, 'fresh')),
    ];
    return answers.map(({ status }) => status).sort();
  };
  const known = () =>
    new RegExp(`"keyId":"key-of-fresh".{0,120}"replicas":2,"knownBy":(\\d)`).exec(cloud.state('entra'))?.[1];
  assert.deepEqual([await tryTwice(), known()], [[401, 401], '0']);
  cloud.advance(5_000);
  assert.deepEqual([await tryTwice(), known()], [[200, 401], '1']);
  cloud.advance(5_000);
  assert.deepEqual([await tryTwice(), known()], [[200, 200], '2']);

  const [gone] = application.passwordCredentials.splice(0);
  assert.ok(gone);
  application.removedCredentials.push({ credential: gone, removedAt: cloud.now() });
  assert.deepEqual(await tryTwice(), [200, 200]);
  cloud.advance(5_000);
  assert.deepEqual(await tryTwice(), [200, 401]);
  cloud.advance(5_000);
  assert.deepEqual(await tryTwice(), [401, 401]);

  const later = newApplication({ secretText: 'after-the-rule' });
  assert.equal((await post(form(later.appId, 'after-the-rule'))).status, 401);
  cloud.faults.remove(rule);
  assert.equal((await post(form(later.appId, 'after-the-rule'))).status, 200);
});

test('replication settings that make no sense are refused', () => {
  for (const effect of [
    { replicas: 0, lagMs: 1 },
    { replicas: 2 },
    { replicas: 2, lagMs: -1 },
    { replicas: 2, lagMs: 1, x: 1 },
  ]) {
    assert.throws(() => cloud.faults.add({ service: 'entra', effect }), /effect: unknown for entra/);
  }
});

test('a federated identity gets in by the assertion its record names, and by no other', async () => {
  const { appId, federatedIdentityCredentials } = newApplication();
  const issuer = `https://login.microsoftonline.com/${tenantId}/v2.0`;
  const assertion = () => cloud.tokenFor(demo.managedIdentity, 'api://AzureADTokenExchange');
  const login = () => new ClientAssertionCredential(tenantId, appId, assertion).getToken(graphScope);
  const record = { id: 'f1', name: 'mi', issuer, subject: demo.managedIdentity.principalId };
  await assert.rejects(login(), /AADSTS700211/);
  federatedIdentityCredentials.push({
    ...record,
    subject: 'else',
    audiences: ['api://AzureADTokenExchange'],
  });
  await assert.rejects(login(), /AADSTS700213/);
  federatedIdentityCredentials.push({ ...record, audiences: ['api://else'] });
  await assert.rejects(login(), /AADSTS700212/);
  federatedIdentityCredentials.push({ ...record, audiences: ['api://AzureADTokenExchange'] });
  assert.equal(decodeJwt((await login()).token)['appid'], appId);

  const forged = await cloud.tokens.sign({
    claims: { iss: issuer, sub: record.subject, aud: 'api://AzureADTokenExchange' },
    sign: 'otherKey',
  });
  const request = {
    grant_type: 'client_credentials',
    client_id: appId,
    scope: graphScope,
    client_assertion: forged,
  };
  assert.equal((await post(request)).code, 50027);
  assert.equal((await post({ ...request, client_assertion: 'no-jwt' })).code, 50027);
});

test('a user token of the issuer verifies with the published keys, and a forged one does not', async () => {
  const get = async (url: string): Promise<Record<string, unknown>> => {
    const answer = await createEmptyPipeline().sendRequest(
      createDefaultHttpClient(),
      createPipelineRequest({ url }),
    );
    return JSON.parse(answer.bodyAsText ?? '') as Record<string, unknown>;
  };
  const discovery = await get(`${demo.issuer}/.well-known/openid-configuration`);
  assert.equal(discovery['issuer'], demo.issuer);
  const keys = createLocalJWKSet((await get(String(discovery['jwks_uri']))) as unknown as JSONWebKeySet);
  const claims = { iss: demo.issuer, aud: demo.api.audience, sub: 'someone' };
  const check = (token: string) =>
    jwtVerify(token, keys, {
      issuer: demo.issuer,
      audience: demo.api.audience,
      currentDate: new Date(cloud.now()),
    });
  assert.equal((await check(await cloud.tokens.sign({ claims }))).payload.sub, 'someone');
  await assert.rejects(check(await cloud.tokens.sign({ claims, sign: 'otherKey' })));
  await assert.rejects(check(await cloud.tokens.sign({ claims, sign: 'none' })));
  const other = await get(`${demo.issuer.replace('-7000-', '-9999-')}/.well-known/openid-configuration`);
  assert.match(String(other['error_description']), /AADSTS90002/);
});

test('the state shows no secret', () => {
  newApplication({ secretText: 'never-shown' });
  const text = cloud.state('entra');
  assert.match(text, /"keyId":"key-of-never-shown"/);
  assert.doesNotMatch(text.replaceAll('key-of-never-shown', ''), /never-shown/);
});
