// The settings about callers that several capabilities share: whose tokens are believed and which roles they need.
import type { Reader } from './reader.ts';
import type { CallerSettings, CredentialSettings, RequiredRole } from './types.ts';

const guid = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';
const entraHosts =
  /^(login\.microsoftonline\.(com|us)|login\.partner\.microsoftonline\.cn|login\.chinacloudapi\.cn|[\w-]+\.ciamlogin\.com)$/;

/** The tenant of an Entra or Entra External ID issuer, or undefined for any other OIDC issuer. */
export function entraTenant(issuer: string): string | undefined {
  const { host, pathname } = new URL(issuer);
  const form = entraHosts.test(host)
    ? `^/(${guid})/v2\\.0$`
    : host === 'sts.windows.net'
      ? `^/(${guid})/$`
      : '^$';
  return new RegExp(form).exec(pathname)?.[1]?.toLowerCase();
}

function isEntra(issuer: string): boolean {
  const { host } = new URL(issuer);
  return entraHosts.test(host) || host === 'sts.windows.net';
}

/** Issuer and audience go together; neither means that no bearer can be believed. */
export function readCallers(reader: Reader): CallerSettings | undefined {
  const given = { issuer: reader.has('AUTH_ISSUER'), audience: reader.has('AUTH_AUDIENCE') };
  const issuer = given.audience ? reader.required('AUTH_ISSUER') : reader.optional('AUTH_ISSUER');
  const audiences = given.issuer ? reader.required('AUTH_AUDIENCE') : reader.optional('AUTH_AUDIENCE');
  const requiredScope = reader.optional('AUTH_REQUIRED_SCOPE');
  if (issuer === undefined || audiences === undefined || requiredScope === undefined) return undefined;
  if (!isEntra(issuer)) return { issuer, audiences, requiredScope };
  if (entraTenant(issuer) === undefined) {
    reader.problem(
      'AUTH_ISSUER',
      `found "${issuer}"; expected https://login.microsoftonline.com/<tenant GUID>/v2.0: no domain, common or organizations`,
    );
    return undefined;
  }
  // Entra writes its issuer in lower case, whatever case the tenant id was copied in.
  return { issuer: new URL(issuer).href.toLowerCase(), audiences, requiredScope };
}

/** A role that must be chosen; one other than `none` needs issuer and audience to be verifiable. */
export function readRole(
  reader: Reader,
  name: 'AUTH_BACKEND_ROLE' | 'AUTH_OPERATOR_ROLE',
  callers: CallerSettings | undefined,
): RequiredRole | undefined {
  const role = reader.required(name);
  if (role !== undefined && role !== 'none' && callers === undefined && !reader.has('AUTH_ISSUER')) {
    reader.problem('AUTH_ISSUER', `missing; ${name} names a role, which only a verified bearer can carry`);
  }
  return role;
}

export function readCredential(
  reader: Reader,
  name?: 'COMMUNICATION_CLIENT_ID' | 'ROTATION_CLIENT_ID' | 'CHANGE_FEED_CLIENT_ID',
): CredentialSettings {
  const shared = reader.optional('AZURE_CLIENT_ID');
  // Judged only: the Azure SDK reads this one itself.
  reader.optional('AZURE_AUTHORITY_HOST');
  return {
    clientId: (name && reader.optional(name)) ?? shared,
    managedIdentity: reader.has('IDENTITY_ENDPOINT'),
    tokenCredentials: reader.optional('AZURE_TOKEN_CREDENTIALS'),
  };
}
