// What Entra writes into the access token of an application or managed identity, and for which resources it does.
import type { JWTPayload } from 'jose';
import { directoryRoles, type Directory, type Person, type Role } from './directory.ts';

export interface Principal {
  readonly clientId: string;
  readonly principalId: string;
}

const graph = 'https://graph.microsoft.com';
const tokenExchange = 'api://AzureADTokenExchange';
/** Microsoft's own resources that exist in every tenant and that this project has a use for. */
const firstParty = [
  graph,
  tokenExchange,
  'https://vault.azure.net',
  'https://communication.azure.com',
  'https://dicom.healthcareapis.azure.com',
  'https://storage.azure.com',
  'https://management.azure.com',
  'https://monitor.azure.com',
];
/** Only Graph's own application permissions travel in a token; Azure roles are looked up by the service itself. */
export const graphPermissions = [
  'Application.Read.All',
  'Application.ReadWrite.OwnedBy',
  'Application.ReadWrite.All',
] as const satisfies readonly Role[];

/** What the Azure CLI may do in Graph in the name of whoever is signed in to it. */
export const cliPermissions = [
  'Application.ReadWrite.All',
  'AppRoleAssignment.ReadWrite.All',
  'DelegatedPermissionGrant.ReadWrite.All',
  'Directory.AccessAsUser.All',
];
export const azureCliAppId = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

/** Whether the tenant has such a resource; a slash at the end makes no difference. */
export function resourceExists(directory: Directory, resource: string): boolean {
  const wanted = resource.replace(/\/$/, '');
  if (firstParty.includes(wanted)) return true;
  return [...directory.applications.values()].some(({ appId, identifierUris }) =>
    [appId, `api://${appId}`, ...identifierUris].includes(wanted),
  );
}

/** Entra's text where `resourceExists` says no. */
export function resourceMissing(directory: Directory, resource: string): string {
  return (
    `The resource principal named ${resource} was not found in the tenant named ${directory.tenantId}. This can happen if ` +
    'the application has not been installed by the administrator of the tenant or consented to by any user in the ' +
    'tenant. You might have sent your authentication request to the wrong tenant.'
  );
}

/**
 * The v1 shape, which every resource of this tenant asks for but the federated token exchange: its tokens are v2.
 * `resource` becomes `aud` byte for byte.
 */
export function appOnlyClaims(directory: Directory, principal: Principal, resource: string): JWTPayload {
  const { tenantId } = directory;
  const wanted = resource.replace(/\/$/, '');
  const roles = directory
    .rolesOf(principal.principalId)
    .filter((role) => graphPermissions.some((one) => one === role));
  const common = { aud: resource, oid: principal.principalId, sub: principal.principalId, tid: tenantId };
  if (wanted === tokenExchange) {
    const iss = `https://login.microsoftonline.com/${tenantId}/v2.0`;
    return { ...common, iss, azp: principal.clientId, ver: '2.0' };
  }
  const iss = `https://sts.windows.net/${tenantId}/`;
  const granted = wanted === graph && roles.length > 0 ? { roles } : {};
  return { ...common, iss, idp: iss, appid: principal.clientId, ...granted, ver: '1.0' };
}

/** The token of a person who is signed in to the Azure CLI; `wids` are the directory roles that are active for them. */
export function delegatedClaims(
  { tenantId }: Directory,
  { oid, name, directoryRoles: held }: Person,
  resource: string,
): JWTPayload {
  const scp = resource === graph ? cliPermissions.join(' ') : 'user_impersonation';
  return {
    ...{ aud: resource, iss: `https://sts.windows.net/${tenantId}/`, tid: tenantId, oid, sub: oid, name },
    ...{ appid: azureCliAppId, scp, ver: '1.0' },
    wids: held.map((role) => directoryRoles[role]),
  };
}
