// The stand-in for Microsoft Graph: registering applications as a person, with the directory's roles, conflicts and late replicas.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { demo } from '../../../../local/demo.ts';
import { delegatedClaims } from '../../../../local/standIns/claims.ts';
import { addPeople } from '../../../../local/standIns/demoTenant.ts';
import type { Application, ServicePrincipal } from '../../../../local/standIns/directory.ts';
import { addMicrosoftApis, dicomApi, graphAppId } from '../../../../local/standIns/microsoftApis.ts';
import { createRestClient, type RestReply } from '../../../../src/platform/restClient.ts';
import { cloud, failure, graphUrl } from './calls.ts';

const { directory, tokens } = cloud;
addMicrosoftApis(directory);
addPeople(directory);
const adminId: string = demo.administrator.oid;
const developerId = demo.developer.oid;

type Method = 'GET' | 'POST' | 'PATCH';
interface Call {
  readonly method: Method;
  readonly path: string;
  readonly body?: object | undefined;
  readonly who?: string;
  readonly scp?: string;
  readonly headers?: Record<string, string>;
}

async function ask({ method, path, body, who = adminId, scp, headers }: Call): Promise<RestReply> {
  const person = directory.people.get(who);
  assert.ok(person);
  const claims = { ...delegatedClaims(directory, person, graphUrl), ...(scp === undefined ? {} : { scp }) };
  const token = await tokens.sign({ claims });
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const rest = createRestClient({ auth: { credential, scope: `${graphUrl}/.default` }, maxRetries: 0 });
  return rest.send({
    ...{ method, url: `${graphUrl}/v1.0/${path}` },
    ...(body ? { body: JSON.stringify(body) } : {}),
    headers: { 'content-type': 'application/json', ...headers },
  });
}

async function refusedWith(call: Call, status: number, code: string): Promise<string> {
  const reply = await ask(call);
  const { error } = failure.parse(JSON.parse(reply.text));
  assert.deepEqual([reply.status, error.code], [status, code], reply.text);
  return error.message;
}

const made = z.looseObject({ id: z.string(), appId: z.string() });
const upsert = (uniqueName: string, who = adminId, headers = { prefer: 'create-if-missing' }): Call => ({
  ...{ method: 'PATCH', path: `applications(uniqueName='${uniqueName}')`, who, headers },
  body: { displayName: `app ${uniqueName}`, signInAudience: 'AzureADMyOrg' },
});

function newApplication(owner = adminId): { application: Application; principal: ServicePrincipal } {
  const application = directory.addApplication(randomUUID());
  application.owners.add(owner);
  const { appId } = application;
  return { application, principal: directory.addServicePrincipal('principal', 'Application', { appId }) };
}

test('an upsert makes an application once, and only where that was wished for', async () => {
  const name = randomUUID();
  await refusedWith({ ...upsert(name), headers: {} }, 404, 'Request_ResourceNotFound');
  const first = await ask(upsert(name, developerId));
  assert.equal(first.status, 201);
  const { appId } = made.parse(JSON.parse(first.text));
  assert.ok(directory.applications.get(appId)?.owners.has(developerId), 'who makes it owns it');
  assert.equal((await ask(upsert(name))).status, 204);
  const found = await ask({ method: 'GET', path: `applications?$filter=displayName eq 'app ${name}'` });
  assert.equal(z.looseObject({ value: z.array(made) }).parse(JSON.parse(found.text)).value.length, 1);
});

test('who does not own an application and holds no role cannot change it, nor can a token without the permission', async () => {
  const { application } = newApplication();
  const bodies: readonly (readonly [Method, string, object])[] = [
    ['PATCH', `applications/${application.id}`, { requiredResourceAccess: [] }],
    ['POST', `applications/${application.id}/addPassword`, {}],
    ['POST', 'servicePrincipals', { appId: application.appId }],
    [
      'POST',
      `applications/${application.id}/owners/$ref`,
      { '@odata.id': `${graphUrl}/v1.0/directoryObjects/${developerId}` },
    ],
  ];
  for (const [method, path, body] of bodies)
    await refusedWith({ method, path, body, who: developerId }, 403, 'Authorization_RequestDenied');
  for (const [method, path, body] of bodies)
    await refusedWith(
      { method, path, body, scp: 'Application.Read.All' },
      403,
      'Authorization_RequestDenied',
    );
});

