// The token service end to end: the built bundle on a host, driven over HTTP, with everything real but Azure.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { demo } from '../../local/demo.ts';
import { apiOf, assertProblem } from '../support/api.ts';
import { startLocalRun } from '../support/localRun.ts';
import { claimsOf, identity, signInNewUser, token, type User } from '../support/users.ts';

const local = await startLocalRun();
const api = apiOf(local.run);
const newUser = (): Promise<User> => signInNewUser(api);
afterEach(() => api.clearFaults());

describe('a signed-in user', () => {
  test('gets a token, and gets one again for the same identity', async () => {
    const first = (await api.user('POST', 'tokens')).json(token);
    const again = (await api.user('POST', 'tokens')).json(token);
    assert.equal(again.user.communicationUserId, first.user.communicationUserId);
    assert.match(first.user.communicationUserId, /^8:acs:[0-9a-f-]{36}_[0-9a-f-]{36}$/);
    assert.deepEqual(first.scopes, ['chat', 'voip']);
    assert.equal(first.endpoint, demo.communicationEndpoint);
    const minutes = (claimsOf(first.token).exp * 1000 - Date.now()) / 60_000;
    assert.ok(minutes > 58 && minutes <= 60.1, `${minutes} minutes`);
    assert.ok(Math.abs(Date.parse(first.expiresOn) - claimsOf(first.token).exp * 1000) < 2000);
  });

  test('may ask for less and not for more', async () => {
    const { bearer } = await newUser();
    const less = await api.user('POST', 'tokens', {
      bearer,
      body: { scopes: ['chat'], expiresInMinutes: 90 },
    });
    assert.deepEqual(less.json(token).scopes, ['chat']);
    for (const [body, field] of [
      [{ scopes: ['chat', 'pstn'] }, /scopes/],
      [{ scopes: ['chat.join'] }, /scopes/],
      [{ scopes: [] }, /scopes/],
      [{ expiresInMinutes: 59 }, /expiresInMinutes/],
      [{ expiresInMinutes: 241 }, /expiresInMinutes/],
      [{ expiresInMinutes: 60.5 }, /expiresInMinutes/],
      [{ userId: 'somebody-else' }, /userId/],
    ] as const) {
      const refused = await api.user('POST', 'tokens', { bearer, body });
      assertProblem(refused, 400, 'invalid_request');
      assert.match(refused.text, field);
    }
  });

  test('has an identity that nobody else has', async () => {
    const [one, other] = await Promise.all([newUser(), newUser()]);
    const ids = await Promise.all(
      [one, other].map(
        async ({ bearer }) =>
          (await api.user('POST', 'tokens', { bearer })).json(token).user.communicationUserId,
      ),
    );
    assert.notEqual(ids[0], ids[1]);
  });

  test('sees the identity, revokes the tokens, erases everything and begins anew', async () => {
    const { bearer } = await newUser();
    assertProblem(await api.user('GET', 'identity', { bearer }), 404, 'not_found');
    const id = (await api.user('POST', 'tokens', { bearer })).json(token).user.communicationUserId;
    const seen = (await api.user('GET', 'identity', { bearer })).json(identity);
    assert.equal(seen.communicationUserId, id);
    assert.equal(seen.access, 'enabled');

    const revoked = await api.user('DELETE', 'tokens', { bearer });
    assert.deepEqual([revoked.status, revoked.text], [204, '']);
    assert.deepEqual(await liveTokens(id), 0);

    assert.equal((await api.user('DELETE', 'identity', { bearer })).status, 204);
    assert.equal((await api.user('DELETE', 'identity', { bearer })).status, 204);
    assertProblem(await api.user('GET', 'identity', { bearer }), 404, 'not_found');
    assert.equal(await liveTokens(id), undefined);

    const anew = (await api.user('POST', 'tokens', { bearer })).json(token);
    assert.notEqual(anew.user.communicationUserId, id);
  });
});

/** Live tokens of an identity as ACS sees them; undefined when it no longer exists. */
async function liveTokens(id: string): Promise<number | undefined> {
  const one = z.looseObject({ id: z.string(), liveTokens: z.number(), deletedAt: z.optional(z.string()) });
  const shape = z.looseObject({ communication: z.looseObject({ identities: z.array(one) }) });
  const { identities } = (await api.state(shape)).communication;
  return identities.find((entry) => entry.id === id && entry.deletedAt === undefined)?.liveTokens;
}

describe('a caller who is nobody', () => {
  test('is answered 401 and told to bring a bearer', async () => {
    const reply = await api.plain('POST', 'tokens');
    assertProblem(reply, 401, 'unauthenticated');
    assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer/);
  });

  test('is refused with a token that is not for this service', async () => {
    const past = Math.floor(Date.now() / 1000) - 3600;
    for (const request of [
      { sign: 'otherKey' },
      { sign: 'none' },
      { claims: { aud: 'https://graph.microsoft.com' } },
      { claims: { iss: 'https://login.microsoftonline.com/00000000-0000-4000-8000-000000000000/v2.0' } },
      { claims: { exp: past, nbf: past - 60, iat: past - 60 } },
      { claims: { nbf: past + 7200 } },
      { claims: { tid: '00000000-0000-4000-8000-000000000000' } },
    ]) {
      const reply = await api.user('POST', 'tokens', { bearer: await api.sign(request) });
      assertProblem(reply, 401, 'unauthenticated');
      assert.match(reply.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
    }
  });

  test('is refused with a token of an application or without the scope', async () => {
    for (const claims of [{ scp: null }, { scp: 'access_as_users' }, { idtyp: 'app' }]) {
      assertProblem(
        await api.user('POST', 'tokens', { bearer: await api.sign({ claims }) }),
        403,
        'forbidden',
      );
    }
  });

  test('is not believed for a principal header', async () => {
    const principal = Buffer.from(JSON.stringify({ auth_typ: 'aad', claims: [] })).toString('base64');
    const reply = await api.plain('POST', 'tokens', {
      headers: { 'x-ms-client-principal': principal, 'x-ms-client-principal-id': demo.user.oid },
    });
    assertProblem(reply, 401, 'unauthenticated');
  });

  test('cannot send a body that the host would lose', async () => {
    assertProblem(await api.chunked('tokens', '{"scopes":["chat"]}'), 411, 'length_required');
  });
});

