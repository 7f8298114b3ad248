// The app as the deployment leaves it, around stand-ins: its package, its settings, and an identity for each job with the roles of the table.
import { SecretClient } from '@azure/keyvault-secrets';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { demo } from '../../local/demo.ts';
import { startHostProcess, type HostProcess } from '../../local/hostProcess.ts';
import { freePorts } from '../../local/ports.ts';
import { startAzurite } from '../../local/azurite.ts';
import { credentialOf } from '../../local/standIns/credential.ts';
import { startCloud } from '../../local/standIns/cloud.ts';
import { signDemoTokens } from '../../local/standIns/demoTenant.ts';
import { listen, withFrame } from '../../local/standIns/kit.ts';
import { createManagedIdentity } from '../../local/standIns/managedIdentity.ts';
import { makeContents, settingNames } from '../infra/contents.ts';
import { deployed, known } from '../infra/deployment.ts';
import { StorageRights } from '../infra/rights.ts';
import { apiOf, type Api } from './api.ts';
import { startMonitorReceiver } from './azureMonitor.ts';
import { packagedApp } from './packagedApp.ts';
import { startStorageFront } from './storageFront.ts';

export const jobs = ['communication', 'rotation', 'changeFeed'] as const;
type Principal = 'host' | (typeof jobs)[number];
const principals: readonly Principal[] = ['host', ...jobs];
const identities = principals.map((name) => ({
  ...{ name, clientId: known[`${name}ClientId`] ?? assert.fail(name), principalId: crypto.randomUUID() },
}));
/** Each job has its own, and the host one more. */
export const identityOf = (name: Principal) =>
  identities.find((one) => one.name === name) ?? assert.fail(name);
const accounts: Readonly<Record<string, string>> = {
  sthostabc: 'host',
  ststateabc: 'state',
  stdelivabc: 'deliveries',
};

export const azurite = await startAzurite({ ports: freePorts });
export const cloud = await startCloud({ ports: freePorts });
const { directory, tokens, faults, log } = cloud;
for (const { name, clientId: appId, principalId: id } of identities)
  directory.addServicePrincipal(`id-${name}`, 'ManagedIdentity', { id, appId });
directory.grant(identityOf('communication').principalId, 'Communication and Email Service Owner');
directory.grant(identityOf('changeFeed').principalId, 'DICOM Data Reader', 'Key Vault Secrets Officer');
directory.grant(
  identityOf('rotation').principalId,
  'Application.ReadWrite.OwnedBy',
  'Key Vault Secrets Officer',
);
directory.applications.get(demo.serviceClient.appId)?.owners.add(identityOf('rotation').principalId);
const [first = assert.fail(), ...rest] = identities;
const assigned = createManagedIdentity({
  ...{ directory, tokens, now: Date.now, identityHeader: demo.identityHeader, identities: [first, ...rest] },
});
const identityEndpoint = await listen(withFrame(assigned, faults, log), 0);
/** Where the platform hands out tokens of the identities. */
export const identityEnvironment = {
  IDENTITY_ENDPOINT: `${identityEndpoint.url}/msi/token`,
  IDENTITY_HEADER: demo.identityHeader,
};
export const monitor = await startMonitorReceiver();

/** By object id of the identity and name of the account. */
export const rights = new Map(
  identities.flatMap(({ name, principalId }) =>
    Object.entries(accounts).map(([account, of]) => [
      `${principalId} ${account}`,
      new StorageRights(name, of, settingNames),
    ]),
  ),
);
/** Callers that are none of these. */
export const strangers: string[] = [];
export const front = await startStorageFront({
  ...{ tokens, connectionString: azurite.connectionString },
  decide({ principalId, account }, request, service) {
    const own = rights.get(`${principalId} ${account}`);
    if (own) return own.decide(request, service);
    strangers.push(`${principalId} ${account}`);
    return 403;
  },
});
const folder = mkdtempSync(join(tmpdir(), 'telehealth-deployed-'));
const hosts: HostProcess[] = [];
after(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  await Promise.all([front.close(), monitor.close(), identityEndpoint.close(), cloud.close()]);
  await azurite.close();
  rmSync(folder, { recursive: true, force: true });
});

const routes = JSON.stringify({ ...cloud.urls, storage: front.url, monitor: monitor.url });
process.env['LOCAL_ROUTES'] = routes;
createRequire(import.meta.url)('../../local/preload.cjs');
await makeContents(azurite.connectionString);
const vault = new SecretClient(demo.vaultUrl, credentialOf(cloud, identityOf('rotation')));
await vault.setSecret('webhook-key', randomBytes(32).toString('base64'));

export const settings = deployed(
  {
    ...{ communication: true, rotation: true, changeFeed: true },
    settings: {
      CHANGE_FEED_SINKS: 'blob,queue,webhook',
      CHANGE_FEED_METADATA: 'full',
      SERVICE_CLIENT_APP_ID: demo.serviceClient.appId,
      SERVICE_CLIENT_TENANT_ID: demo.tenantId,
      SERVICE_CLIENT_SECRET_NAME: demo.serviceClient.secretName,
    },
  },
  {
    ...known,
    keyVaultUrl: demo.vaultUrl,
    dicomServiceUrls: demo.dicomUrl,
    communicationEndpoint: demo.communicationEndpoint,
    webhookUrl: demo.webhookUrl,
    webhookAuth: `hmac:${demo.vaultUrl}/secrets/webhook-key`,
  },
);
export const keys = { master: 'master-key-of-this-test', function: 'function-key-of-this-test' };
const app = await packagedApp(folder);
export const people = { ...(await signDemoTokens(directory, tokens)), userId: 'nurse-1' };

/** One more host with the app, with other settings in place of the deployment's. */
export async function startApp(more: Readonly<Record<string, string>> = {}): Promise<Started> {
  const lines: string[] = [];
  const host = await startHostProcess({
    ...{ kind: 'local', port: 0, app, keys, onLine: (line) => lines.push(line) },
    environment: {
      ...settings,
      ...more,
      ...identityEnvironment,
      LOCAL_ROUTES: routes,
    },
  });
  hosts.push(host);
  const azure = { ...cloud.urls, storage: azurite.connectionString };
  const api = apiOf({
    ...{ pid: process.pid, keys, demo: people, azure },
    host: { kind: 'local', url: host.url, keysEnforced: true },
  });
  return { host, api, output: () => lines.join('\n') };
}

export interface Started {
  readonly host: HostProcess;
  readonly api: Api;
  readonly output: () => string;
}
