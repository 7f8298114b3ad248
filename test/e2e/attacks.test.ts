// The attack corpus: forged, stale and tricky callers against the built bundle on the local host, each with its exact answer.
//
// Where the host answers instead of the app, its measured behaviour decides; the rows say so.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, describe, test } from 'node:test';
import { demo } from '../../local/demo.ts';
import { issuerCooldownMs } from '../../src/platform/limits.ts';
import { problem } from '../support/api.ts';
import { readIdentities, readOutbox, readRows } from '../support/directoryState.ts';
import { startOwnStack } from '../support/hosts.ts';
import { sendRaw, type RawAnswer, type RawRequest } from '../support/rawHttp.ts';
import { identity, token } from '../support/users.ts';
import { bearer, key, trusted, type Attack, type Expected, type Scene } from './attacks/attack.ts';
import { bodyAttacks } from './attacks/bodies.ts';
import { claimAttacks } from './attacks/claims.ts';
import { es, Forge, jwkOf, makeKeys, partsOf, ps } from './attacks/forge.ts';
import { headerAttacks } from './attacks/headers.ts';
import { keyAttacks } from './attacks/keys.ts';
import { ada, pathAttacks } from './attacks/paths.ts';
import { signatureAttacks, type TokenAttack } from './attacks/signatures.ts';

const { stack, startHost } = await startOwnStack({
  AUTH_BACKEND_ROLE: 'Clinic.Backend',
  AUTH_OPERATOR_ROLE: 'Clinic.Operate',
  TOKEN_REQUESTS_PER_MINUTE: '1000',
});
const { cloud } = stack;
const keys = await makeKeys(cloud.tokens);
// Beside the key of the tenant the issuer publishes some that a token must not be believed for.
cloud.faults.add({
  service: 'entra',
  path: '/keys$',
  effect: { status: 200, body: { keys: keys.published } },
});
const host = await startHost();
const lair = await openLair();
const started = performance.now();

/** What was sent, which no answer and no log line may repeat; what was answered, which no log line may. */
const sent = new Set<string>();
const answered = new Set<string>();
/** Shorter texts stand in answers and logs by chance. */
const say = (text: string): void => {
  if (text.length > 12) sent.add(text);
};
const victim = new Forge(keys, demo.user.oid, say);
const stranger = new Forge(keys, 'c0ffee00-7000-4000-8000-00000000beef', say);
const backendClaims = {
  scp: undefined,
  idtyp: 'app',
  azp: demo.serviceClient.appId,
  roles: ['Clinic.Backend'],
};
let communicationUserId = '';
const scene: Scene = {
  ...{ host, victim, stranger, lair: lair.url },
  backendBearer: () => stranger.jwt({ claims: backendClaims }),
  identityOfVictim: () => communicationUserId,
};

