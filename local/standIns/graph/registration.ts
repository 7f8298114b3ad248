// What a person registers through Graph: applications, their service principals and owners, under Graph's rules.
import type { Context } from 'hono';
import * as z from 'zod/mini';
import type { Application, Directory, ServicePrincipal } from '../directory.ts';
import type { Now, StandInEnv } from '../kit.ts';
import { bodyOf, filterOf, guid } from './bodies.ts';
import { Consents } from './consents.ts';
import { refused } from './errors.ts';
import { collection, odata } from './odata.ts';
import { mayWrite, requireScope, type Caller, type GraphRequest } from './rights.ts';
import type { Visible } from './visible.ts';

export interface RegistrationOptions {
  readonly directory: Directory;
  readonly now: Now;
  readonly visible: Visible;
}

type Handler = (request: GraphRequest) => Promise<Response> | Response;

const applicationFields = [
  'id',
  'appId',
  'displayName',
  'signInAudience',
  'uniqueName',
  'requiredResourceAccess',
];
const principalFields = [
  ...['id', 'appId', 'displayName', 'servicePrincipalType', 'servicePrincipalNames'],
  ...['appRoles', 'oauth2PermissionScopes'],
];

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #visible: Visible;
  readonly #consents: Consents;
  readonly #routes: readonly (readonly [string, RegExp, Handler])[] = [
    ['GET', /^applications$/, (request) => this.#findApplications(request)],
    ['GET', /^applications\(uniqueName='([^']+)'\)$/, (request) => this.#readByName(request)],
    ['PATCH', /^applications\(uniqueName='([^']+)'\)$/, (request) => this.#upsert(request)],
    ['PATCH', /^applications\/([^/]+)$/, (request) => this.#update(request)],
    ['POST', /^applications\/([^/]+)\/owners\/\$ref$/, (request) => this.#addOwner(request)],
    ['GET', /^servicePrincipals$/, (request) => this.#findPrincipals(request)],
    ['POST', /^servicePrincipals$/, (request) => this.#addPrincipal(request)],
    [
      'GET',
      /^servicePrincipals\/([^/]+)\/appRoleAssignments$/,
      (request) => this.#consents.assignments(request),
    ],
    ['POST', /^servicePrincipals\/([^/]+)\/appRoleAssignedTo$/, (request) => this.#consents.assign(request)],
    ['GET', /^oauth2PermissionGrants$/, (request) => this.#consents.grants(request)],
    ['POST', /^oauth2PermissionGrants$/, (request) => this.#consents.grant(request)],
    ['PATCH', /^oauth2PermissionGrants\/([^/]+)$/, (request) => this.#consents.widen(request)],
  ];

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#visible = options.visible;
    this.#consents = new Consents(options.directory, options.visible);
  }

  /** Undefined for what is not among its endpoints. */
  async answer(c: Context<StandInEnv>, caller: Caller): Promise<Response | undefined> {
    const path = decodeURIComponent(new URL(c.req.url).pathname).replace(/^\/v1\.0\//, '');
    for (const [method, pattern, handler] of this.#routes) {
      const match = method === c.req.method ? pattern.exec(path) : null;
      if (match) return handler({ c, caller, key: match[1] ?? '' });
    }
    return undefined;
  }

  #findApplications({ c }: GraphRequest): Response {
    const { value } = filterOf(c, /^displayName eq '(?<value>(?:[^']|'')*)'$/);
    const all = [...this.#visible.of(this.#options.directory.applications).values()];
    const found = all.filter(({ displayName }) => displayName.toLowerCase() === value.toLowerCase());
    return collection(c, 'applications', 'microsoft.graph.application', applicationFields, found.map(shown));
  }

  #readByName({ c, key }: GraphRequest): Response {
    const found = [...this.#visible.of(this.#options.directory.applications).values()].find(
      ({ uniqueName }) => uniqueName === key,
    );
    if (!found) throw refused.absent(key);
    return odata(c, shown(found));
  }

  /** Graph docs, upsert: 201 with the new object, 204 for one that was there, 404 without `Prefer: create-if-missing`. */
  async #upsert({ c, caller, key }: GraphRequest): Promise<Response> {
    const { directory, now } = this.#options;
    requireScope(caller, 'Application.ReadWrite.All');
    const body = await bodyOf(c, 'application', {
      displayName: z.string().check(z.minLength(1)),
      signInAudience: z.optional(z.enum(['AzureADMyOrg'])),
    });
    const known = [...directory.applications.values()].find(({ uniqueName }) => uniqueName === key);
    if (known) {
      if (!mayWrite(directory, caller, known)) throw refused.privileges();
      return c.body(null, 204);
    }
    if (c.req.header('prefer') !== 'create-if-missing') throw refused.absent(key);
    const made = directory.addApplication(body.displayName, { uniqueName: key, createdAt: now() });
    // Whoever registers an application owns it, whatever role they have.
    made.owners.add(caller.oid);
    return odata(c, shown(made), 201);
  }

  async #update({ c, caller, key }: GraphRequest): Promise<Response> {
    requireScope(caller, 'Application.ReadWrite.All');
    const application = this.#writable(caller, key);
    const body = await bodyOf(c, 'application', {
      requiredResourceAccess: z.array(
        z.strictObject({
          resourceAppId: guid,
          resourceAccess: z.array(z.strictObject({ id: guid, type: z.enum(['Role', 'Scope']) })),
        }),
      ),
    });
    application.requiredResourceAccess = body.requiredResourceAccess;
    return c.body(null, 204);
  }

  async #addOwner({ c, caller, key }: GraphRequest): Promise<Response> {
    const { directory } = this.#options;
    requireScope(caller, 'Application.ReadWrite.All');
    const application = this.#writable(caller, key);
    const body = await bodyOf(c, 'directoryObject', { '@odata.id': z.string() });
    const owner = /\/directoryObjects\/([^/]+)$/.exec(body['@odata.id'])?.[1] ?? '';
    if (!directory.people.has(owner)) this.#visible.find(directory.servicePrincipals, owner);
    if (application.owners.has(owner)) throw refused.referenceExists('owners');
    application.owners.add(owner);
    return c.body(null, 204);
  }

  #writable(caller: Caller, id: string): Application {
    const { directory } = this.#options;
    const application = this.#visible.find(directory.applications, id);
    if (!mayWrite(directory, caller, application)) throw refused.privileges();
    return application;
  }

  #findPrincipals({ c }: GraphRequest): Response {
    const filter =
      /^(?:displayName eq '(?<name>(?:[^']|'')*)'|servicePrincipalNames\/any\(n:n eq '(?<identifier>(?:[^']|'')*)'\))$/;
    const { name, identifier = '' } = filterOf(c, filter);
    const found = [...this.#visible.of(this.#options.directory.servicePrincipals).values()].filter(
      (principal) =>
        name === undefined
          ? principal.published?.servicePrincipalNames.includes(identifier)
          : principal.displayName.toLowerCase() === name.toLowerCase(),
    );
    const type = 'microsoft.graph.servicePrincipal';
    return collection(c, 'servicePrincipals', type, principalFields, found.map(shownPrincipal));
  }

  async #addPrincipal({ c, caller }: GraphRequest): Promise<Response> {
    const { directory, now } = this.#options;
    requireScope(caller, 'Application.ReadWrite.All');
    const { appId } = await bodyOf(c, 'servicePrincipal', { appId: guid });
    const application = this.#visible.of(directory.applications).get(appId);
    if (!application) throw refused.noApplication(appId);
    if (!mayWrite(directory, caller, application)) throw refused.privileges();
    if (directory.servicePrincipals.has(appId)) throw refused.principalExists(appId);
    const { displayName } = application;
    const made = directory.addServicePrincipal(displayName, 'Application', { appId, createdAt: now() });
    return odata(c, shownPrincipal(made), 201);
  }
}

export function shown({
  id,
  appId,
  displayName,
  signInAudience,
  uniqueName,
  requiredResourceAccess,
}: Application): object {
  return {
    ...{ id, appId, displayName, signInAudience, uniqueName: uniqueName ?? null },
    requiredResourceAccess: requiredResourceAccess ?? [],
  };
}

export function shownPrincipal({
  id,
  appId,
  displayName,
  servicePrincipalType,
  published,
}: ServicePrincipal): object {
  return {
    ...{ id, appId, displayName, servicePrincipalType },
    servicePrincipalNames: published?.servicePrincipalNames ?? [appId],
    appRoles: (published?.appRoles ?? []).map((role) => ({
      ...role,
      allowedMemberTypes: ['Application'],
      isEnabled: true,
    })),
    oauth2PermissionScopes: (published?.oauth2PermissionScopes ?? []).map((scope) => ({
      ...scope,
      isEnabled: true,
    })),
  };
}
