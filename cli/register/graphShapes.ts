// Judges Graph's answers to the registration: the shapes of what was found, and what each refusal means.
import * as z from 'zod/mini';
import type { RestReply } from '../../src/platform/restClient.ts';
import { errorIn, waitOf } from '../../src/rotation/graphAnswers.ts';
import type { Principal } from './dicomApi.ts';
import { RegisterProblem } from './problems.ts';

const access = z.object({ id: z.string(), type: z.enum(['Role', 'Scope']) });
const resourceAccess = z.object({ resourceAppId: z.string(), resourceAccess: z.array(access) });
const applicationShape = z.object({
  id: z.guid(),
  appId: z.guid(),
  displayName: z.string(),
  requiredResourceAccess: z.array(resourceAccess),
});
export type RegisteredApplication = z.infer<typeof applicationShape>;
export type ResourceAccess = z.infer<typeof resourceAccess>;

const permission = { id: z.guid(), value: z.nullish(z.string()), isEnabled: z.boolean() };
const principalShape = z.object({
  id: z.guid(),
  appId: z.guid(),
  displayName: z.string(),
  servicePrincipalType: z.string(),
  servicePrincipalNames: z.array(z.string()),
  appRoles: z.array(z.object({ ...permission, allowedMemberTypes: z.array(z.string()) })),
  oauth2PermissionScopes: z.array(z.object(permission)),
});
const assignmentShape = z.object({ appRoleId: z.guid(), resourceId: z.guid() });
const grantShape = z.object({
  id: z.string(),
  resourceId: z.guid(),
  consentType: z.string(),
  scope: z.string(),
});
export type Grant = z.infer<typeof grantShape>;

function read<T>(reply: RestReply, shape: z.ZodMiniType<T>): T {
  if (reply.status >= 300) throw graphProblem(reply);
  try {
    return shape.parse(JSON.parse(reply.text));
  } catch {
    throw new RegisterProblem(
      'upstream_failed',
      'Microsoft Graph gave an answer that does not have its documented shape.',
    );
  }
}

function pageOf<T>(
  item: z.ZodMiniType<T>,
): z.ZodMiniType<{ value: T[]; '@odata.nextLink'?: string | undefined }> {
  return z.object({ value: z.array(item), '@odata.nextLink': z.optional(z.string()) });
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

function toPage<T>(reply: RestReply, item: z.ZodMiniType<T>): Page<T> {
  const { value, '@odata.nextLink': next } = read(reply, pageOf(item));
  return { items: value, next };
}

function usable(found: z.infer<typeof principalShape>): Principal {
  const { id, appId, displayName, servicePrincipalType, servicePrincipalNames } = found;
  const named = ({ isEnabled, value }: { isEnabled: boolean; value?: string | null | undefined }): boolean =>
    isEnabled && !!value;
  const plain = (one: { id: string; value?: string | null | undefined }): { id: string; value: string } => ({
    id: one.id.toLowerCase(),
    value: one.value ?? '',
  });
  const forDaemons = found.appRoles.filter(({ allowedMemberTypes }) =>
    allowedMemberTypes.includes('Application'),
  );
  return {
    ...{ id, appId, displayName, servicePrincipalType, servicePrincipalNames },
    appRoles: forDaemons.filter(named).map(plain),
    scopes: found.oauth2PermissionScopes.filter(named).map(plain),
  };
}

export const judged = {
  application: (reply: RestReply): RegisteredApplication => read(reply, applicationShape),
  applications: (reply: RestReply): Page<RegisteredApplication> => toPage(reply, applicationShape),
  principal: (reply: RestReply): Principal => usable(read(reply, principalShape)),
  principals: (reply: RestReply): Page<Principal> => {
    const { items, next } = toPage(reply, principalShape);
    return { items: items.map(usable), next };
  },
  ids: (reply: RestReply): Page<{ id: string }> => toPage(reply, z.object({ id: z.guid() })),
  assignments: (reply: RestReply): Page<z.infer<typeof assignmentShape>> => toPage(reply, assignmentShape),
  grants: (reply: RestReply): Page<Grant> => toPage(reply, grantShape),
};

/** The refusals that say: what was asked for is there already. */
export function isThereAlready(reply: RestReply): boolean {
  const { code, message } = errorIn(reply);
  if (reply.status === 409) return code === 'Request_MultipleObjectsWithSameKeyValue';
  return reply.status === 400 && /already exists? (?:on the object|for the following)/.test(message);
}

/** A replica that does not know yet what was made a moment ago. */
export function isUnsettled(reply: RestReply): boolean {
  if (reply.status === 404) return errorIn(reply).code === 'Request_ResourceNotFound';
  return reply.status === 400 && /does not reference a valid application object/.test(errorIn(reply).message);
}

/** Graph's own code and request id are shown, its words are not. */
export function graphProblem(reply: RestReply): RegisterProblem {
  const { code } = errorIn(reply);
  const origin = `Graph answered ${String(reply.status)} ${code}, request-id ${reply.header('request-id') ?? 'none'}`;
  if (reply.status === 403)
    return new RegisterProblem(
      'forbidden',
      `Microsoft Graph does not let you do this (${origin}).\nYou need to be an owner of the application or an Application Administrator (Entra portal, Roles and administrators).`,
    );
  if (reply.status === 401)
    return new RegisterProblem(
      'unauthenticated',
      `Microsoft Graph does not take your sign-in (${origin}).\nSign in again: az login.`,
    );
  if (reply.status === 429) {
    const seconds = Math.ceil((waitOf(reply) ?? 60_000) / 1000);
    return new RegisterProblem(
      'upstream_throttled',
      `Microsoft Graph is throttling (${origin}).\nRun this again in ${String(seconds)} s: what was done stays done.`,
    );
  }
  return new RegisterProblem(
    'upstream_failed',
    `Microsoft Graph refused or failed (${origin}).\nRun this again: what was done stays done.`,
  );
}
