// Entra's token endpoint for applications, its discovery document and its signing keys.
import { Hono, type Context } from 'hono';
import * as z from 'zod/mini';
import { appOnlyClaims, resourceExists, resourceMissing } from './claims.ts';
import type { Directory } from './directory.ts';
import { ownEffect } from './effects.ts';
import { addDeviceLogin, Devices } from './entraDevices.ts';
import { entraAnswer, EntraRefusal } from './entraErrors.ts';
import { proveByAssertion } from './entraFederation.ts';
import { Replicas } from './entraReplicas.ts';
import type { Now, StandIn, StandInEnv } from './kit.ts';
import type { TokenOffice } from './tokens.ts';

export interface EntraOptions {
  readonly directory: Directory;
  readonly tokens: TokenOffice;
  readonly now: Now;
}

const host = 'https://login.microsoftonline.com';
const replication = z.strictObject({
  replicas: z.int().check(z.minimum(1), z.maximum(100)),
  lagMs: z.int().check(z.nonnegative()),
});

/** Own effect: `{"replicas":n,"lagMs":n}`. Without it one replica knows of every change at once. */
export function createEntra({ directory, tokens, now }: EntraOptions): StandIn {
  const state = { requests: 0 };
  const replicas = new Replicas(directory, now, state);
  const devices = new Devices({ directory, tokens, now });
  const app = new Hono<StandInEnv>();
  app.onError((error, c) => refuse(error, c, now));
  app.post('/:tenant/oauth2/v2.0/token', async (c) => {
    const form = await formOf(c);
    const signedIn = await devices.redeem(c.req.param('tenant'), form);
    if (signedIn) return c.json(signedIn);
    requireTenant(directory, c.req.param('tenant'));
    const access_token = await grant({ directory, tokens, now }, replicas, form);
    const life = { expires_in: 3599, ext_expires_in: 3599 };
    c.header('cache-control', 'no-store, no-cache');
    return c.json({ token_type: 'Bearer', ...life, access_token });
  });
  addDeviceLogin(app, devices, formOf);
  addDiscovery(app, directory, tokens);
  return {
    service: 'entra',
    app,
    effects: {
      'replicas with lagMs': ownEffect(replication, (effect) => replicas.set(effect)),
    },
    state: () => ({
      ...state,
      applications: [...directory.applications.values()].map((application) => ({
        appId: application.appId,
        displayName: application.displayName,
        credentials: replicas.describe(application),
      })),
    }),
  };
}

function addDiscovery(app: Hono<StandInEnv>, directory: Directory, tokens: TokenOffice): void {
  app.get('/:tenant/v2.0/.well-known/openid-configuration', (c) => {
    requireTenant(directory, c.req.param('tenant'));
    return c.json(discovery(directory.tenantId));
  });
  app.get('/:tenant/discovery/v2.0/keys', (c) => {
    requireTenant(directory, c.req.param('tenant'));
    return c.json({ keys: [{ ...tokens.jwk, issuer: `${host}/${directory.tenantId}/v2.0` }] });
  });
}

function refuse(error: Error, c: Context<StandInEnv>, now: Now): Response {
  if (!(error instanceof EntraRefusal)) throw error;
  const correlationId = c.req.query('client-request-id') ?? c.req.header('client-request-id');
  const { status, body } = entraAnswer(error, now, correlationId);
  return c.json(body, status, { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' });
}

async function grant(options: EntraOptions, replicas: Replicas, form: URLSearchParams): Promise<string> {
  const { directory, tokens, now } = options;
  const grantType = required(form, 'grant_type');
  if (grantType !== 'client_credentials') {
    throw new EntraRefusal(70003, `The app requested an unsupported grant type '${grantType}'.`);
  }
  const appId = required(form, 'client_id').toLowerCase();
  const resource = resourceOf(required(form, 'scope'));
  const principal = principalOf(directory, replicas, appId);
  const secret = form.get('client_secret');
  const assertion = form.get('client_assertion');
  if (secret) proveBySecret(replicas, appId, secret, now);
  else if (assertion) await proveByAssertion(options, appId, assertion);
  else {
    throw new EntraRefusal(
      7000216,
      "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    );
  }
  if (!resourceExists(directory, resource))
    throw new EntraRefusal(500011, resourceMissing(directory, resource));
  return tokens.sign({
    claims: appOnlyClaims(directory, { clientId: appId, principalId: principal }, resource),
  });
}

function proveBySecret(replicas: Replicas, appId: string, secret: string, now: Now): void {
  const known = replicas.nextView(appId).filter(({ secretText }) => secretText === secret);
  const valid = known.filter(({ startDateTime }) => Date.parse(startDateTime) <= now());
  if (valid.length === 0) {
    throw new EntraRefusal(
      7000215,
      'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the ' +
        `client secret ID, for a secret added to app '${appId}'.`,
    );
  }
  if (valid.every(({ endDateTime }) => Date.parse(endDateTime) <= now())) {
    throw new EntraRefusal(
      7000222,
      `The provided client secret keys for app '${appId}' are expired. Visit the Azure portal to create new keys for ` +
        'your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: ' +
        'https://aka.ms/certCreds.',
    );
  }
}

function principalOf(directory: Directory, replicas: Replicas, appId: string): string {
  const application = directory.applications.get(appId);
  if (!application || !replicas.settled(application.createdAt)) {
    throw new EntraRefusal(
      700016,
      `Application with identifier '${appId}' was not found in the directory '${directory.tenantId}'. This can happen if ` +
        'the application has not been installed by the administrator of the tenant or consented to by any user in the ' +
        'tenant. You may have sent your authentication request to the wrong tenant.',
    );
  }
  const principal = directory.servicePrincipals.get(appId);
  if (principal && replicas.settled(principal.createdAt)) return principal.id;
  throw new EntraRefusal(
    7000229,
    `The client application ${appId} is missing service principal in the tenant ${directory.tenantId}.`,
  );
}

function resourceOf(scope: string): string {
  const [only, ...more] = scope.split(' ').filter(Boolean);
  if (only === undefined || more.length > 0) {
    throw new EntraRefusal(
      70011,
      `The provided value for the input parameter 'scope' is not valid. The scope ${scope} is not valid.`,
    );
  }
  if (only.endsWith('/.default')) return only.slice(0, -'/.default'.length);
  throw new EntraRefusal(
    1002012,
    `The provided value for scope ${only} is not valid. Client credential flows must have a scope value with /.default ` +
      'suffixed to the resource identifier (application ID URI).',
  );
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value) return value;
  throw new EntraRefusal(900144, `The request body must contain the following parameter: '${name}'.`);
}

function requireTenant(directory: Directory, tenant: string): void {
  if (tenant.toLowerCase() === directory.tenantId) return;
  throw new EntraRefusal(
    90002,
    `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct ` +
      'cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the ' +
      'tenant.',
  );
}

async function formOf(c: Context<StandInEnv>): Promise<URLSearchParams> {
  const type = c.req.header('content-type')?.toLowerCase() ?? '';
  return new URLSearchParams(type.startsWith('application/x-www-form-urlencoded') ? await c.req.text() : '');
}

function discovery(tenantId: string): Readonly<Record<string, unknown>> {
  const base = `${host}/${tenantId}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
  };
}
