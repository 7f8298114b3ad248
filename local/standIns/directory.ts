// The tenant that Entra, Graph, Key Vault, ACS and DICOM share: its applications, principals and the roles they hold.
import { randomUUID } from 'node:crypto';
import type { Now } from './kit.ts';

export interface StoredCredential {
  readonly keyId: string;
  readonly displayName: string | null;
  readonly startDateTime: string;
  readonly endDateTime: string;
  /** Held so that Entra can compare; Graph shows it once and `GET /state` never. */
  readonly secretText: string;
  /** When Graph took it, for Entra's replication delay. */
  readonly addedAt: number;
}

export interface FederatedCredential {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

export interface Application {
  /** Object id; `appId` is the client id. */
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  readonly signInAudience: string;
  /** What clients may ask a token for, besides the client id, e.g. `api://telehealth-functions`. */
  readonly identifierUris: readonly string[];
  passwordCredentials: StoredCredential[];
  /** Removed ones, which replicas still know for a while. */
  removedCredentials: { credential: StoredCredential; removedAt: number }[];
  federatedIdentityCredentials: FederatedCredential[];
  /** Object ids of principals. */
  owners: Set<string>;
  /** A key of the client's choice, by which an application is made at most once. */
  readonly uniqueName?: string | undefined;
  requiredResourceAccess?: RequiredResourceAccess[];
  /** When it was made through Graph; what was there from the start is known everywhere. */
  readonly createdAt?: number | undefined;
}

/** Permissions of one API that an application asks for; `type` is `Role` (of a daemon) or `Scope` (of a signed-in person). */
export interface RequiredResourceAccess {
  readonly resourceAppId: string;
  readonly resourceAccess: readonly { readonly id: string; readonly type: 'Role' | 'Scope' }[];
}

/** What an API publishes: the names its tokens are asked for, and its permissions. */
export interface PublishedApi {
  readonly servicePrincipalNames: readonly string[];
  readonly appRoles: readonly { readonly id: string; readonly value: string }[];
  readonly oauth2PermissionScopes: readonly { readonly id: string; readonly value: string }[];
}

export interface AppRoleAssignment {
  readonly id: string;
  readonly appRoleId: string;
  /** Object id of the service principal that holds the role. */
  readonly principalId: string;
  /** Object id of the API's service principal. */
  readonly resourceId: string;
}

/** Consent to delegated permissions for everybody in the tenant. */
export interface PermissionGrant {
  readonly id: string;
  readonly clientId: string;
  readonly resourceId: string;
  /** Separated by spaces. */
  scope: string;
}

/** A person with the directory roles that are active for them. */
export interface Person {
  readonly oid: string;
  readonly name: string;
  readonly directoryRoles: readonly DirectoryRole[];
}

export interface ServicePrincipal {
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  readonly servicePrincipalType: 'Application' | 'ManagedIdentity';
  passwordCredentials: StoredCredential[];
  readonly published?: PublishedApi | undefined;
  readonly createdAt?: number | undefined;
}

/** Entra's directory roles that the stand-ins know, with their template ids, as they travel in `wids`. */
export const directoryRoles = {
  'Application Administrator': '9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3',
  'Privileged Role Administrator': 'e8611ab8-c189-46e8-94e1-60213ab1f814',
} as const;
export type DirectoryRole = keyof typeof directoryRoles;

/** Azure role names and Graph application permissions that the stand-ins check. */
export const knownRoles = [
  'Application.Read.All',
  'Application.ReadWrite.OwnedBy',
  'Application.ReadWrite.All',
  'Key Vault Secrets Officer',
  'Communication and Email Service Owner',
  'DICOM Data Reader',
  'DICOM Data Owner',
] as const;
export type Role = (typeof knownRoles)[number];

/** The directory as plain data. */
export interface DirectoryData {
  readonly applications: readonly (Omit<Application, 'owners'> & { readonly owners: readonly string[] })[];
  readonly servicePrincipals: readonly ServicePrincipal[];
  readonly roles: readonly (readonly [string, readonly Role[]])[];
  readonly people: readonly Person[];
  readonly appRoleAssignments: readonly AppRoleAssignment[];
  readonly permissionGrants: readonly PermissionGrant[];
}

export class Directory {
  readonly tenantId: string;
  readonly now: Now;
  readonly applications = new Map<string, Application>();
  readonly servicePrincipals = new Map<string, ServicePrincipal>();
  /** By object id. */
  readonly people = new Map<string, Person>();
  appRoleAssignments: AppRoleAssignment[] = [];
  permissionGrants: PermissionGrant[] = [];
  readonly #roles = new Map<string, Set<Role>>();
  readonly #suspended: Role[] = [];

