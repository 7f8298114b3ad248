// Who may do what in the DICOM stand-in, and what its state and its refusals give away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import { dicomFile, uidsOf } from '../../../../local/dicomFiles.ts';
import { appOnlyClaims } from '../../../../local/standIns/claims.ts';
import type { TokenRequest } from '../../../../local/standIns/tokens.ts';
import { dicomResource, startDicom } from '../../../support/dicom.ts';

const dicom = await startDicom();
const stranger = { clientId: 'stranger', principalId: 'stranger' };
const headers = { 'content-type': 'application/dicom' };
const claims = appOnlyClaims(dicom.directory, demo.gateway, dicomResource);

const latest = async (authorization?: string) =>
  fetch(`${dicom.urls.dicom ?? ''}/v1/changefeed/latest`, {
    headers: authorization ? { authorization } : {},
  });

test('a reader reads and neither stores nor deletes', async () => {
  const as = demo.managedIdentity;
  const body = dicomFile({ study: 'reader' });
  assert.equal((await dicom.call('/v1/changefeed', { as })).status, 200);
  const stored = await dicom.call('/v2/studies', { method: 'POST', body, headers, as });
  assert.deepEqual([stored.status, stored.text], [403, 'Authorization failed.']);
  await dicom.store(body);
  const path = `/v2/studies/${uidsOf({ study: 'reader' }).study}`;
  assert.equal((await dicom.call(path, { method: 'DELETE', as })).status, 403);
  assert.equal((await dicom.call(`${path}/metadata`, { as })).status, 200);
});

test('somebody without a role is refused, and so is a reader whose role is taken away', async () => {
  assert.equal((await dicom.call('/v1/changefeed', { as: stranger })).status, 403);
  const id = dicom.faults.add({ service: 'dicom', effect: { revokePermission: 'DICOM Data Reader' } });
  assert.equal((await dicom.call('/v1/changefeed', { as: demo.managedIdentity })).status, 403);
  dicom.faults.remove(id);
  assert.equal((await dicom.call('/v1/changefeed', { as: demo.managedIdentity })).status, 200);
});

test('missing, expired, foreign and forged tokens get 401 with a challenge and no body', async () => {
  const requests: readonly TokenRequest[] = [
    { claims: { ...claims, exp: Math.floor(dicom.now() / 1000) - 1 } },
    { claims: { ...claims, aud: 'https://graph.microsoft.com' } },
    { claims, sign: 'otherKey' },
    { claims, sign: 'none' },
  ];
  const bad = await Promise.all(requests.map((request) => dicom.tokens.sign(request)));
  for (const authorization of [undefined, 'Basic x', 'Bearer x', ...bad.map((token) => `Bearer ${token}`)]) {
    const reply = await latest(authorization);
    assert.equal(reply.status, 401, authorization);
    assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer/);
    assert.equal(await reply.text(), '');
  }
  assert.equal((await latest(`Bearer ${await dicom.tokens.sign({ claims })}`)).status, 200);
});

test('the state tells counts and sequences, and nothing of the patients or their images', async () => {
  const state = dicom.state('dicom');
  assert.deepEqual(JSON.parse(state), {
    [new URL(demo.dicomUrl).host]: { latestSequence: '1', changes: 1, instances: 1 },
    'telehealth-archive.dicom.azurehealthcareapis.com': { latestSequence: '0', changes: 0, instances: 0 },
  });
  assert.equal(/2\.25\.|Fictitious/.test(state), false);
});
