// Entra's device code flow for people: a code is shown, entered on a page by somebody of the tenant, and redeemed for tokens.
import type { Context, Hono } from 'hono';
import { randomInt, randomUUID } from 'node:crypto';
import { azureCliAppId, delegatedClaims } from './claims.ts';
import type { Directory, Person } from './directory.ts';
import { EntraRefusal } from './entraErrors.ts';
import type { Now, StandInEnv } from './kit.ts';
import type { TokenOffice } from './tokens.ts';

interface Pending {
  readonly userCode: string;
  readonly scope: string;
  readonly expiresAt: number;
  person?: Person;
}

const lifeSeconds = 900;
const intervalSeconds = 1;
/** The second one is what MSAL sends (measured with msal-node 7.2). */
const deviceGrants: readonly unknown[] = ['urn:ietf:params:oauth:grant-type:device_code', 'device_code'];
const letters = 'BCDFGHJKLMNPQRSTVWXZ';

/** Codes and refresh tokens live as long as the process. */
export class Devices {
  readonly #options: { readonly directory: Directory; readonly tokens: TokenOffice; readonly now: Now };
  readonly #pending = new Map<string, Pending>();
  readonly #refreshTokens = new Map<string, Person>();

  constructor(options: { readonly directory: Directory; readonly tokens: TokenOffice; readonly now: Now }) {
    this.#options = options;
  }

  get people(): readonly Person[] {
    return [...this.#options.directory.people.values()];
  }

  begin(tenant: string, form: URLSearchParams, page: string): object {
    this.#requireClient(tenant, form);
    const deviceCode = randomUUID();
    const userCode = Array.from({ length: 9 }, () => letters.charAt(randomInt(letters.length))).join('');
    const expiresAt = this.#options.now() + lifeSeconds * 1000;
    this.#pending.set(deviceCode, { userCode, scope: form.get('scope') ?? '', expiresAt });
    return {
      ...{ user_code: userCode, device_code: deviceCode, verification_uri: page },
      ...{ expires_in: lifeSeconds, interval: intervalSeconds },
      message: `To sign in, use a web browser to open the page ${page} and enter the code ${userCode} to authenticate.`,
    };
  }

  /** Whether there is such a code and such a person. */
  approve(userCode: string, oid: string): boolean {
    const pending = [...this.#pending.values()].find((one) => one.userCode === userCode.trim().toUpperCase());
    const person = this.#options.directory.people.get(oid);
    if (!pending || !person) return false;
    pending.person = person;
    return true;
  }

  /** Undefined for a grant that is none of a person's. Throws `EntraRefusal`. */
  async redeem(tenant: string, form: URLSearchParams): Promise<object | undefined> {
    const grantType = form.get('grant_type');
    if (deviceGrants.includes(grantType)) {
      this.#requireClient(tenant, form);
      const { person, scope } = this.#redeemable(form.get('device_code') ?? '');
      return this.#tokensFor(person, scope);
    }
    if (grantType !== 'refresh_token') return undefined;
    this.#requireClient(tenant, form);
    const person = this.#refreshTokens.get(form.get('refresh_token') ?? '');
    if (!person) throw new EntraRefusal(70000, 'Provided grant is invalid or malformed.');
    return this.#tokensFor(person, form.get('scope') ?? '');
  }

  #redeemable(deviceCode: string): { person: Person; scope: string } {
    const pending = this.#pending.get(deviceCode);
    if (!pending) throw new EntraRefusal(70018, 'Bad verification code.');
    if (pending.expiresAt <= this.#options.now()) throw new EntraRefusal(70019, 'Verification code expired.');
    const { person, scope } = pending;
    if (!person)
      throw new EntraRefusal(
        70016,
        'OAuth 2.0 device flow error. Authorization is pending. Continue polling.',
      );
    this.#pending.delete(deviceCode);
    return { person, scope };
  }

  async #tokensFor(person: Person, scopes: string): Promise<object> {
    const { directory, tokens, now } = this.#options;
    const scope = scopes.split(' ').find((one) => one.endsWith('/.default')) ?? '';
    const claims = delegatedClaims(directory, person, scope.replace(/\/\.default$/, ''));
    const refreshToken = randomUUID();
    this.#refreshTokens.set(refreshToken, person);
    const issuer = `https://login.microsoftonline.com/${directory.tenantId}/v2.0`;
    const identity = { oid: person.oid, sub: person.oid, tid: directory.tenantId, name: person.name };
    const clientInfo = JSON.stringify({ uid: person.oid, utid: directory.tenantId });
    return {
      ...{ token_type: 'Bearer', scope: scopes, expires_in: 3599, ext_expires_in: 3599 },
      access_token: await tokens.sign({ claims }),
      refresh_token: refreshToken,
      id_token: await tokens.sign({
        claims: {
          ...identity,
          iss: issuer,
          aud: azureCliAppId,
          ver: '2.0',
          auth_time: Math.floor(now() / 1000),
        },
      }),
      client_info: Buffer.from(clientInfo).toString('base64url'),
    };
  }

  #requireClient(tenant: string, form: URLSearchParams): void {
    const { tenantId } = this.#options.directory;
    const known = [tenantId, 'organizations', 'common'];
    if (!known.includes(tenant.toLowerCase())) throw new EntraRefusal(90002, `Tenant '${tenant}' not found.`);
    const clientId = form.get('client_id') ?? '';
    if (clientId === azureCliAppId) return;
    throw new EntraRefusal(
      700016,
      `Application with identifier '${clientId}' was not found in the directory '${tenantId}'.`,
    );
  }
}

type ReadForm = (c: Context<StandInEnv>) => Promise<URLSearchParams>;

/** The endpoint that begins the flow, and the page where the code is entered: on loopback, for it is a person's browser. */
export function addDeviceLogin(app: Hono<StandInEnv>, devices: Devices, formOf: ReadForm): void {
  app.post('/:tenant/oauth2/v2.0/devicecode', async (c) => {
    const page = `http://127.0.0.1:${String(c.env.incoming.socket.localPort)}/devicelogin`;
    return c.json(devices.begin(c.req.param('tenant'), await formOf(c), page));
  });
  app.get('/devicelogin', (c) => {
    const people = devices.people.map(({ oid, name }) => `<option value="${oid}">${name}</option>`).join('');
    return c.html(
      `<title>Device sign-in (stand-in)</title><form method="post"><input name="code" placeholder="code" required> ` +
        `<select name="user">${people}</select> <button>Sign in</button></form>`,
    );
  });
  app.post('/devicelogin', async (c) => {
    const form = await formOf(c);
    const done = devices.approve(form.get('code') ?? '', form.get('user') ?? '');
    return done ? c.text('Signed in. You may close this page.') : c.text('Unknown code or user.', 400);
  });
}