  constructor(tenantId: string, now: Now) {
    this.tenantId = tenantId;
    this.now = now;
  }

  addApplication(
    displayName: string,
    fixed: Partial<
      Pick<Application, 'id' | 'appId' | 'signInAudience' | 'identifierUris' | 'uniqueName' | 'createdAt'>
    > = {},
  ): Application {
    const application: Application = {
      id: randomUUID(),
      appId: randomUUID(),
      displayName,
      signInAudience: 'AzureADMyOrg',
      identifierUris: [],
      passwordCredentials: [],
      removedCredentials: [],
      federatedIdentityCredentials: [],
      owners: new Set(),
      requiredResourceAccess: [],
      ...fixed,
    };
    this.applications.set(application.appId, application);
    return application;
  }

  addServicePrincipal(
    displayName: string,
    type: ServicePrincipal['servicePrincipalType'],
    fixed: Partial<Pick<ServicePrincipal, 'id' | 'appId' | 'published' | 'createdAt'>> = {},
  ): ServicePrincipal {
    const principal: ServicePrincipal = {
      id: randomUUID(),
      appId: randomUUID(),
      displayName,
      servicePrincipalType: type,
      passwordCredentials: [],
      ...fixed,
    };
    this.servicePrincipals.set(principal.appId, principal);
    return principal;
  }

  grant(principalId: string, ...roles: Role[]): void {
    const held = this.#roles.get(principalId) ?? new Set();
    for (const role of roles) held.add(role);
    this.#roles.set(principalId, held);
  }

  /** What the principal may do now: what it was granted, less what a fault has taken away. */
  rolesOf(principalId: string): readonly Role[] {
    return [...(this.#roles.get(principalId) ?? [])].filter((role) => !this.#suspended.includes(role));
  }

  has(principalId: string | undefined, ...anyOf: Role[]): boolean {
    return principalId !== undefined && this.rolesOf(principalId).some((role) => anyOf.includes(role));
  }

  /** The role of that name, where it is one that the stand-ins check. */
  roleNamed(name: string): Role | undefined {
    return knownRoles.find((role) => role === name);
  }

  /** Takes a role away from everybody until the answer is called. */
  suspend(role: Role): () => void {
    this.#suspended.push(role);
    return () => {
      const at = this.#suspended.indexOf(role);
      if (at >= 0) this.#suspended.splice(at, 1);
    };
  }

  toData(): DirectoryData {
    return {
      applications: [...this.applications.values()].map((one) => ({ ...one, owners: [...one.owners] })),
      servicePrincipals: [...this.servicePrincipals.values()],
      roles: [...this.#roles].map(([id, roles]) => [id, [...roles]]),
      people: [...this.people.values()],
      appRoleAssignments: this.appRoleAssignments,
      permissionGrants: this.permissionGrants,
    };
  }

  /** Replaces everything but what faults have taken away. */
  restore(data: DirectoryData): void {
    this.applications.clear();
    this.servicePrincipals.clear();
    this.#roles.clear();
    this.people.clear();
    for (const one of data.applications)
      this.applications.set(one.appId, { ...one, owners: new Set(one.owners) });
    for (const one of data.servicePrincipals) this.servicePrincipals.set(one.appId, one);
    for (const [id, roles] of data.roles) this.grant(id, ...roles);
    for (const one of data.people) this.people.set(one.oid, one);
    this.appRoleAssignments = [...data.appRoleAssignments];
    this.permissionGrants = [...data.permissionGrants];
  }
}
