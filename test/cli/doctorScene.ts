// The demo tenant with everything the app needs, and the doctor that looks at it as the app's own identity.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import type { Finding } from '../../cli/doctor/finding.ts';
import { lookHere } from '../../cli/doctor/here.ts';
import { demo } from '../../local/demo.ts';
import { freePorts } from '../../local/ports.ts';
import { startCloud } from '../../local/standIns/cloud.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import { startStorage, type Decide } from '../support/azurite.ts';
import { sample } from '../support/bundle.ts';

export const storage = await startStorage();
export const cloud = await startCloud({ ports: freePorts });
after(() => cloud.close());
process.env['LOCAL_ROUTES'] = JSON.stringify(cloud.urls);
createRequire(import.meta.url)('../../local/preload.cjs');

/** The sample's settings, with storage of the test's own and a signed webhook. */
export const settingsText: Readonly<Record<string, string>> = {
  ...sample,
  AzureWebJobsStorage: storage.settings.connectionString.reveal(),
  IDENTITY_ENDPOINT: `${cloud.urls.managedIdentity}/msi/token`,
  IDENTITY_HEADER: demo.identityHeader,
  CHANGE_FEED_WEBHOOK_AUTH: `hmac:${demo.vaultUrl}/secrets/webhook-key`,
};

export interface Circumstances {
  readonly changes?: Readonly<Record<string, string>>;
  /** Between the doctor and the storage. */
  readonly decide?: Decide;
}

/** What the doctor finds, in a process of its own as far as credentials go. */
export async function examine({ changes, decide }: Circumstances = {}): Promise<readonly Finding[]> {
  const account = decide
    ? { AzureWebJobsStorage: (await storage.account(decide)).connectionString.reveal() }
    : {};
  const environment: Readonly<Record<string, string>> = { ...settingsText, ...account, ...changes };
  // The Azure SDK reads them itself.
  for (const name of ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']) process.env[name] = environment[name];
  return lookHere(parseSettings(environment), createPlatform(systemClock, randomUUID));
}
