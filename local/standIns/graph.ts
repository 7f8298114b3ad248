// Stand-in for Microsoft Graph: applications and service principals with their password credentials, owners and permissions.
import { Hono, type Context } from 'hono';
import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { Application, Directory, StoredCredential } from './directory.ts';
import { graphPermissions } from './claims.ts';
import { ownEffect, Override } from './effects.ts';
import { GraphError, refused } from './graph/errors.ts';
import { collection, entity, find, odata, parseTarget, type Target } from './graph/odata.ts';
import { Registration, shown as shownApplication, shownPrincipal } from './graph/registration.ts';
import { callerIn, mayWrite, requireScope, type Caller } from './graph/rights.ts';
import { Visible } from './graph/visible.ts';
import { graphAppId } from './microsoftApis.ts';
import { keyIdOf, newCredential, toWire, type WireCredential } from './graph/passwords.ts';
import type { Now, OwnEffect, StandIn, StandInEnv } from './kit.ts';
import type { TokenOffice } from './tokens.ts';

/** What the stand-in keeps besides the directory: plain data, keyed by the application's object id. */
export interface GraphData {
  readonly lastAddition: Record<string, number>;
  /** The credentials as they were before the last write, for stale reads. */
  readonly before: Record<string, readonly WireCredential[]>;
}

export interface GraphOptions {
  readonly directory: Directory;
  readonly tokens: TokenOffice;
  readonly now: Now;
  readonly data?: GraphData;
}

type Call = Context<StandInEnv>;

const policyId = '7e1e4ea1-7000-4000-8000-0000000000f0';
const challenge = `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="${graphAppId}"`;
const parts = ['owners', 'federatedIdentityCredentials', 'addPassword', 'removePassword'];
const dayMs = 24 * 60 * 60 * 1000;

/**
 * Own effects: `{"staleReads":n}` answers the next n reads of an application with the state before its last write;
 * `{"concurrencyWindowMs":n}` refuses a removal that follows an addition within n milliseconds; `{"maxLifetimeDays":n}`
 * and `{"passwordAddition":"denied"}` are app management policies; `{"creationLagMs":n}` hides new objects that long.
 */
export function createGraph(options: GraphOptions): StandIn {
  const graph = new Graph(options);
  const app = new Hono<StandInEnv>();
  app.use(async (c, next) => {
    c.header('request-id', randomUUID());
    c.header('client-request-id', c.req.header('client-request-id') ?? randomUUID());
    c.header('Date', new Date(options.now()).toUTCString());
    await next();
  });
  app.all('*', (c) => graph.answer(c));
  app.onError((error, c) => {
    if (!(error instanceof GraphError)) throw error;
    const { status, code, message, details } = error;
    const innerError = {
      date: new Date(options.now()).toISOString().slice(0, 19),
      'request-id': c.res.headers.get('request-id'),
      'client-request-id': c.res.headers.get('client-request-id'),
    };
    if (status === 401) c.header('WWW-Authenticate', challenge);
    return c.json({ error: { code, message, ...(details ? { details } : {}), innerError } }, status);
  });
  return { service: 'graph', app, state: () => graph.state(), effects: graph.effects };
}

class Graph {
  readonly #options: GraphOptions;
  readonly #data: GraphData;
  readonly #staleReads = new Override<{ left: number }>();
  readonly #concurrencyWindowMs = new Override<number>();
  readonly #maxLifetimeDays = new Override<number>();
  readonly #passwordAddition = new Override<'denied'>();
  readonly #creationLagMs = new Override<number>();
  readonly #visible: Visible;
  readonly #registration: Registration;

  constructor(options: GraphOptions) {
    this.#options = options;
    this.#data = options.data ?? { lastAddition: {}, before: {} };
    this.#visible = new Visible(options.now, () => this.#creationLagMs.current ?? 0);
    this.#registration = new Registration({ ...options, visible: this.#visible });
  }

  readonly effects: Readonly<Record<string, OwnEffect>> = {
    staleReads: ownEffect(z.strictObject({ staleReads: z.int().check(z.positive()) }), ({ staleReads }) =>
      this.#staleReads.set({ left: staleReads }),
    ),
    concurrencyWindowMs: ownEffect(
      z.strictObject({ concurrencyWindowMs: z.int().check(z.positive()) }),
      ({ concurrencyWindowMs }) => this.#concurrencyWindowMs.set(concurrencyWindowMs),
    ),
    maxLifetimeDays: ownEffect(
      z.strictObject({ maxLifetimeDays: z.number().check(z.positive()) }),
      ({ maxLifetimeDays }) => this.#maxLifetimeDays.set(maxLifetimeDays),
    ),
    passwordAddition: ownEffect(
      z.strictObject({ passwordAddition: z.literal('denied') }),
      ({ passwordAddition }) => this.#passwordAddition.set(passwordAddition),
    ),
    creationLagMs: ownEffect(
      z.strictObject({ creationLagMs: z.int().check(z.positive()) }),
      ({ creationLagMs }) => this.#creationLagMs.set(creationLagMs),
    ),
  };

