// Stand-in for ACS identity: identities, their access tokens, and the exchange of a Teams user's token.
import { Hono, type Context } from 'hono';
import { randomBytes } from 'node:crypto';
import { createBody, exchangeBody, issueBody } from './communication/bodies.ts';
import { checkCaller, type CallerOptions } from './communication/callers.ts';
import { CommunicationError, refused } from './communication/errors.ts';
import { Identities, type CommunicationData } from './communication/identities.ts';
import { Limits } from './communication/limits.ts';
import type { StandIn, StandInEnv } from './kit.ts';

export interface CommunicationOptions extends CallerOptions {
  /** GUID of the ACS resource, the first half of every identity's id. */
  readonly resourceId: string;
  readonly data?: CommunicationData;
}

interface Call {
  readonly c: Context<StandInEnv>;
  readonly identities: Identities;
  readonly limits: Limits;
  readonly body: string;
  readonly id: string;
}

const apiVersion = '2023-10-01';

/** Own effect: `{"limit":{"operation":"issue","perWindow":n}}`, see `Limits`. */
export function createCommunication(options: CommunicationOptions): StandIn {
  const { resourceId, tokens, now, data = { identities: {}, teamsTokens: [] } } = options;
  const identities = new Identities(resourceId, tokens, now, data);
  const limits = new Limits(now);
  const app = new Hono<StandInEnv>();
  app.use(async (c, next) => {
    c.header('Date', new Date(now()).toUTCString());
    c.header('MS-CV', `${randomBytes(16).toString('base64')}.0`);
    const requestId = c.req.header('x-ms-client-request-id');
    if (requestId !== undefined) c.header('x-ms-client-request-id', requestId);
    await next();
  });
  app.all('*', async (c) => {
    const body = Buffer.from(await c.req.arrayBuffer());
    await checkCaller(c, body, options);
    const url = new URL(c.req.url);
    checkApiVersion(url.searchParams.get('api-version'));
    c.header('api-supported-versions', apiVersion);
    const { run, id } = operationOf(c.req.method, url.pathname) ?? { run: undefined, id: '' };
    return run ? run({ c, identities, limits, body: body.toString(), id }) : c.body(null, 404);
  });
  app.onError((error, c) => {
    if (!(error instanceof CommunicationError)) throw error;
    const { status, code, message, target, headers } = error;
    return c.json({ error: { code, message, target } }, status, { ...headers });
  });
  return {
    service: 'communication',
    app,
    state: () => identities.state(),
    effects: { limit: limits.effect },
  };
}

function checkApiVersion(version: string | null): void {
  if (version === null || version === '') throw refused.noVersion();
  if (version !== apiVersion) throw refused.version(version);
}

type Operation = (call: Call) => Promise<Response> | Response;

function operationOf(method: string, path: string): { run: Operation; id: string } | undefined {
  for (const [wanted, pattern, run] of operations) {
    const match = wanted === method ? pattern.exec(path) : null;
    if (match) return { run, id: decode(match[1] ?? '') };
  }
  return undefined;
}

const operations: readonly (readonly [string, RegExp, Operation])[] = [
  ['POST', /^\/identities$/, create],
  ['DELETE', /^\/identities\/([^/]+)$/, remove],
  ['POST', /^\/identities\/([^/]+)\/:issueAccessToken$/, issue],
  ['POST', /^\/identities\/([^/]+)\/:revokeAccessTokens$/, revoke],
  ['POST', /^\/teamsUser\/:exchangeAccessToken$/, exchange],
];

async function create({ c, identities, limits, body }: Call): Promise<Response> {
  const wish = createBody(body);
  limits.take(wish ? 'createWithToken' : 'create');
  const id = identities.create();
  const accessToken = wish && (await identities.issue(id, wish));
  return c.json({ identity: { id }, accessToken }, 201);
}

async function issue({ c, identities, limits, body, id }: Call): Promise<Response> {
  limits.take('issue');
  return c.json(await identities.issue(id, issueBody(body)));
}

function revoke({ c, identities, limits, id }: Call): Response {
  limits.take('revoke');
  identities.revoke(id);
  return c.body(null, 204);
}

function remove({ c, identities, limits, id }: Call): Response {
  limits.take('delete');
  identities.delete(id);
  return c.body(null, 204);
}

async function exchange({ c, identities, limits, body }: Call): Promise<Response> {
  limits.take('exchange');
  return c.json(await identities.exchange(exchangeBody(body)));
}

/** An id that cannot be decoded is nobody's, and refused as such later. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