describe('a trusted backend', () => {
  test('needs the function key, which the host asks for', async (t) => {
    if (!local.run.host.keysEnforced) {
      t.diagnostic('this host asks for no keys');
      return;
    }
    const reply = await api.plain('POST', 'users/alice/tokens');
    assert.deepEqual([reply.status, reply.text], [401, '']);
  });

  test('gets tokens for its own users, apart from those who sign in', async () => {
    const userId = `patient-${crypto.randomUUID()}`;
    const first = (await api.operation('POST', `users/${userId}/tokens`, { scopes: ['voip'] })).json(token);
    const seen = (await api.operation('GET', `users/${userId}`)).json(identity);
    assert.equal(seen.communicationUserId, first.user.communicationUserId);
    assert.equal((await api.operation('DELETE', `users/${userId}`)).status, 204);
    assertProblem(await api.operation('GET', `users/${userId}`), 404, 'not_found');
  });

  test('never reaches another user through tricks in the path', async () => {
    for (const trick of ['a%2Fb', 'a%252Fb', 'caf%C3%A9', '...', 'a%20b', 'x'.repeat(257)]) {
      assertProblem(await api.operation('GET', `users/${trick}`), 400, 'invalid_request');
    }
  });

  test('revokes, and bearers of that user from before are refused', async () => {
    const { bearer, userId } = await newUser();
    await api.user('POST', 'tokens', { bearer });
    assert.equal((await api.operation('DELETE', `users/${userId}/tokens`)).status, 204);
    const iat = Math.floor(Date.now() / 1000) - 30;
    const older = await api.sign({ claims: { oid: userId.split('.')[2], sub: userId, iat, nbf: iat } });
    assertProblem(await api.user('POST', 'tokens', { bearer: older }), 401, 'unauthenticated');
  });

  test('disables a user, whom no erase and no new call lets in again', async () => {
    const { bearer, userId } = await newUser();
    await api.user('POST', 'tokens', { bearer });
    const body = { enabled: false, reason: 'left the clinic' };
    assert.equal(
      (await api.operation('PUT', `users/${userId}/access`, body)).json(identity).access,
      'disabled',
    );
    assertProblem(await api.user('POST', 'tokens', { bearer }), 403, 'disabled');
    assert.equal((await api.operation('DELETE', `users/${userId}`)).status, 204);
    assertProblem(await api.user('POST', 'tokens', { bearer }), 403, 'disabled');
    await api.operation('PUT', `users/${userId}/access`, { enabled: true });
    assert.equal((await api.user('POST', 'tokens', { bearer })).status, 200);
  });

  test('is told what a body must be', async () => {
    const refused = await api.operation('PUT', 'users/alice/access', { enabled: 'no' });
    assertProblem(refused, 400, 'invalid_request');
    assert.match(refused.text, /enabled/);
    assertProblem(await api.operation('PUT', 'users/alice/access'), 400, 'invalid_request');
  });
});

describe('when ACS has a bad day', () => {
  test('a lost answer to a creation leaves the user with one working identity', async () => {
    const { bearer } = await newUser();
    await api.fault({ service: 'communication', path: '^/identities$', times: 1, effect: { drop: 'after' } });
    const first = await api.user('POST', 'tokens', { bearer });
    if (first.status !== 200) assert.ok([502, 503, 504].includes(first.status), first.text);
    const [one, two] = [
      await api.user('POST', 'tokens', { bearer }),
      await api.user('POST', 'tokens', { bearer }),
    ];
    assert.equal(one.json(token).user.communicationUserId, two.json(token).user.communicationUserId);
  });

  test('its 401 is never ours, and its throttling says when to come back', async () => {
    const { bearer } = await newUser();
    await api.user('POST', 'tokens', { bearer });
    const denied = { error: { code: 'Denied', message: 'Denied by the resource provider.' } };
    await api.fault({
      service: 'communication',
      path: 'issueAccessToken',
      effect: { status: 401, body: denied },
    });
    const refused = await api.user('POST', 'tokens', { bearer });
    assert.ok([502, 503].includes(refused.status), refused.text);
    assert.doesNotMatch(refused.text, /resource provider/);
    await api.clearFaults();
    const busy = { status: 429, headers: { 'Retry-After': '1' } };
    await api.fault({ service: 'communication', path: 'issueAccessToken', effect: busy });
    const throttled = await api.user('POST', 'tokens', { bearer });
    assertProblem(throttled, 503, 'upstream_throttled');
    assert.equal(throttled.headers.get('retry-after'), '1');
    await api.clearFaults();
    await sleep(1_000);
    assert.equal((await api.user('POST', 'tokens', { bearer })).status, 200);
  });
});

test('no log line names a user, an identity or a token', async (t) => {
  if (!local.child) {
    t.diagnostic('the host is not ours');
    return;
  }
  const { bearer, userId } = await newUser();
  const { token: jwt, user } = (await api.user('POST', 'tokens', { bearer })).json(token);
  await api.operation('DELETE', `users/${userId}`);
  for (const canary of [bearer, jwt, user.communicationUserId, userId]) {
    assert.equal(local.output().includes(canary), false);
  }
});
