// Who calls Graph and what they may do: an application with its app roles, or a person with directory roles behind a delegated token.
import type { Context } from 'hono';
import type { JWTPayload } from 'jose';
import type { Application, Directory, DirectoryRole } from '../directory.ts';
import type { StandInEnv } from '../kit.ts';
import { refused } from './errors.ts';

export interface Caller {
  readonly oid: string;
  /** The delegated permissions of a person's token; undefined for an application's own. */
  readonly scopes: readonly string[] | undefined;
}

export interface GraphRequest {
  readonly c: Context<StandInEnv>;
  readonly caller: Caller;
  /** What the path names. */
  readonly key: string;
}

export function callerIn(claims: JWTPayload): Caller {
  const { oid, scp } = claims;
  return { oid: String(oid), scopes: typeof scp === 'string' ? scp.split(' ') : undefined };
}

/** Throws (403) for a person whose token was not given the permission. */
export function requireScope({ scopes }: Caller, ...anyOf: string[]): void {
  if (!anyOf.some((scope) => scopes?.includes(scope))) throw refused.privileges();
}

export function holds(directory: Directory, { oid }: Caller, ...anyOf: DirectoryRole[]): boolean {
  return directory.people.get(oid)?.directoryRoles.some((role) => anyOf.includes(role)) ?? false;
}

/** OwnedBy reads every application but writes only those of which the caller is an owner; so does a person without a role. */
export function mayWrite(directory: Directory, caller: Caller, application: Application): boolean {
  const { oid, scopes } = caller;
  if (!scopes && directory.has(oid, 'Application.ReadWrite.All')) return true;
  if (holds(directory, caller, 'Application Administrator')) return true;
  const byOwner = scopes !== undefined || directory.has(oid, 'Application.ReadWrite.OwnedBy');
  return byOwner && application.owners.has(oid);
}
