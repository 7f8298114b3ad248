// The demo tenant: who is in it, what each may do, and the tokens that its people would sign in with.
import { demo } from '../demo.ts';
import { demoUserClaims } from './admin.ts';
import { appOnlyClaims } from './claims.ts';
import { Directory } from './directory.ts';
import type { Now } from './kit.ts';
import { addMicrosoftApis } from './microsoftApis.ts';
import type { TokenOffice } from './tokens.ts';

const demoTokenHours = 12;

/** The app's managed identity owns the service client's registration, which has no credential yet. */
export function openDemoTenant(now: Now): Directory {
  const directory = new Directory(demo.tenantId, now);
  const { managedIdentity, gateway, serviceClient, api } = demo;
  directory.addServicePrincipal('telehealth-functions', 'ManagedIdentity', {
    id: managedIdentity.principalId,
    appId: managedIdentity.clientId,
  });
  directory.grant(
    managedIdentity.principalId,
    'Application.ReadWrite.OwnedBy',
    'Key Vault Secrets Officer',
    'Communication and Email Service Owner',
    'DICOM Data Reader',
  );
  directory.addServicePrincipal('Imaging gateway (demo)', 'ManagedIdentity', {
    id: gateway.principalId,
    appId: gateway.clientId,
  });
  directory.grant(gateway.principalId, 'DICOM Data Owner');
  const { appId, objectId, principalId, displayName } = serviceClient;
  directory.addApplication(displayName, { id: objectId, appId }).owners.add(managedIdentity.principalId);
  directory.addServicePrincipal(displayName, 'Application', { id: principalId, appId });
  addMicrosoftApis(directory);
  addPeople(directory);
  directory.addApplication('Telehealth API (demo)', { appId: api.clientId, identifierUris: [api.audience] });
  return directory;
}

/** Those who work on the tenant itself. */
export function addPeople(directory: Directory): void {
  const { administrator, developer } = demo;
  directory.people.set(administrator.oid, {
    ...administrator,
    directoryRoles: ['Application Administrator', 'Privileged Role Administrator'],
  });
  directory.people.set(developer.oid, { ...developer, directoryRoles: [] });
  for (const { oid } of [administrator, developer]) directory.grant(oid, 'Key Vault Secrets Officer');
}

/** Bearer tokens for people to try things with, valid for 12 hours: the demo user's, and the imaging gateway's for DICOM. */
export async function signDemoTokens(
  directory: Directory,
  tokens: TokenOffice,
): Promise<{ bearer: string; dicomBearer: string }> {
  const exp = Math.floor(directory.now() / 1000) + demoTokenHours * 3600;
  const dicomClaims = appOnlyClaims(directory, demo.gateway, 'https://dicom.healthcareapis.azure.com');
  const [bearer, dicomBearer] = await Promise.all([
    tokens.sign({ claims: { ...demoUserClaims, exp } }),
    tokens.sign({ claims: { ...dicomClaims, exp } }),
  ]);
  return { bearer, dicomBearer };
}
