// The admin endpoint of the stand-ins: scripts faults, shows requests and state, signs tokens for people who play a user.
import { Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { JWTPayload } from 'jose';
import * as z from 'zod/mini';
import { checked } from '../check.ts';
import { demo } from '../demo.ts';
import { BadFault, type FaultBook } from './faults.ts';
import { serviceNames, type ServiceName, type StandIn, type StandInEnv } from './kit.ts';
import type { RequestLog } from './requestLog.ts';
import type { TokenOffice } from './tokens.ts';

export interface AdminOptions {
  readonly standIns: readonly StandIn[];
  readonly faults: FaultBook;
  readonly log: RequestLog;
  readonly tokens: TokenOffice;
}

const tokenRequest = z.strictObject({
  claims: z.optional(z.record(z.string(), z.unknown())),
  // The signer decides on `alg`; a token that said otherwise would be another one than was asked for.
  header: z.optional(
    z
      .record(z.string(), z.unknown())
      .check(
        z.refine(
          (header) => !('alg' in header),
          'alg is always RS256; for a token without a signature "sign": "none"',
        ),
      ),
  ),
  sign: z.optional(z.enum(['valid', 'otherKey', 'none'])),
});
const requestQuery = z.strictObject({
  service: z.optional(z.enum(serviceNames)),
  since: z.optional(z.string().check(z.regex(/^\d{1,15}$/, 'expected the number of a request'))),
});
const name = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/** What a token of the signed-in demo user says; a claim given as null takes one of these away. */
export const demoUserClaims: JWTPayload = {
  aud: demo.api.audience,
  iss: demo.issuer,
  tid: demo.tenantId,
  oid: demo.user.oid,
  sub: demo.user.oid,
  scp: 'access_as_user',
  name: demo.user.name,
  ver: '2.0',
};

/** For loopback only: another host name or a page of another origin gets 403, whatever it asks. */
export function createAdmin({ standIns, faults, log, tokens }: AdminOptions): Hono<StandInEnv> {
  const app = new Hono<StandInEnv>();
  app.use(ownMachineOnly);
  app.use(bodyLimit({ maxSize: 1_048_576 }));
  app.onError((error, c) => {
    if (error instanceof BadRequest || error instanceof BadFault)
      return c.json({ error: error.message }, 400);
    throw error;
  });
  app.notFound((c) => c.json({ error: 'There is /faults, /requests, /state and /tokens.' }, 404));

  app.get('/faults', (c) => c.json(faults.list()));
  app.post('/faults', async (c) => c.json({ id: faults.add(json(await c.req.text())) }, 201));
  app.delete('/faults', (c) => {
    faults.clear();
    return c.body(null, 204);
  });
  app.delete('/faults/:id', (c) =>
    faults.remove(c.req.param('id')) ? c.body(null, 204) : c.json({ error: 'There is no such fault.' }, 404),
  );
  app.get('/requests', (c) => {
    // As in `?service=&since=`: an empty one counts as absent.
    const given = Object.entries(c.req.query()).filter(([, value]) => value !== '');
    const { service, since } = checked(requestQuery, Object.fromEntries(given), badRequest);
    return c.json(log.list(service, Number(since ?? 0)));
  });
  app.get('/state', (c) => c.json(stateOf(standIns)));
  app.post('/tokens', async (c) => {
    const { claims = {}, ...rest } = checked(tokenRequest, json((await c.req.text()) || '{}'), badRequest);
    const token = await tokens.sign({ claims: userClaims(claims), ...rest }).catch((error: unknown) => {
      throw new BadRequest(`claims or header: ${error instanceof Error ? error.message : String(error)}`);
    });
    return c.json({ token });
  });
  return app;
}

function stateOf(standIns: readonly StandIn[]): Partial<Record<ServiceName, unknown>> {
  return Object.fromEntries(standIns.map((standIn) => [standIn.service, standIn.state()]));
}

/** Undefined instead of null: the signer then leaves the claim out, its own `exp` too. */
function userClaims(claims: Readonly<Record<string, unknown>>): JWTPayload {
  const given = Object.entries(claims).map(([claim, value]): [string, unknown] => [
    claim,
    value ?? undefined,
  ]);
  return { ...demoUserClaims, ...Object.fromEntries(given) };
}

/** A page in a browser can name this port through DNS rebinding or a simple cross-origin request; it gets nowhere. */
const ownMachineOnly: MiddlewareHandler<StandInEnv> = async (c, next) => {
  const host = c.req.header('host') ?? '';
  const origin = c.req.header('origin');
  const site = c.req.header('sec-fetch-site') ?? 'none';
  if (!name.test(host))
    return c.json({ error: 'Only localhost, 127.0.0.1 and [::1] may be the Host here.' }, 403);
  if ((origin !== undefined && origin !== `http://${host}`) || !['none', 'same-origin'].includes(site)) {
    return c.json({ error: 'Pages of other origins are refused here.' }, 403);
  }
  await next();
  return undefined;
};

class BadRequest extends Error {}
const badRequest = (text: string) => new BadRequest(text);

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new BadRequest('The body is not JSON.');
  }
}
