// State in a folder: a second run goes on where the first one stopped, with the same secrets, tokens and credentials.
import { CommunicationIdentityClient } from '@azure/communication-identity';
import { SecretClient } from '@azure/keyvault-secrets';
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { demo } from '../../../local/demo.ts';
import { freePorts } from '../../../local/ports.ts';
import { appOnlyClaims } from '../../../local/standIns/claims.ts';
import { startCloud, type Cloud } from '../../../local/standIns/cloud.ts';
import { signDemoTokens } from '../../../local/standIns/demoTenant.ts';
import { loadState } from '../../../local/standIns/savedState.ts';

const folder = mkdtempSync(join(tmpdir(), 'saved-state-'));
const running: Cloud[] = [];
after(async () => {
  await Promise.all(running.map((cloud) => cloud.close()));
  rmSync(folder, { recursive: true });
});

async function open(into: string): Promise<Cloud> {
  const cloud = await startCloud({ ports: freePorts, folder: join(folder, into) });
  running.push(cloud);
  process.env['LOCAL_ROUTES'] = JSON.stringify(cloud.urls);
  createRequire(import.meta.url)('../../../local/preload.cjs');
  return cloud;
}

function vault({ directory, tokens }: Cloud): SecretClient {
  const claims = appOnlyClaims(directory, demo.managedIdentity, 'https://vault.azure.net');
  return new SecretClient(demo.vaultUrl, {
    getToken: async () => ({
      token: await tokens.sign({ claims }),
      expiresOnTimestamp: Date.now() + 3_600_000,
    }),
  });
}

async function stateOf(cloud: Cloud): Promise<Record<string, unknown>> {
  return (await (await fetch(`${cloud.urls.faults}/state`)).json()) as Record<string, unknown>;
}

test('a second run knows the secrets, identities, credentials and tokens of the first', async () => {
  const first = await open('kept');
  assert.equal(first.restored, false);
  const { version } = (await vault(first).setSecret('note', 'kept')).properties;
  const user = await new CommunicationIdentityClient(first.communicationConnectionString).createUser();
  const application = first.directory.applications.get(demo.serviceClient.appId);
  assert.ok(application);
  const dates = { startDateTime: new Date(0).toISOString(), endDateTime: new Date(1e13).toISOString() };
  const credential = { keyId: 'k1', displayName: 'd', secretText: 'kept-too', addedAt: 1, ...dates };
  application.passwordCredentials.push(credential);
  application.removedCredentials.push({ credential: { ...credential, keyId: 'k0' }, removedAt: 2 });
  const { bearer } = await signDemoTokens(first.directory, first.tokens);
  const before = await stateOf(first);
  await first.close();

  const second = await open('kept');
  assert.equal(second.restored, true);
  const { value, properties } = await vault(second).getSecret('note');
  assert.deepEqual([value, properties.version], ['kept', version]);
  assert.equal(second.communicationConnectionString, first.communicationConnectionString);
  await new CommunicationIdentityClient(second.communicationConnectionString).getToken(user, ['chat']);
  const restored = second.directory.applications.get(demo.serviceClient.appId);
  assert.deepEqual(restored, application);
  assert.ok(restored.owners.has(demo.managedIdentity.principalId));
  assert.ok(second.directory.has(demo.managedIdentity.principalId, 'DICOM Data Reader'));
  assert.equal((await second.tokens.judge(`Bearer ${bearer}`, demo.api.audience)).ok, true);
  const { managedIdentity, entra, communication, subscriber, ...same } = await stateOf(second);
  assert.ok(managedIdentity && entra && communication && subscriber);
  assert.deepEqual(same, { graph: before['graph'], keyVault: before['keyVault'], dicom: before['dicom'] });
});

test('the state holds secrets, so that only this user may read it', async () => {
  await (await open('private')).close();
  const [file, ...others] = readdirSync(join(folder, 'private'));
  assert.deepEqual([file, others], ['stand-ins.json', []]);
  assert.equal(statSync(join(folder, 'private', 'stand-ins.json')).mode & 0o777, 0o600);
});

test('what changes is saved while the run goes on', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const kept = join(folder, 'interval');
  const cloud = await open('interval');
  cloud.directory.addApplication('Later', { appId: 'later' });
  assert.equal(
    loadState(kept)?.directory.applications.some(({ appId }) => appId === 'later'),
    false,
  );
  t.mock.timers.tick(5000);
  assert.equal(
    loadState(kept)?.directory.applications.some(({ appId }) => appId === 'later'),
    true,
  );
});

test('a file of another kind is not read and not overwritten', async () => {
  const path = join(folder, 'stand-ins.json');
  writeFileSync(path, '{"format":"something-else"}');
  await assert.rejects(
    startCloud({ ports: freePorts, folder }),
    /stand-ins\.json is not the state.*LOCAL_STATE/,
  );
  assert.equal(readFileSync(path, 'utf8'), '{"format":"something-else"}');
});
