// App roles and consent in Graph: who holds which permission of which API, and who may decide that.
import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { Directory, Role, ServicePrincipal } from '../directory.ts';
import { graphAppId } from '../microsoftApis.ts';
import { bodyOf, filterOf, guid } from './bodies.ts';
import { refused } from './errors.ts';
import { collection, odata } from './odata.ts';
import { holds, requireScope, type Caller, type GraphRequest } from './rights.ts';
import type { Visible } from './visible.ts';

const grantFields = ['id', 'clientId', 'consentType', 'principalId', 'resourceId', 'scope'];
const assignmentFields = ['id', 'appRoleId', 'principalId', 'resourceId'];

export class Consents {
  readonly #directory: Directory;
  readonly #visible: Visible;

  constructor(directory: Directory, visible: Visible) {
    this.#directory = directory;
    this.#visible = visible;
  }

  assignments({ c, key }: GraphRequest): Response {
    const directory = this.#directory;
    const principal = this.#visible.find(directory.servicePrincipals, key);
    const graph = directory.servicePrincipals.get(graphAppId);
    const graphRoles = (graph?.published?.appRoles ?? [])
      .filter(({ value }) => directory.rolesOf(principal.id).some((role) => role === value))
      .map(({ id }) => ({
        id: `${principal.id}.${id}`,
        appRoleId: id,
        principalId: principal.id,
        resourceId: graph?.id,
      }));
    const others = directory.appRoleAssignments.filter(({ principalId }) => principalId === principal.id);
    const type = 'microsoft.graph.appRoleAssignment';
    return collection(c, 'appRoleAssignments', type, assignmentFields, [...graphRoles, ...others]);
  }

  async assign({ c, caller, key }: GraphRequest): Promise<Response> {
    const directory = this.#directory;
    requireScope(caller, 'AppRoleAssignment.ReadWrite.All');
    const fields = { principalId: guid, resourceId: guid, appRoleId: guid };
    const { principalId, resourceId, appRoleId } = await bodyOf(c, 'appRoleAssignment', fields);
    const api = this.#visible.find(directory.servicePrincipals, key);
    if (resourceId !== api.id) throw refused.badValue('resourceId', 'appRoleAssignment');
    const principal = this.#visible.find(directory.servicePrincipals, principalId);
    const role = api.published?.appRoles.find(({ id }) => id === appRoleId);
    if (!role) throw refused.badValue('appRoleId', 'appRoleAssignment');
    // Azure docs, built-in roles: an Application Administrator consents to everything but application permissions of Graph.
    const admin = api.appId === graphAppId ? [] : (['Application Administrator'] as const);
    if (!holds(directory, caller, 'Privileged Role Administrator', ...admin)) throw refused.privileges();
    const known = directory.appRoleAssignments.some(
      (one) =>
        one.principalId === principalId && one.appRoleId === appRoleId && one.resourceId === resourceId,
    );
    const graphRole = api.appId === graphAppId ? directory.roleNamed(role.value) : undefined;
    if (known || (graphRole && directory.rolesOf(principalId).includes(graphRole))) throw refused.assigned();
    return odata(c, this.#hold(principal, api, appRoleId, graphRole), 201);
  }

  #hold(
    principal: ServicePrincipal,
    api: ServicePrincipal,
    appRoleId: string,
    graphRole: Role | undefined,
  ): object {
    const directory = this.#directory;
    const held = { id: randomUUID(), appRoleId, principalId: principal.id, resourceId: api.id };
    if (graphRole) directory.grant(principal.id, graphRole);
    else directory.appRoleAssignments.push(held);
    return held;
  }

  grants({ c }: GraphRequest): Response {
    const { value } = filterOf(c, /^clientId eq '(?<value>[^']*)'$/);
    const found = this.#directory.permissionGrants.filter(({ clientId }) => clientId === value);
    const type = 'microsoft.graph.oAuth2PermissionGrant';
    return collection(c, 'oauth2PermissionGrants', type, grantFields, found.map(shownGrant));
  }

  async grant({ c, caller }: GraphRequest): Promise<Response> {
    const directory = this.#directory;
    this.#requireConsenter(caller);
    const fields = {
      clientId: guid,
      consentType: z.enum(['AllPrincipals']),
      resourceId: guid,
      scope: z.string(),
    };
    const { clientId, resourceId, scope } = await bodyOf(c, 'oAuth2PermissionGrant', fields);
    this.#visible.find(directory.servicePrincipals, clientId);
    this.#visible.find(directory.servicePrincipals, resourceId);
    if (directory.permissionGrants.some((one) => one.clientId === clientId && one.resourceId === resourceId))
      throw refused.consented();
    const made = { id: randomUUID(), clientId, resourceId, scope };
    directory.permissionGrants.push(made);
    return odata(c, shownGrant(made), 201);
  }

  async widen({ c, caller, key }: GraphRequest): Promise<Response> {
    this.#requireConsenter(caller);
    const { scope } = await bodyOf(c, 'oAuth2PermissionGrant', { scope: z.string() });
    const known = this.#directory.permissionGrants.find(({ id }) => id === key);
    if (!known) throw refused.absent(key);
    known.scope = scope;
    return c.body(null, 204);
  }

  #requireConsenter(caller: Caller): void {
    requireScope(caller, 'DelegatedPermissionGrant.ReadWrite.All');
    const directory = this.#directory;
    if (!holds(directory, caller, 'Application Administrator', 'Privileged Role Administrator'))
      throw refused.privileges();
  }
}

function shownGrant(grant: object): object {
  return { ...grant, consentType: 'AllPrincipals', principalId: null };
}
