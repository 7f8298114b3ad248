// The stand-in for Entra's device code flow: what it refuses, and that only who entered the code is signed in.
import assert from 'node:assert/strict';
import { decodeJwt } from 'jose';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { demo } from '../../../local/demo.ts';
import { azureCliAppId } from '../../../local/standIns/claims.ts';
import { addPeople } from '../../../local/standIns/demoTenant.ts';
import { createEntra } from '../../../local/standIns/entra.ts';
import { startStandIns } from '../../support/standIns.ts';

const cloud = await startStandIns((tenant) => [createEntra(tenant)]);
addPeople(cloud.directory);
const url = `${cloud.urls.entra ?? ''}/${demo.tenantId}/oauth2/v2.0`;
const scope = 'https://graph.microsoft.com/.default offline_access';

async function post(path: string, form: Record<string, string>): Promise<{ status: number; json: unknown }> {
  const reply = await fetch(`${url}/${path}`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: azureCliAppId, ...form }),
  });
  return { status: reply.status, json: await reply.json() };
}

const begun = z.looseObject({ device_code: z.string(), user_code: z.string(), verification_uri: z.string() });
const granted = z.looseObject({ access_token: z.string(), refresh_token: z.string() });

async function refused(form: Record<string, string>, code: number): Promise<void> {
  const { status, json } = await post('token', form);
  assert.deepEqual(
    [status, z.looseObject({ error_codes: z.array(z.int()) }).parse(json).error_codes],
    [400, [code]],
  );
}

async function enter(page: string, code: string, user: string): Promise<number> {
  return (await fetch(page, { method: 'POST', body: new URLSearchParams({ code, user }) })).status;
}

test('a code waits for somebody to enter it, works once, and its refresh token for other resources', async () => {
  const { device_code, user_code, verification_uri } = begun.parse(
    (await post('devicecode', { scope })).json,
  );
  const redeem = { grant_type: 'device_code', device_code };
  await refused(redeem, 70016);
  assert.equal(await enter(verification_uri, 'WRONGCODE', demo.developer.oid), 400);
  assert.equal(await enter(verification_uri, user_code, demo.user.oid), 400);
  await refused(redeem, 70016);
  assert.equal(await enter(verification_uri, user_code, demo.developer.oid), 200);
  const { access_token, refresh_token } = granted.parse((await post('token', redeem)).json);
  const { oid, aud, wids } = decodeJwt(access_token);
  assert.deepEqual([oid, aud, wids], [demo.developer.oid, 'https://graph.microsoft.com', []]);
  await refused(redeem, 70018);
  const refresh = { grant_type: 'refresh_token', scope: 'https://vault.azure.net/.default' };
  const other = granted.parse((await post('token', { ...refresh, refresh_token })).json);
  assert.equal(decodeJwt(other.access_token).aud, 'https://vault.azure.net');
  await refused({ ...refresh, refresh_token: 'x' }, 70000);
});

test('an old code, a foreign client and a foreign tenant are refused', async () => {
  const { device_code } = begun.parse((await post('devicecode', { scope })).json);
  cloud.advance(16 * 60_000);
  await refused({ grant_type: 'device_code', device_code }, 70019);
  await refused({ grant_type: 'device_code', device_code, client_id: demo.api.clientId }, 700016);
  const foreign = await fetch(`${cloud.urls.entra ?? ''}/${demo.user.oid}/oauth2/v2.0/devicecode`, {
    method: 'POST',
  });
  assert.equal(foreign.status, 400);
});
