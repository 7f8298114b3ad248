// The managed identity endpoint, driven by the real ManagedIdentityCredential and by plain HTTP.
import { ManagedIdentityCredential } from '@azure/identity';
import { decodeJwt } from 'jose';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../../local/demo.ts';
import { createManagedIdentity } from '../../../local/standIns/managedIdentity.ts';
import { startStandIns } from '../../support/standIns.ts';

const second = { clientId: 'c2', principalId: 'p2', resourceId: '/subscriptions/s/identity-two' };
const identityHeader = 'only-the-platform-knows';
const cloud = await startStandIns(({ directory, tokens, now }) => {
  directory.grant(demo.managedIdentity.principalId, 'Application.ReadWrite.OwnedBy', 'DICOM Data Reader');
  return [
    createManagedIdentity({
      ...{ directory, tokens, now, identityHeader },
      identities: [demo.managedIdentity, second],
    }),
  ];
});
const endpoint = `${cloud.urls.managedIdentity ?? ''}/msi/token`;
process.env['IDENTITY_ENDPOINT'] = endpoint;
process.env['IDENTITY_HEADER'] = identityHeader;

async function ask(query: Record<string, string>, header: string | null = identityHeader) {
  const all = new URLSearchParams({
    'api-version': '2019-08-01',
    resource: 'https://vault.azure.net',
    ...query,
  });
  const response = await fetch(`${endpoint}?${all.toString()}`, {
    headers: header === null ? {} : { 'x-identity-header': header },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('the real credential gets a token that carries the Graph permission of its identity', async () => {
  const { token, expiresOnTimestamp } = await new ManagedIdentityCredential().getToken(
    'https://graph.microsoft.com/.default',
  );
  const claims = decodeJwt(token);
  assert.equal(claims.aud, 'https://graph.microsoft.com');
  assert.equal(claims['oid'], demo.managedIdentity.principalId);
  assert.equal(claims['appid'], demo.managedIdentity.clientId);
  assert.deepEqual(claims['roles'], ['Application.ReadWrite.OwnedBy']);
  // The SDK counts from when the answer came, which may be in the next second or still in this one.
  assert.ok(Math.abs(expiresOnTimestamp - (claims.exp ?? 0) * 1000) <= 1000);
  assert.ok(expiresOnTimestamp > cloud.now() + 23 * 3_600_000);
});

test('the credential caches the token, because the resource comes back byte for byte', async () => {
  const before = cloud.log.list().length;
  for (let n = 0; n < 3; n += 1) {
    const { token } = await new ManagedIdentityCredential().getToken(
      'https://communication.azure.com//.default',
    );
    assert.equal(decodeJwt(token).aud, 'https://communication.azure.com/');
    assert.equal(decodeJwt(token)['roles'], undefined);
  }
  assert.equal(cloud.log.list().length, before + 1);
});

test('each assigned identity is found by client id, object id or resource id', async () => {
  const byClient = await new ManagedIdentityCredential({ clientId: 'c2' }).getToken(
    'https://vault.azure.net/.default',
  );
  const byObject = await new ManagedIdentityCredential({ objectId: 'p2' }).getToken(
    'https://vault.azure.net/.default',
  );
  const byResource = await new ManagedIdentityCredential({ resourceId: second.resourceId }).getToken(
    'https://vault.azure.net/.default',
  );
  for (const { token } of [byClient, byObject, byResource]) assert.equal(decodeJwt(token)['oid'], 'p2');
});

test('an identity that is not assigned is refused with the message the SDK shows', async () => {
  await assert.rejects(
    new ManagedIdentityCredential({ clientId: 'nobody' }).getToken('https://vault.azure.net/.default'),
    /No User Assigned or Delegated Managed Identity found for specified ClientId\/ResourceId\/PrincipalId/,
  );
  const { status, body } = await ask({ client_id: 'nobody' });
  assert.equal(status, 400);
  assert.deepEqual(Object.keys(body), ['statusCode', 'message', 'correlationId']);
});

test('without the identity header, or with a wrong one, nobody gets a token', async () => {
  for (const header of [null, '', 'guess']) {
    const { status, body } = await ask({}, header);
    assert.equal(status, 401);
    assert.equal(body['access_token'], undefined);
  }
});

test('a request without a resource, for an unknown one or of another version is refused', async () => {
  assert.equal((await ask({ resource: '' })).status, 400);
  assert.equal((await ask({ 'api-version': '2017-09-01' })).status, 400);
  const { status, body } = await ask({ resource: 'https://nowhere.example' });
  assert.equal(status, 400);
  assert.match(
    String(body['message']),
    /^AADSTS500011: The resource principal named https:\/\/nowhere\.example/,
  );
  assert.equal((await ask({})).status, 200);
});

test('the state names the identities and their roles and no token', async () => {
  const { body } = await ask({});
  assert.equal(cloud.state('managedIdentity').includes(String(body['access_token'])), false);
  assert.match(cloud.state('managedIdentity'), /DICOM Data Reader/);
});