/** A server of the attacker's on this machine, which the preload would let the app reach. */
async function openLair() {
  let asked = 0;
  const jwks = JSON.stringify({ keys: [{ ...jwkOf(keys.own), kid: 'own', use: 'sig', alg: 'RS256' }] });
  const server = createServer((_, response) => {
    asked += 1;
    response.setHeader('Content-Type', 'application/json').end(jwks);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, asked: () => asked };
}

async function send(request: RawRequest): Promise<RawAnswer> {
  for (const secret of secretsOf(request)) say(secret);
  const answer = await sendRaw(host.url, request);
  for (const text of sent) assert.ok(!answer.text.includes(text), 'the answer repeats what was sent');
  for (const [, jwt = ''] of answer.text.matchAll(/"token":"([^"]+)"/g)) answered.add(jwt);
  return answer;
}

/** Tokens with their parts, keys, user ids and bodies. */
function secretsOf({ target, headers = [], body = '' }: RawRequest): readonly string[] {
  const text = [target, Buffer.from(body).toString(), ...headers.map(([, value]) => value)].join('\n');
  const tokens = [...text.matchAll(/[\w-]{20,}\.[\w-]+\.[\w-]*/g)].map(([found]) => found);
  const people = /\/users\/([^/?]{6,})/.exec(target)?.[1] ?? '';
  const credentials = headers
    .filter(([name]) => /key|principal|cookie/i.test(name))
    .map(([, value]) => value);
  const long = tokens.flatMap(partsOf).filter((part) => part.length >= 30);
  return [...tokens, ...long, people, ...credentials, Buffer.from(body).toString()];
}

function assertAnswer(answer: RawAnswer, expected: Expected): void {
  assert.equal(answer.status, expected.status, answer.text);
  assert.equal(answer.headers.get('www-authenticate'), expected.challenge);
  if (expected.served) {
    expected.served(answer, scene);
    return;
  }
  if (expected.status < 300) return;
  if (expected.code === undefined) {
    assert.equal(answer.text, '');
    return;
  }
  const { code, status, detail } = problem.parse(JSON.parse(answer.text));
  assert.deepEqual({ code, status }, { code: expected.code, status: expected.status });
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  if (expected.detail) assert.match(detail, expected.detail);
}

/** Who is refused has cost ACS nothing. */
async function attempt(request: RawRequest, expected: Expected): Promise<void> {
  const before = cloud.log.list('communication').length;
  assertAnswer(await send(request), expected);
  if (expected.status >= 300) assert.equal(cloud.log.list('communication').length, before);
}

/** The stranger would get an identity, and the victim would lose one. */
function asRequests({ says, token: make, forbidden }: TokenAttack): readonly Attack[] {
  const expected = {
    ...{ status: forbidden ? 403 : 401, code: forbidden ? 'forbidden' : 'unauthenticated' },
    challenge: `Bearer error="${forbidden ? 'insufficient_scope' : 'invalid_token'}"`,
  };
  return [
    {
      ...{ says: `${says}, for a token`, ...expected },
      request: () => ({ target: '/api/tokens', headers: [bearer(make(stranger, lair.url))] }),
    },
    {
      ...{ says: `${says}, to erase`, ...expected },
      request: () => ({
        method: 'DELETE',
        target: '/api/identity',
        headers: [bearer(make(victim, lair.url))],
      }),
    },
  ];
}

const groups: Readonly<Record<string, readonly Attack[]>> = {
  'a bearer with': signatureAttacks.flatMap(asRequests),
  'a well signed bearer with': claimAttacks.flatMap(asRequests),
  'a caller with': headerAttacks,
  'a caller who sends': keyAttacks,
  'a signed-in caller with': bodyAttacks,
  'a backend with': pathAttacks,
};

/** Identities in ACS with what befell them, and every row of the directory and of its outbox. */
async function whatExists(): Promise<unknown> {
  const identities = (await readIdentities(stack)).map(({ id, revokedAt, deletedAt }) => ({
    id,
    revokedAt,
    deletedAt,
  }));
  return { identities, rows: await readRows(stack), outbox: await readOutbox(stack) };
}
let beforehand: unknown;

describe('callers whom nothing is wrong with', () => {
  const ask = async (says: string, request: RawRequest): Promise<RawAnswer> => {
    const answer = await send(request);
    assert.equal(answer.status, 200, `${says}: ${answer.text}`);
    return answer;
  };

  test('are served, whichever of the believed algorithms signed their token', async () => {
    for (const wish of [
      {},
      { header: { alg: 'ES256', kid: 'ec' }, by: es(keys.ec) },
      { header: { alg: 'PS256', kid: 'open' }, by: ps(keys.open) },
      { claims: { iss: `https://sts.windows.net/${demo.tenantId}/`, ver: '1.0' } },
      { claims: { aud: ['https://graph.microsoft.com', demo.api.audience] } },
    ]) {
      const answer = await ask('a user', { target: '/api/tokens', headers: [bearer(victim.jwt(wish))] });
      ({ communicationUserId } = token.parse(JSON.parse(answer.text)).user);
    }
    answered.add(communicationUserId);
  });

  test('are served as a backend with key and role, whether the key is in the header or in the query', async () => {
    const target = `/api/users/${ada}/tokens`;
    await ask('a backend', { target, headers: trusted(scene) });
    await ask('a backend', { target: `${target}?code=${key(scene)[1]}`, headers: trusted(scene).slice(1) });
    const userId = `entra.${demo.tenantId}.${demo.user.oid}`;
    const found = await ask('a backend', {
      method: 'GET',
      target: `/api/users/${userId}`,
      headers: trusted(scene),
    });
    assert.equal(identity.parse(JSON.parse(found.text)).communicationUserId, communicationUserId);
  });

  after(async () => {
    beforehand = await whatExists();
  });
});

for (const [who, attacks] of Object.entries(groups)) {
  describe(who, () => {
    for (const { says, request, ...expected } of attacks) {
      test(says, async () => {
        await attempt(await request(scene), expected);
      });
    }
  });
}

describe('after all of them', () => {
  test('everything is as it was: no identity, no row, nothing disabled, erased or revoked', async () => {
    assert.deepEqual(await whatExists(), beforehand);
    assert.equal((await readRows(stack)).length, 2);
  });

  test("nobody has asked the attacker's server for keys, which does serve them", async () => {
    assert.equal(lair.asked(), 0);
    assert.equal((await fetch(`${lair.url}/keys`)).status, 200);
    assert.equal(lair.asked(), 1);
  });

  test('the issuer was asked for its keys no more often than its rest allows', () => {
    const fetches = cloud.log.list('entra').filter(({ path }) => path.endsWith('/keys'));
    const most = 1 + Math.ceil((performance.now() - started) / issuerCooldownMs);
    assert.ok(fetches.length >= 1 && fetches.length <= most, `${fetches.length} times, at most ${most}`);
  });

  test('no log line repeats a token, a claim, a key or a user id', () => {
    const log = host.output();
    assert.match(log, /call_refused/);
    const found = [...sent, ...answered].filter((text) => log.includes(text));
    assert.deepEqual(found, []);
  });
});
