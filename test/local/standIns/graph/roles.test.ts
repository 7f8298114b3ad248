// What each application permission of Graph lets a daemon do with an application that it does not own.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Role } from '../../../../local/standIns/directory.ts';
import { byAppId, call, cloud, freshApplication } from './calls.ts';

const cases: readonly (readonly [Role, number, number])[] = [
  ['Application.Read.All', 200, 403],
  ['Application.ReadWrite.OwnedBy', 200, 403],
  ['Application.ReadWrite.All', 200, 200],
  ['DICOM Data Owner', 403, 403],
];
for (const [role, reads, writes] of cases) {
  test(`${role}: a read of any application is answered ${reads}, a new secret ${writes}`, async () => {
    freshApplication();
    const principal = { clientId: randomUUID(), principalId: randomUUID() };
    cloud.directory.grant(principal.principalId, role);
    for (const part of ['', '/owners', '/federatedIdentityCredentials']) {
      assert.equal((await call('GET', byAppId + part, undefined, principal)).status, reads, part);
    }
    assert.equal((await call('POST', `${byAppId}/addPassword`, {}, principal)).status, writes);
  });
}

test('an owner that may only read adds no secret', async () => {
  const principal = { clientId: randomUUID(), principalId: randomUUID() };
  cloud.directory.grant(principal.principalId, 'Application.Read.All');
  freshApplication().owners.add(principal.principalId);
  assert.equal((await call('POST', `${byAppId}/addPassword`, {}, principal)).status, 403);
});
