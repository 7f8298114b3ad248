// The steps of a registration: each looks whether its part is in place, and can put it there.
import { sha256Hex } from '../../src/platform/hash.ts';
import { chooseApi, choosePermission, type Permission, type Principal } from './dicomApi.ts';
import type { GraphDirectory } from './graphDirectory.ts';
import type { RegisteredApplication } from './graphShapes.ts';
import type { RegisterOptions } from './options.ts';
import { RegisterProblem } from './problems.ts';

/** `remains`: somebody else has to do it, and `text` says how. */
export interface Done {
  readonly state: 'done' | 'remains';
  readonly text: string;
}

export type Finding =
  | { readonly state: 'there' | 'skipped'; readonly text: string }
  | { readonly state: 'todo'; readonly text: string; readonly act: () => Promise<Done> };

export interface Step {
  readonly name: string;
  /** Reads only. Throws where nothing should be changed at all. */
  look(): Promise<Finding>;
}

/** What is known so far; later steps stand on what earlier ones found or made. */
export interface Facts {
  application?: RegisteredApplication;
  principal?: Principal;
  api?: Principal;
  permission?: Permission;
  identity?: Principal;
}

export interface Scene {
  readonly options: RegisterOptions;
  readonly tenantId: string;
  readonly directory: GraphDirectory;
  readonly facts: Facts;
}

export function applicationStep({ options, tenantId, directory, facts }: Scene): Step {
  const { appId } = options;
  const name = options.name ?? '';
  const find = async (): Promise<RegisteredApplication | undefined> => {
    if (appId === undefined) return onlyOne(await directory.applicationsNamed(name), name);
    const found = await directory.application(appId);
    if (found) return found;
    throw new RegisterProblem(
      'application_missing',
      `--app-id: the tenant has no application with this client id.\nLook for it: az ad app list --filter "appId eq '${appId}'".`,
    );
  };
  return {
    name: 'application',
    async look() {
      const found = await find();
      if (found) {
        facts.application = found;
        return { state: 'there', text: `application "${found.displayName}" (${found.appId})` };
      }
      return {
        state: 'todo',
        text: `create the application "${name}"`,
        async act() {
          // The key is what keeps a second run from making a second one while Graph's reads are stale.
          const uniqueName = `service-client-${sha256Hex(`${tenantId}/${name}`).slice(0, 12)}`;
          const made = await directory.makeApplication(uniqueName, name);
          facts.application = made;
          return { state: 'done', text: `application "${made.displayName}" (${made.appId})` };
        },
      };
    },
  };
}

function onlyOne(found: readonly RegisteredApplication[], name: string): RegisteredApplication | undefined {
  const exact = found.filter(({ displayName }) => displayName === name);
  if (exact.length <= 1) return exact[0];
  const ids = exact.map(({ appId }) => appId).join(', ');
  throw new RegisterProblem(
    'application_ambiguous',
    `--name: the tenant has ${String(exact.length)} applications named "${name}".\nSay which with --app-id: ${ids}.`,
  );
}

export function principalStep({ directory, facts }: Scene): Step {
  return {
    name: 'servicePrincipal',
    async look() {
      const { application } = facts;
      const found = application && (await directory.principal({ appId: application.appId }));
      if (found) {
        facts.principal = found;
        return { state: 'there', text: `its service principal (${found.id})` };
      }
      return {
        state: 'todo',
        text: 'create its service principal',
        async act() {
          const made = await directory.makePrincipal(known(facts.application).appId);
          facts.principal = made;
          return { state: 'done', text: `its service principal (${made.id})` };
        },
      };
    },
  };
}

/** The permission appears on the application's page in the portal, as after the walk-through by hand. */
export function permissionStep({ options, directory, facts }: Scene): Step {
  return {
    name: 'dicomPermission',
    async look() {
      const api = chooseApi(await directory.principalsFor(options.dicomResource), options.dicomResource);
      const permission = choosePermission(api, options.dicomPermission);
      facts.api = api;
      if (!permission) {
        return {
          state: 'skipped',
          text: `${api.displayName} publishes no permission to ask for: a role assignment in Azure decides alone`,
        };
      }
      facts.permission = permission;
      const what = `${permission.value} (${permission.type === 'Role' ? 'app role' : 'delegated: there is no app role for daemons'}) of ${api.displayName}`;
      if (facts.application && asksFor(facts.application, api, permission))
        return { state: 'there', text: `asks for ${what}` };
      return {
        state: 'todo',
        text: `ask for ${what}`,
        async act() {
          const application = known(facts.application);
          await directory.requireAccess(application.id, accessWith(application, api, permission));
          return { state: 'done', text: `asks for ${what}` };
        },
      };
    },
  };
}

function asksFor(
  { requiredResourceAccess }: RegisteredApplication,
  api: Principal,
  { id, type }: Permission,
): boolean {
  return requiredResourceAccess.some(
    ({ resourceAppId, resourceAccess }) =>
      resourceAppId === api.appId && resourceAccess.some((one) => one.id === id && one.type === type),
  );
}

/** Graph replaces the whole list: what the application asks for besides stays in it. */
function accessWith(
  { requiredResourceAccess }: RegisteredApplication,
  { appId }: Principal,
  { id, type }: Permission,
): RegisteredApplication['requiredResourceAccess'] {
  const others = requiredResourceAccess.filter(({ resourceAppId }) => resourceAppId !== appId);
  const same = requiredResourceAccess.filter(({ resourceAppId }) => resourceAppId === appId);
  const kept = same.flatMap(({ resourceAccess }) => resourceAccess);
  return [...others, { resourceAppId: appId, resourceAccess: [...kept, { id, type }] }];
}

/** For what an earlier step has found or made by the time another one acts. */
export function known<T>(fact: T | undefined): T {
  if (fact === undefined) throw new Error('a step acted before the one it stands on');
  return fact;
}
