// The stand-in for Microsoft Graph: who and what it refuses.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import type { Application } from '../../../../local/standIns/directory.ts';
import {
  add,
  assertRefused,
  byAppId,
  call,
  cloud,
  freshApplication,
  graphUrl,
  keyIds,
  readWith,
  type Method,
} from './calls.ts';

let application: Application;

beforeEach(() => {
  application = freshApplication();
});

test('tokens that are missing, malformed, expired, foreign or not signed are refused', async () => {
  const claims = { aud: graphUrl, tid: demo.tenantId, oid: demo.managedIdentity.principalId };
  const { tokens } = cloud;
  const past = Math.floor(cloud.now() / 1000) - 60;
  const bad: [RegExp, string | undefined][] = [
    [/empty/, undefined],
    [/not well formed/, 'Bearer abc'],
    [/expired/, `Bearer ${await tokens.sign({ claims: { ...claims, exp: past } })}`],
    [/audience/, `Bearer ${await tokens.sign({ claims: { ...claims, aud: 'https://vault.azure.net' } })}`],
    [/Signing key/, `Bearer ${await tokens.sign({ claims, sign: 'otherKey' })}`],
    [/not well formed/, `Bearer ${await tokens.sign({ claims, sign: 'none' })}`],
    [/issuer/, `Bearer ${await tokens.sign({ claims: { ...claims, tid: demo.user.oid } })}`],
  ];
  for (const [message, authorization] of bad) {
    assert.match(assertRefused(await readWith(authorization), 401, 'InvalidAuthenticationToken'), message);
  }
  assert.equal((await readWith(`Bearer ${await tokens.sign({ claims })}`)).status, 200);
});

test('who is no owner reads but does not write, and who has no permission does neither', async () => {
  const { keyId } = await add();
  cloud.directory.grant(demo.gateway.principalId, 'Application.ReadWrite.OwnedBy');
  assert.equal((await call('GET', byAppId, undefined, demo.gateway)).status, 200);
  for (const [part, body] of [
    ['addPassword', {}],
    ['removePassword', { keyId }],
  ] as const) {
    const response = await call('POST', `${byAppId}/${part}`, body, demo.gateway);
    assertRefused(response, 403, 'Authorization_RequestDenied');
  }
  const restore = cloud.directory.suspend('Application.ReadWrite.OwnedBy');
  assertRefused(await call('GET', byAppId), 403, 'Authorization_RequestDenied');
  assertRefused(await call('POST', `${byAppId}/addPassword`), 403, 'Authorization_RequestDenied');
  restore();
  assert.deepEqual(await keyIds(), [keyId]);
});

test('an unknown application is not found', async () => {
  const response = await call('GET', `/v1.0/applications(appId='${demo.tenantId}')`);
  assertRefused(response, 404, 'Request_ResourceNotFound');
});

const action = (name: string): string => `${byAppId}/${name}`;
const badRequests: [string, Method, string, unknown, number, string][] = [
  ['an unknown collection', 'GET', '/v1.0/devices/1', undefined, 400, 'BadRequest'],
  ['an unknown navigation', 'GET', action('nothing'), undefined, 400, 'BadRequest'],
  ['another version', 'GET', byAppId.replace('v1.0', 'v9'), undefined, 400, 'BadRequest'],
  ['an id that is no GUID', 'GET', "/v1.0/applications(appId='x')", undefined, 400, 'Request_BadRequest'],
  ['an unknown property in $select', 'GET', `${byAppId}?$select=secret`, undefined, 400, 'BadRequest'],
  ['a method that is not offered', 'PATCH', byAppId, {}, 405, 'Request_BadRequest'],
  ['a read of an action', 'GET', action('addPassword'), undefined, 405, 'Request_BadRequest'],
  ['a body that is no JSON', 'POST', action('addPassword'), '{', 400, 'BadRequest'],
  ['a body that is no object', 'POST', action('addPassword'), '[]', 400, 'BadRequest'],
  ['an unknown parameter', 'POST', action('addPassword'), { password: {} }, 400, 'Request_BadRequest'],
  ['a key id that is no GUID', 'POST', action('removePassword'), { keyId: 'x' }, 400, 'Request_BadRequest'],
];
for (const [what, method, path, body, status, code] of badRequests) {
  test(`${what} is refused as OData does`, async () => {
    assertRefused(await call(method, path, body), status, code);
    assert.deepEqual(application.passwordCredentials, []);
  });
}

const past = '2001-01-01T00:00:00Z';
const badPasswords: [string, object, string][] = [
  ['a chosen secret', { secretText: 'mine' }, 'Request_BadRequest'],
  ['an unknown property', { lifetime: 'P1Y' }, 'Request_BadRequest'],
  ['a name that is no text', { displayName: 1 }, 'BadRequest'],
  ['a date without a zone', { endDateTime: '2099-01-01T00:00:00' }, 'BadRequest'],
  ['an end before its start', { endDateTime: past }, 'Request_BadRequest'],
  ['a life that is over', { startDateTime: '2000-01-01T00:00:00Z', endDateTime: past }, 'Request_BadRequest'],
];
for (const [what, passwordCredential, code] of badPasswords) {
  test(`a password with ${what} is refused`, async () => {
    assertRefused(await call('POST', action('addPassword'), { passwordCredential }), 400, code);
    assert.deepEqual(application.passwordCredentials, []);
  });
}
