// Deploys infra/ in memory as azd does, from its variables: what Azure would be asked to make.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import file from '../../infra/main.parameters.json' with { type: 'json' };
import { deploy, type Resource } from './bicep/deployment.ts';
import { resourceId } from './bicep/functions.ts';
import { declarations, root, template } from './files.ts';

export type { Resource } from './bicep/deployment.ts';

export const group = { subscriptionId: '7e1e4ea1-7000-4000-8000-0000000000aa', name: 'clinic' };

export interface Made {
  readonly all: readonly Resource[];
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What distinguishes the names of this deployment. */
  readonly token: string;
  /** Those of a type such as `KeyVault/vaults`. */
  readonly of: (type: string) => readonly Resource[];
  /** The only one of a type. */
  readonly one: (type: string) => Resource;
}

export const id = (type: string, ...names: readonly string[]): string =>
  resourceId(group, `Microsoft.${type}`, names);

/** What azd asks for. */
const answers: Readonly<Record<string, string>> = {
  ...{ AZURE_ENV_NAME: 'clinic', AZURE_LOCATION: 'somewhere' },
  ...{ AUTH_OPERATOR_ROLE: 'Operators', AUTH_BACKEND_ROLE: 'Backends' },
  ...{ CHANGE_FEED_START: 'latest', COMMUNICATION_DATA_LOCATION: 'Europe' },
};

const types = new Map(
  declarations(template('main.bicep'))
    .filter(({ kind }) => kind === 'param')
    .map(({ name, rest }) => [name, /\w+/.exec(rest)?.[0]]),
);

/** Throws what the templates refuse. `settings` and `limits` are those that are written into the file of parameters itself. */
export function made(
  variables: Readonly<Record<string, string>> = {},
  settings: Readonly<Record<string, string>> = {},
  where = group,
  limits: Readonly<Record<string, string | undefined>> = {},
): Made {
  const chosen = { ...answers, ...variables };
  const given: Record<string, unknown> = {};
  for (const [name, { value }] of Object.entries<{ readonly value: unknown }>(file.parameters))
    given[name] =
      typeof value === 'string' ? typed(types.get(name), filled(value, chosen)) : filledAll(value, chosen);
  given['settings'] = { ...(given['settings'] as object), ...settings };
  given['alertLimits'] = { ...(given['alertLimits'] as object), ...limits };
  const { resources, outputs } = deploy(join(root, 'infra/main.bicep'), where, given, azure);
  const of = (type: string): readonly Resource[] =>
    resources.filter((resource) => resource.type === `Microsoft.${type}`);
  return {
    ...{ all: resources, outputs, of },
    token: String(outputs['FUNCTION_APP_NAME']).replace('func-', ''),
    one(type) {
      const [first, ...more] = of(type);
      assert.ok(first && more.length === 0, `${more.length + (first ? 1 : 0)} of ${type}`);
      return first;
    },
  };
}

/** `${NAME}` and `${NAME=default}`; what is empty is as good as not set, as for azd. */
function filled(value: string, chosen: Readonly<Record<string, string>>): string {
  return value.replaceAll(
    /\$\{(\w+)(?:=(\w*))?\}/g,
    (_, name: string, fallback?: string) => (chosen[name] ?? '') || (fallback ?? ''),
  );
}

function filledAll(value: unknown, chosen: Readonly<Record<string, string>>): unknown {
  return JSON.parse(filled(JSON.stringify(value), chosen));
}

function typed(type: string | undefined, value: string): unknown {
  return type === 'string' ? value : (JSON.parse(value) as unknown);
}

/** What Azure says of a resource once it is there. */
function azure(type: string, name: string): Readonly<Record<string, unknown>> {
  const endpoint = (kind: string): string => `https://${name}.${kind}.core.windows.net/`;
  const said: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    userAssignedIdentities: { principalId: `principal of ${name}`, clientId: `client of ${name}` },
    storageAccounts: {
      primaryEndpoints: { blob: endpoint('blob'), queue: endpoint('queue'), table: endpoint('table') },
    },
    components: { ConnectionString: `connection of ${name}` },
    sites: { defaultHostName: `${name}.azurewebsites.net` },
    communicationServices: { hostName: `${name}.europe.communication.azure.com` },
    dicomservices: { serviceUrl: `https://${name.replace('/', '-')}.DICOM.azurehealthcareapis.com` },
  };
  return said[type.split('/').at(-1) ?? ''] ?? {};
}
