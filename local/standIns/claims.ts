// The claims of an app-only access token, as Entra writes them for a managed identity or an application.
import type { JWTPayload } from 'jose';
import type { Directory, Role } from './directory.ts';

export interface Principal {
  readonly clientId: string;
  readonly principalId: string;
}

const graph = 'https://graph.microsoft.com';
/** Only Graph's own application permissions travel in a token; Azure roles are looked up by the service itself. */
const graphPermissions: readonly Role[] = ['Application.ReadWrite.OwnedBy'];

/** The v1 shape, which every resource of this tenant asks for. `resource` becomes `aud` byte for byte. */
export function appOnlyClaims(directory: Directory, principal: Principal, resource: string): JWTPayload {
  const { tenantId } = directory;
  const forGraph = resource.replace(/\/$/, '') === graph;
  const roles = directory.rolesOf(principal.principalId).filter((role) => graphPermissions.includes(role));
  return {
    aud: resource,
    iss: `https://sts.windows.net/${tenantId}/`,
    oid: principal.principalId,
    sub: principal.principalId,
    appid: principal.clientId,
    idp: `https://sts.windows.net/${tenantId}/`,
    tid: tenantId,
    ...(forGraph && roles.length > 0 ? { roles } : {}),
    ver: '1.0',
  };
}
