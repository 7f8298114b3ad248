// The steps for which an operator may lack the right: consent, the owner, and the Graph app role; then the exact command is told.
import { RegisterProblem } from './problems.ts';
import type { Principal } from './dicomApi.ts';
import { known, type Done, type Facts, type Finding, type Scene, type Step } from './steps.ts';

const graphAppId = '00000003-0000-0000-c000-000000000000';
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A refusal for lack of rights is told with the way out; everything else is thrown on. */
async function permitted(done: string, act: () => Promise<void>, otherwise: () => string): Promise<Done> {
  try {
    await act();
    return { state: 'done', text: done };
  } catch (error) {
    if (!(error instanceof RegisterProblem) || error.code !== 'forbidden') throw error;
    return { state: 'remains', text: otherwise() };
  }
}

export function consentStep({ options, tenantId, directory, facts }: Scene): Step {
  const link = (): string => {
    const { appId } = known(facts.application);
    return `${options.authorityHost}/${tenantId}/adminconsent?client_id=${appId}`;
  };
  const given = async (): Promise<boolean> => {
    const { principal, api, permission } = facts;
    if (!principal || !api || !permission) return false;
    if (permission.type === 'Role') {
      const held = await directory.assignments(principal.id);
      return held.some(({ appRoleId, resourceId }) => appRoleId === permission.id && resourceId === api.id);
    }
    const grants = await directory.grants(principal.id);
    return grants.some((one) => one.resourceId === api.id && one.scope.split(' ').includes(permission.value));
  };
  return {
    name: 'consent',
    async look() {
      const { permission } = facts;
      if (!permission) return { state: 'skipped', text: 'there is nothing to consent to' };
      const text = `consent to ${permission.value} for the tenant`;
      if (await given()) return { state: 'there', text };
      return {
        state: 'todo',
        text: `give ${text}`,
        act: () =>
          permitted(
            text,
            () => consent({ directory, facts }),
            () => `consent to ${permission.value} needs an Application Administrator, who opens: ${link()}`,
          ),
      };
    },
  };
}

async function consent({ directory, facts }: Pick<Scene, 'directory' | 'facts'>): Promise<void> {
  const [principal, api, permission] = [known(facts.principal), known(facts.api), known(facts.permission)];
  if (permission.type === 'Role') {
    await directory.assign({ principalId: principal.id, resourceId: api.id, appRoleId: permission.id });
    return;
  }
  const grant = (await directory.grants(principal.id)).find(({ resourceId }) => resourceId === api.id);
  if (grant) await directory.widen(grant.id, `${grant.scope} ${permission.value}`.trim());
  else await directory.grant(principal.id, api.id, permission.value);
}

const noIdentity: Finding = {
  state: 'skipped',
  text: 'no --function-identity was named: until the function app is an owner it cannot rotate this secret',
};

export function ownerStep({ options, directory, facts }: Scene): Step {
  return {
    name: 'owner',
    async look() {
      if (options.functionIdentity === undefined) return noIdentity;
      const identity = await findIdentity({ directory, facts }, options.functionIdentity);
      const text = `${identity.displayName} (${identity.id}) is an owner of the application`;
      const { application } = facts;
      if (application && (await directory.ownerIds(application.id)).includes(identity.id))
        return { state: 'there', text };
      return {
        state: 'todo',
        text: `make ${identity.displayName} (${identity.id}) an owner of the application`,
        act: () =>
          permitted(
            text,
            () => directory.addOwner(known(facts.application).id, identity.id),
            () =>
              `an owner or an Application Administrator has to run: az ad app owner add --id ${known(facts.application).appId} --owner-object-id ${identity.id}`,
          ),
      };
    },
  };
}

/** A managed identity has no application: it is found by its service principal's object id, its client id or its name. */
async function findIdentity(
  { directory, facts }: { readonly directory: Scene['directory']; readonly facts: Facts },
  wanted: string,
): Promise<Principal> {
  const found = guid.test(wanted)
    ? [(await directory.principal({ id: wanted })) ?? (await directory.principal({ appId: wanted }))]
    : (await directory.principalsNamed(wanted)).filter(
        (one) => one.servicePrincipalType === 'ManagedIdentity',
      );
  const [only, ...more] = found.filter((one) => one !== undefined);
  if (only && more.length === 0) return (facts.identity = only);
  const advice =
    'Its object id: az functionapp identity show --name <app> --resource-group <group> --query principalId.';
  const ids = [only, ...more].map((one) => one?.id).join(', ');
  throw new RegisterProblem(
    'function_identity',
    only
      ? `--function-identity: the tenant has several managed identities named "${wanted}": ${ids}.\n${advice}`
      : `--function-identity: the tenant has no managed identity "${wanted}".\n${advice}`,
  );
}

const enough = ['Application.ReadWrite.OwnedBy', 'Application.ReadWrite.All'];

export function graphRoleStep({ options, directory, facts }: Scene): Step {
  return {
    name: 'graphRole',
    async look() {
      const { identity } = facts;
      if (!identity) return noIdentity;
      const graph = await directory.principal({ appId: graphAppId });
      const role = graph?.appRoles.find(({ value }) => value === enough[0]);
      if (!graph || !role)
        throw new RegisterProblem(
          'graph_role_missing',
          `Microsoft Graph does not publish ${enough.join(' or ')} here.`,
        );
      const held = await directory.assignments(identity.id);
      const ids = graph.appRoles.filter(({ value }) => enough.includes(value)).map(({ id }) => id);
      const text = `${identity.displayName} holds the Graph app role ${role.value}`;
      if (held.some((one) => one.resourceId === graph.id && ids.includes(one.appRoleId)))
        return { state: 'there', text };
      const assignment = { principalId: identity.id, resourceId: graph.id, appRoleId: role.id };
      const url = `${options.graphEndpoint}/v1.0/servicePrincipals/${graph.id}/appRoleAssignedTo`;
      return {
        state: 'todo',
        text: `give ${identity.displayName} the Graph app role ${role.value}`,
        act: () =>
          permitted(
            text,
            () => directory.assign(assignment),
            () =>
              `a Privileged Role Administrator has to run: az rest --method POST --url ${url} --body '${JSON.stringify(assignment)}'`,
          ),
      };
    },
  };
}
