// Gives the demo tenant its past: a service client whose secret is about to expire, and an imaging service with a few files.
import { SecretClient } from '@azure/keyvault-secrets';
import { randomUUID } from 'node:crypto';
import { displayNameOf, attemptId, targetOf } from '../src/rotation/target.ts';
import { createRestClient, type RestClient } from '../src/platform/restClient.ts';
import { demo } from './demo.ts';
import { demoFiles } from './dicomFiles.ts';
import type { Principal } from './standIns/claims.ts';
import type { Cloud } from './standIns/cloud.ts';
import { credentialOf } from './standIns/credential.ts';

/** Short enough for the rotation to be due, long enough for nobody to be hurt. */
const secretDaysLeft = 5;
const dayMs = 86_400_000;

export interface Seeded {
  /** Key id of the credential that is about to expire; undefined in a tenant that goes on from an earlier run. */
  readonly keyId: string | undefined;
  /** How many DICOM files were stored. */
  readonly files: number;
}

/** The application by its client id and object id, and where its secret is kept. */
export interface ServiceClient {
  readonly appId: string;
  readonly objectId: string;
  readonly secretName: string;
}

/** A tenant that was restored from LOCAL_STATE has a past of its own and is left as it is. */
export async function seed(cloud: Cloud): Promise<Seeded> {
  if (cloud.restored) return { keyId: undefined, files: 0 };
  const [keyId, files] = await Promise.all([seedSecret(cloud, demo.serviceClient), seedImages(cloud)]);
  return { keyId, files };
}

/** As an earlier run of the rotation would have left it: minted for this target, published with its tags. Answers its key id. */
export async function seedSecret(
  cloud: Cloud,
  { appId, objectId, secretName }: ServiceClient,
): Promise<string> {
  const now = cloud.directory.now();
  const client = {
    appId,
    secretName,
    tenantId: demo.tenantId,
    validityDays: 90,
    beforeDays: 30,
    overlapHours: 168,
    retire: 'remove',
  } as const;
  const displayName = displayNameOf(
    targetOf(client, demo.vaultUrl).id,
    attemptId(now - 85 * dayMs, randomUUID()),
  );
  const graph = signedClient(cloud, demo.managedIdentity, 'https://graph.microsoft.com');
  const endDateTime = new Date(now + secretDaysLeft * dayMs).toISOString();
  const reply = await graph.send({
    method: 'POST',
    url: `https://graph.microsoft.com/v1.0/applications(appId='${appId}')/addPassword`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ passwordCredential: { displayName, endDateTime } }),
  });
  const { keyId, secretText } = JSON.parse(reply.text) as { keyId: string; secretText: string };
  const vault = new SecretClient(demo.vaultUrl, credentialOf(cloud, demo.managedIdentity));
  await vault.setSecret(secretName, secretText, {
    expiresOn: new Date(endDateTime),
    tags: {
      CredentialId: keyId,
      ProviderAddress: objectId,
      ValidityPeriodDays: '90',
      'rotation-app': appId,
    },
  });
  return keyId;
}

async function seedImages(cloud: Cloud): Promise<number> {
  const dicom = signedClient(cloud, demo.gateway, 'https://dicom.healthcareapis.azure.com');
  const files = demoFiles();
  for (const file of files) await storeDicom(dicom, file);
  return files.length;
}

/** Stores one file over STOW-RS as an imaging gateway would. Throws when the service refuses it. */
async function storeDicom(client: RestClient, file: Uint8Array): Promise<void> {
  const reply = await client.send({
    method: 'POST',
    url: `${demo.dicomUrl}/v2/studies`,
    headers: { 'content-type': 'application/dicom', accept: 'application/dicom+json' },
    body: file,
  });
  if (reply.status !== 200) throw new Error(`the DICOM stand-in answered ${reply.status} to a demo file`);
}

function signedClient(cloud: Cloud, principal: Principal, resource: string): RestClient {
  return createRestClient({
    auth: { credential: credentialOf(cloud, principal), scope: `${resource}/.default` },
    maxRetries: 0,
  });
}