test('what is there already is refused in Graph’s words', async () => {
  const { application, principal } = newApplication();
  const { appId, id } = application;
  const again = { method: 'POST', path: 'servicePrincipals', body: { appId } } as const;
  assert.match(await refusedWith(again, 409, 'Request_MultipleObjectsWithSameKeyValue'), /already in use/);
  const reference = { '@odata.id': `${graphUrl}/v1.0/directoryObjects/${adminId}` };
  const owner = { method: 'POST', path: `applications/${id}/owners/$ref`, body: reference } as const;
  assert.match(await refusedWith(owner, 400, 'Request_BadRequest'), /already exist .* 'owners'/);
  const grant = {
    ...({ method: 'POST', path: 'oauth2PermissionGrants' } as const),
    body: {
      clientId: principal.id,
      consentType: 'AllPrincipals',
      resourceId: dicomApi.principalId,
      scope: 'a',
    },
  };
  assert.equal((await ask(grant)).status, 201);
  assert.match(
    await refusedWith(grant, 409, 'Request_MultipleObjectsWithSameKeyValue'),
    /entry already exists/,
  );
});

test('consent and app roles take the directory role that Graph asks for', async () => {
  const { principal } = newApplication(developerId);
  const consent = {
    clientId: principal.id,
    consentType: 'AllPrincipals',
    resourceId: dicomApi.principalId,
    scope: 'a',
  };
  const grant = { method: 'POST', path: 'oauth2PermissionGrants', body: consent } as const;
  await refusedWith({ ...grant, who: developerId }, 403, 'Authorization_RequestDenied');
  const graph = directory.servicePrincipals.get(graphAppId);
  const [role] = graph?.published?.appRoles ?? [];
  assert.ok(graph && role);
  const body = { principalId: principal.id, resourceId: graph.id, appRoleId: role.id };
  const assign = { method: 'POST', path: `servicePrincipals/${graph.id}/appRoleAssignedTo`, body } as const;
  const oid = randomUUID();
  directory.people.set(oid, {
    oid,
    name: 'Applications only',
    directoryRoles: ['Application Administrator'],
  });
  await refusedWith({ ...assign, who: oid }, 403, 'Authorization_RequestDenied');
  assert.equal((await ask(assign)).status, 201);
  assert.ok(directory.has(principal.id, 'Application.ReadWrite.OwnedBy'));
  assert.match(await refusedWith(assign, 400, 'Request_BadRequest'), /already exists on the object/);
});

test('a new object is unknown for a while, to reads and to what refers to it', async (t) => {
  const id = cloud.faults.add({ service: 'graph', effect: { creationLagMs: 5_000 } });
  t.after(() => cloud.faults.remove(id));
  const { id: objectId, appId } = made.parse(JSON.parse((await ask(upsert(randomUUID()))).text));
  const read = { method: 'GET', path: `applications(appId='${appId}')` } as const;
  await refusedWith(read, 404, 'Request_ResourceNotFound');
  const update = {
    method: 'PATCH',
    path: `applications/${objectId}`,
    body: { requiredResourceAccess: [] },
  } as const;
  await refusedWith(update, 404, 'Request_ResourceNotFound');
  const principal = { method: 'POST', path: 'servicePrincipals', body: { appId } } as const;
  assert.match(await refusedWith(principal, 400, 'Request_BadRequest'), /valid application object/);
  cloud.advance(5_000);
  assert.equal((await ask(read)).status, 200);
  assert.equal((await ask(principal)).status, 201);
});

const strict: readonly (readonly [string, Call, string])[] = [
  [
    'an unknown filter',
    { method: 'GET', path: "applications?$filter=startswith(displayName,'a')" },
    'Request_UnsupportedQuery',
  ],
  ['no filter', { method: 'GET', path: 'servicePrincipals' }, 'Request_UnsupportedQuery'],
  [
    'an unknown property',
    { method: 'POST', path: 'servicePrincipals', body: { appId: randomUUID(), x: 1 } },
    'Request_BadRequest',
  ],
  [
    'a wrong value',
    { method: 'POST', path: 'servicePrincipals', body: { appId: 'x' } },
    'Request_BadRequest',
  ],
  ['no body', { method: 'POST', path: 'oauth2PermissionGrants' }, 'BadRequest'],
];
for (const [what, call, code] of strict) {
  test(`${what} is refused`, async () => {
    await refusedWith(call, 400, code);
  });
}

test('an application finds none of these endpoints: OwnedBy is not for registering', async () => {
  directory.grant(demo.managedIdentity.principalId, 'Application.ReadWrite.OwnedBy');
  const credential = cloud.credentialFor(demo.managedIdentity);
  const rest = createRestClient({ auth: { credential, scope: `${graphUrl}/.default` }, maxRetries: 0 });
  const reply = await rest.send({ method: 'POST', url: `${graphUrl}/v1.0/servicePrincipals`, body: '{}' });
  assert.equal(reply.status, 400);
});
