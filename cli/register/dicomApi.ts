// Which service principal is the DICOM service, and which of its permissions a daemon asks for: pure judgement of what Graph found.
import { RegisterProblem } from './problems.ts';

export interface Principal {
  /** Object id. */
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  readonly servicePrincipalType: string;
  readonly servicePrincipalNames: readonly string[];
  readonly appRoles: readonly { readonly id: string; readonly value: string }[];
  readonly scopes: readonly { readonly id: string; readonly value: string }[];
}

export interface Permission {
  readonly type: 'Role' | 'Scope';
  readonly id: string;
  readonly value: string;
}

/** Published by Microsoft; said only where the tenant has no such principal yet, to make it known there. */
const dicomAppId = '75e725bf-66ce-4cea-9b9a-5c4caae57f33';

/**
 * The principal that owns the resource identifier which tokens are asked for: display names are anybody's choice, and
 * "Azure Healthcare APIs" is the FHIR service's.
 */
export function chooseApi(found: readonly Principal[], resource: string): Principal {
  const plain = (name: string): string => name.replace(/\/+$/, '').toLowerCase();
  const owners = found.filter(({ servicePrincipalNames }) =>
    servicePrincipalNames.some((name) => plain(name) === plain(resource)),
  );
  const [only] = owners;
  if (only && owners.length === 1) return only;
  if (!only) {
    throw new RegisterProblem(
      'dicom_api_missing',
      `The tenant does not know the DICOM service: no service principal publishes ${resource}.\n` +
        `Make it known: az ad sp create --id ${dicomAppId} (Azure API for DICOM), or register the provider: az provider register --namespace Microsoft.HealthcareApis.`,
    );
  }
  const list = owners.map(({ appId, displayName }) => `${displayName} (${appId})`).join(', ');
  throw new RegisterProblem(
    'dicom_api_ambiguous',
    `Several service principals publish ${resource}: ${list}.\nLook at them with az ad sp show --id <appId> and remove the wrong one.`,
  );
}

/** An app role where there is one: it is what a daemon can hold. Undefined where the API publishes no permission at all. */
export function choosePermission(api: Principal, wanted: string | undefined): Permission | undefined {
  const roles = api.appRoles.map((role) => ({ type: 'Role' as const, id: role.id, value: role.value }));
  const scopes = api.scopes.map((scope) => ({ type: 'Scope' as const, id: scope.id, value: scope.value }));
  const all = [...roles, ...scopes];
  const names = all
    .map(({ value, type }) => `${value} (${type === 'Role' ? 'app role' : 'scope'})`)
    .join(', ');
  if (wanted !== undefined) {
    const chosen = all.find(({ id, value }) => value === wanted || id === wanted.toLowerCase());
    if (chosen) return chosen;
    throw new RegisterProblem(
      'dicom_permission_unknown',
      `--dicom-permission: "${wanted}" is none of ${api.displayName}; it publishes ${names || 'nothing'}.`,
    );
  }
  const candidates = roles.length > 0 ? roles : scopes;
  if (candidates.length <= 1) return candidates[0];
  throw new RegisterProblem(
    'dicom_permission_ambiguous',
    `${api.displayName} publishes several permissions: choose one with --dicom-permission: ${names}.`,
  );
}
