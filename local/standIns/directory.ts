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
}

export interface ServicePrincipal {
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  readonly servicePrincipalType: 'Application' | 'ManagedIdentity';
  passwordCredentials: StoredCredential[];
}

/** Azure role names and Graph application permissions that the stand-ins check. */
export const knownRoles = [
  'Application.ReadWrite.OwnedBy',
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
}

export class Directory {
  readonly tenantId: string;
  readonly now: Now;
  readonly applications = new Map<string, Application>();
  readonly servicePrincipals = new Map<string, ServicePrincipal>();
  readonly #roles = new Map<string, Set<Role>>();
  readonly #suspended: Role[] = [];

  constructor(tenantId: string, now: Now) {
    this.tenantId = tenantId;
    this.now = now;
  }

  addApplication(
    displayName: string,
    fixed: { id?: string; appId?: string; signInAudience?: string; identifierUris?: string[] } = {},
  ): Application {
    const application: Application = {
      id: fixed.id ?? randomUUID(),
      appId: fixed.appId ?? randomUUID(),
      displayName,
      signInAudience: fixed.signInAudience ?? 'AzureADMyOrg',
      identifierUris: fixed.identifierUris ?? [],
      passwordCredentials: [],
      removedCredentials: [],
      federatedIdentityCredentials: [],
      owners: new Set(),
    };
    this.applications.set(application.appId, application);
    return application;
  }

  addServicePrincipal(
    displayName: string,
    type: ServicePrincipal['servicePrincipalType'],
    fixed: { id?: string; appId?: string } = {},
  ): ServicePrincipal {
    const principal: ServicePrincipal = {
      id: fixed.id ?? randomUUID(),
      appId: fixed.appId ?? randomUUID(),
      displayName,
      servicePrincipalType: type,
      passwordCredentials: [],
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
    };
  }

  /** Replaces everything but what faults have taken away. */
  restore(data: DirectoryData): void {
    this.applications.clear();
    this.servicePrincipals.clear();
    this.#roles.clear();
    for (const one of data.applications)
      this.applications.set(one.appId, { ...one, owners: new Set(one.owners) });
    for (const one of data.servicePrincipals) this.servicePrincipals.set(one.appId, one);
    for (const [id, roles] of data.roles) this.grant(id, ...roles);
  }
}