  async answer(c: Call): Promise<Response> {
    const caller = await this.#caller(c);
    // A person reads everything in the tenant; what they write is judged where it is written.
    const registered = caller.scopes && (await this.#registration.answer(c, caller));
    if (registered) return registered;
    const target = parseTarget(c);
    if (!caller.scopes && !this.#options.directory.has(caller.oid, ...graphPermissions))
      throw refused.privileges();
    if (target.collection === 'servicePrincipals') return this.#answerPrincipal(c, target);
    return this.#answerApplication(c, target, caller);
  }

  state(): unknown {
    const { applications, servicePrincipals } = this.#options.directory;
    return {
      applications: [...applications.values()].map((application) => ({
        id: application.id,
        appId: application.appId,
        displayName: application.displayName,
        owners: [...application.owners],
        passwordCredentials: application.passwordCredentials.map(shown),
        removedCredentials: application.removedCredentials.map(({ credential, removedAt }) => ({
          ...shown(credential),
          removedAt: new Date(removedAt).toISOString(),
        })),
      })),
      servicePrincipals: [...servicePrincipals.values()].map(
        ({ id, appId, displayName, passwordCredentials }) => ({
          ...{ id, appId, displayName },
          passwordCredentials: passwordCredentials.map(shown),
        }),
      ),
    };
  }

  async #caller(c: Call): Promise<Caller> {
    const { tokens, directory } = this.#options;
    const judged = await tokens.judge(
      c.req.header('authorization'),
      'https://graph.microsoft.com',
      'https://graph.microsoft.com/',
      graphAppId,
    );
    if (!judged.ok) throw refused.token(judged.reason);
    if (judged.claims['tid'] !== directory.tenantId) throw refused.token('issuer');
    return callerIn(judged.claims);
  }

  #answerPrincipal(c: Call, target: Target): Response {
    const principal = find(this.#visible.of(this.#options.directory.servicePrincipals), target);
    if (target.part !== undefined) throw refused.segment(target.part);
    if (c.req.method !== 'GET') throw refused.method();
    return entity(c, target, {
      ...shownPrincipal(principal),
      keyCredentials: [],
      passwordCredentials: principal.passwordCredentials.map(toWire),
    });
  }

  async #answerApplication(c: Call, target: Target, caller: Caller): Promise<Response> {
    const application = find(this.#visible.of(this.#options.directory.applications), target);
    const { part } = target;
    const wanted = part === 'addPassword' || part === 'removePassword' ? 'POST' : 'GET';
    if (part !== undefined && !parts.includes(part)) throw refused.segment(part);
    if (c.req.method !== wanted) throw refused.method();
    if (part === 'owners') {
      const owners = [...application.owners].map((id) => ({
        '@odata.type': '#microsoft.graph.servicePrincipal',
        id,
      }));
      return collection(c, 'directoryObjects', 'microsoft.graph.directoryObject', ['id'], owners);
    }
    if (part === 'federatedIdentityCredentials') {
      const type = 'microsoft.graph.federatedIdentityCredential';
      const known = ['id', 'name', 'issuer', 'subject', 'audiences'];
      const name = `applications('${application.id}')/${part}`;
      return collection(c, name, type, known, application.federatedIdentityCredentials);
    }
    if (wanted === 'GET') return this.#readApplication(c, target, application);
    if (caller.scopes) requireScope(caller, 'Application.ReadWrite.All');
    if (!mayWrite(this.#options.directory, caller, application)) throw refused.privileges();
    return part === 'addPassword' ? this.#addPassword(c, application) : this.#removePassword(c, application);
  }

  #readApplication(c: Call, target: Target, application: Application): Response {
    const stale = this.#staleReads.current;
    let passwordCredentials: readonly WireCredential[] = application.passwordCredentials.map(toWire);
    if (stale && stale.left > 0) {
      stale.left -= 1;
      passwordCredentials = this.#data.before[application.id] ?? passwordCredentials;
    }
    return entity(c, target, { ...shownApplication(application), keyCredentials: [], passwordCredentials });
  }

  async #addPassword(c: Call, application: Application): Promise<Response> {
    const now = this.#options.now();
    const credential = newCredential(await c.req.text(), now);
    if (this.#passwordAddition.current === 'denied') throw refused.passwords(policyId);
    const lifetime = Date.parse(credential.endDateTime) - Date.parse(credential.startDateTime);
    if (lifetime > (this.#maxLifetimeDays.current ?? Infinity) * dayMs) throw refused.lifetime(policyId);
    this.#remember(application);
    application.passwordCredentials = [...application.passwordCredentials, credential];
    this.#data.lastAddition[application.id] = now;
    return odata(c, {
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.passwordCredential',
      ...toWire(credential),
      secretText: credential.secretText,
    });
  }

  async #removePassword(c: Call, application: Application): Promise<Response> {
    const now = this.#options.now();
    const keyId = keyIdOf(await c.req.text());
    const added = this.#data.lastAddition[application.id] ?? -Infinity;
    if (now - added < (this.#concurrencyWindowMs.current ?? 0)) throw refused.concurrent();
    const credential = application.passwordCredentials.find((one) => one.keyId === keyId);
    if (!credential) throw refused.noSuchKey(keyId);
    this.#remember(application);
    application.passwordCredentials = application.passwordCredentials.filter((one) => one !== credential);
    application.removedCredentials.push({ credential, removedAt: now });
    return c.body(null, 204);
  }

  #remember(application: Application): void {
    this.#data.before[application.id] = application.passwordCredentials.map(toWire);
  }
}

function shown({ keyId, displayName, startDateTime, endDateTime }: StoredCredential): object {
  return { keyId, displayName, startDateTime, endDateTime };
}
