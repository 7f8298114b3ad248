// Microsoft Graph as the operator uses it: finds and makes applications, service principals, owners, app roles and consent.
import type { Principal } from './dicomApi.ts';
import { GraphRequests, type GraphOptions } from './graphRequests.ts';
import { judged, type Grant, type RegisteredApplication, type ResourceAccess } from './graphShapes.ts';

type Found<T> = Promise<T | undefined>;

export interface Assignment {
  readonly principalId: string;
  /** Object id of the API's service principal. */
  readonly resourceId: string;
  readonly appRoleId: string;
}

/** Each write can be repeated: what is there already counts as made. Throws `RegisterProblem` and `AppError`. */
export interface GraphDirectory {
  application(appId: string): Found<RegisteredApplication>;
  applicationsNamed(displayName: string): Promise<readonly RegisteredApplication[]>;
  /** `uniqueName` makes it at most once, however stale the reads before were. */
  makeApplication(uniqueName: string, displayName: string): Promise<RegisteredApplication>;
  /** Replaces the list. */
  requireAccess(objectId: string, access: readonly ResourceAccess[]): Promise<void>;
  principal(key: { readonly id: string } | { readonly appId: string }): Found<Principal>;
  principalsNamed(displayName: string): Promise<readonly Principal[]>;
  /** Those that publish the resource identifier. */
  principalsFor(resource: string): Promise<readonly Principal[]>;
  makePrincipal(appId: string): Promise<Principal>;
  ownerIds(applicationObjectId: string): Promise<readonly string[]>;
  addOwner(applicationObjectId: string, ownerId: string): Promise<void>;
  assignments(principalId: string): Promise<readonly { appRoleId: string; resourceId: string }[]>;
  assign(assignment: Assignment): Promise<void>;
  /** Consent for everybody that the client has. */
  grants(clientPrincipalId: string): Promise<readonly Grant[]>;
  grant(clientPrincipalId: string, resourceId: string, scope: string): Promise<void>;
  widen(grantId: string, scope: string): Promise<void>;
}

const fields = {
  application: '$select=id,appId,displayName,requiredResourceAccess',
  principal:
    '$select=id,appId,displayName,servicePrincipalType,servicePrincipalNames,appRoles,oauth2PermissionScopes',
};

export function createGraphDirectory(options: GraphOptions): GraphDirectory {
  const graph = new GraphRequests(options);
  const root = `${options.endpoint}/v1.0`;
  return { ...applicationsOf(graph, root), ...principalsOf(graph, root), ...consentsOf(graph, root) };
}

const filter = (expression: string): string => `$filter=${encodeURIComponent(expression)}`;
const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

type Applications =
  'application' | 'applicationsNamed' | 'makeApplication' | 'requireAccess' | 'ownerIds' | 'addOwner';

function applicationsOf(graph: GraphRequests, root: string): Pick<GraphDirectory, Applications> {
  const find = (key: string): Found<RegisteredApplication> =>
    graph.find(`${root}/applications(${key})?${fields.application}`, judged.application);
  const application = (appId: string): Found<RegisteredApplication> => find(`appId='${appId}'`);
  return {
    application,
    applicationsNamed: (displayName) =>
      graph.list(
        `${root}/applications?${filter(`displayName eq ${text(displayName)}`)}&${fields.application}`,
        judged.applications,
      ),
    async makeApplication(uniqueName, displayName) {
      const key = `uniqueName='${uniqueName}'`;
      const body = { displayName, signInAudience: 'AzureADMyOrg' };
      const headers = { prefer: 'create-if-missing' };
      const made = await graph.write('PATCH', `${root}/applications(${key})`, body, headers);
      // 204 is for one that was there: a run that was interrupted made it a moment ago.
      const { appId } = made.status === 201 ? judged.application(made) : await graph.settled(() => find(key));
      return graph.settled(() => application(appId));
    },
    async requireAccess(objectId, access) {
      await graph.write('PATCH', `${root}/applications/${objectId}`, { requiredResourceAccess: access });
    },
    async ownerIds(objectId) {
      const owners = await graph.list(`${root}/applications/${objectId}/owners?$select=id`, judged.ids);
      return owners.map(({ id }) => id);
    },
    async addOwner(objectId, ownerId) {
      const reference = { '@odata.id': `${root}/directoryObjects/${ownerId}` };
      await graph.write('POST', `${root}/applications/${objectId}/owners/$ref`, reference);
    },
  };
}

type Principals = 'principal' | 'principalsNamed' | 'principalsFor' | 'makePrincipal';

function principalsOf(graph: GraphRequests, root: string): Pick<GraphDirectory, Principals> {
  const principal: GraphDirectory['principal'] = (key) => {
    const path = 'id' in key ? `/${key.id}` : `(appId='${key.appId}')`;
    return graph.find(`${root}/servicePrincipals${path}?${fields.principal}`, judged.principal);
  };
  const search = (expression: string): Promise<readonly Principal[]> =>
    graph.list(`${root}/servicePrincipals?${filter(expression)}&${fields.principal}`, judged.principals);
  return {
    principal,
    principalsNamed: (displayName) => search(`displayName eq ${text(displayName)}`),
    principalsFor: (resource) => search(`servicePrincipalNames/any(n:n eq ${text(resource)})`),
    async makePrincipal(appId) {
      await graph.write('POST', `${root}/servicePrincipals`, { appId });
      return graph.settled(() => principal({ appId }));
    },
  };
}

function consentsOf(graph: GraphRequests, root: string): Omit<GraphDirectory, Applications | Principals> {
  return {
    assignments: (principalId) =>
      graph.list(`${root}/servicePrincipals/${principalId}/appRoleAssignments`, judged.assignments),
    async assign(assignment) {
      const url = `${root}/servicePrincipals/${assignment.resourceId}/appRoleAssignedTo`;
      await graph.write('POST', url, assignment);
    },
    async grants(clientId) {
      const url = `${root}/oauth2PermissionGrants?${filter(`clientId eq ${text(clientId)}`)}`;
      const all = await graph.list(url, judged.grants);
      return all.filter(({ consentType }) => consentType === 'AllPrincipals');
    },
    async grant(clientId, resourceId, scope) {
      const body = { clientId, consentType: 'AllPrincipals', resourceId, scope };
      await graph.write('POST', `${root}/oauth2PermissionGrants`, body);
    },
    async widen(grantId, scope) {
      await graph.write('PATCH', `${root}/oauth2PermissionGrants/${grantId}`, { scope });
    },
  };
}
