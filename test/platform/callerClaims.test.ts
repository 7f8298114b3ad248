// The claims of a well signed token: whose it is, what it may do, and until when.
import { createHash } from 'node:crypto';
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { JWTPayload } from 'jose';
import { createCallers, type UserCaller } from '../../src/platform/caller.ts';
import { isAppError, type ErrorCode } from '../../src/platform/errors.ts';
import { subjectHash } from '../../src/platform/hash.ts';
import { ManualClock } from '../support/clock.ts';
import { audience, entraIssuer, oid, openTokens, tenant, type Tokens } from './issuer.ts';

let tokens: Tokens;
before(async () => {
  tokens = await openTokens();
});

const user = async (claims: JWTPayload = {}): Promise<UserCaller> =>
  tokens.callers.user({ authorization: await tokens.bearer(claims) });
const seconds = (): number => Math.floor(tokens.clock.now() / 1000);

async function refused(claims: JWTPayload): Promise<ErrorCode> {
  const error: unknown = await user(claims).catch((thrown: unknown) => thrown);
  assert.ok(isAppError(error), `accepted or broken: ${JSON.stringify(error)}`);
  return error.code;
}

test('a good token names the user by tenant and object id, and when it was issued', async () => {
  const expected = { key: `entra.${tenant}.${oid}`, oid, issuedAt: seconds() };
  assert.deepEqual(await user(), expected);
  assert.deepEqual(await user({ oid: oid.toUpperCase(), tid: tenant.toUpperCase() }), expected);
});

test('the v1 issuer of the same tenant is believed too', async () => {
  assert.equal((await user({ iss: `https://sts.windows.net/${tenant}/` })).oid, oid);
});

test('any of several audiences will do', async () => {
  const several = await openTokens({ audiences: ['one', audience] });
  const call = { authorization: await several.bearer({ aud: ['other', audience] }) };
  assert.equal((await several.callers.user(call)).oid, oid);
});

test('another issuer, tenant or audience is refused', async () => {
  const other = tenant.replace('7e1e', 'ffff');
  for (const claims of [
    ...[
      'https://evil.example',
      `${entraIssuer}/`,
      entraIssuer.toUpperCase(),
      entraIssuer.replace(tenant, other),
    ].map((iss) => ({ iss })),
    ...[{ iss: `https://sts.windows.net/${other}/` }, { iss: `https://sts.windows.net/${tenant}` }],
    ...[{ iss: undefined }, { aud: 'api://other' }, { aud: [] }, { aud: undefined }, { aud: `${audience}/` }],
    ...[{ tid: other }, { tid: undefined }, { oid: undefined }, { oid: 'nurse@clinic.example' }, { oid: '' }],
  ] as readonly JWTPayload[])
    assert.equal(await refused(claims), 'unauthenticated', JSON.stringify(claims));
});

test('a token is good until a minute after its end and from a minute before its start, not a second more', async () => {
  const now = seconds();
  assert.equal((await user({ exp: now - 59 })).oid, oid);
  assert.equal(await refused({ exp: now - 60 }), 'unauthenticated');
  assert.equal((await user({ nbf: now + 60 })).oid, oid);
  assert.equal(await refused({ nbf: now + 61 }), 'unauthenticated');
});

test('a token dated more than a minute ahead is refused, because it would outlive a revocation', async () => {
  const now = seconds();
  assert.equal((await user({ iat: now + 60 })).issuedAt, now + 60);
  assert.equal(await refused({ iat: now + 61 }), 'unauthenticated');
});

test('times must be there and be numbers', async () => {
  for (const claims of [
    { exp: undefined },
    { iat: undefined },
    { exp: 'never' },
    { iat: 'now' },
    { nbf: 'x' },
  ])
    assert.equal(await refused(claims as unknown as JWTPayload), 'unauthenticated', JSON.stringify(claims));
});

test('only a delegated token with exactly the scope is a users', async () => {
  for (const scp of [
    ...['access_as_user_2', 'xaccess_as_user', 'Access_As_User', 'access_as_user,chat', '', 'access as user'],
    ...['access_as_user\tchat', ['access_as_user'], 7, undefined],
  ])
    assert.equal(await refused({ scp }), 'forbidden', String(scp));
  assert.equal((await user({ scp: 'chat access_as_user' })).oid, oid);
});

test('an applications own token is refused, also one that claims a scope', async () => {
  const roles = ['access_as_user'];
  assert.equal(await refused({ scp: undefined, roles, idtyp: 'app', azp: 'client' }), 'forbidden');
  assert.equal(await refused({ idtyp: 'app' }), 'forbidden');
});

test('an id token, which carries no scope, is refused', async () => {
  assert.equal(await refused({ scp: undefined, nonce: 'x', name: 'Nurse' }), 'forbidden');
});

test('another OIDC issuer names the user by issuer and subject, and writes the scope in scope', async () => {
  const issuer = 'https://issuer.example/realms/clinic';
  const other = await openTokens({ issuer, requiredScope: 'chat' });
  const call = {
    authorization: await other.bearer({ scp: undefined, scope: 'openid chat', oid: undefined }),
  };
  const digest = createHash('sha256').update(`${issuer}\0subject`).digest('base64url');
  assert.deepEqual(await other.callers.user(call), {
    ...{ key: `oidc.${digest}`, oid: undefined, issuedAt: seconds() },
  });
  for (const sub of [undefined, '', 7] as unknown as string[]) {
    const authorization = await other.bearer({ scp: 'chat', sub });
    await assert.rejects(other.callers.user({ authorization }), { code: 'unauthenticated' });
  }
});

const trusted = async (claims: JWTPayload): Promise<string> =>
  tokens.callers.trusted({ authorization: await tokens.bearer(claims) }, { role: 'Clinic.Operate' });

test('a role lets an application in, which is named in the audit', async () => {
  const app = { scp: undefined, idtyp: 'app', roles: ['Other', 'Clinic.Operate'] };
  assert.equal(await trusted({ ...app, azp: 'client' }), 'app:client');
  assert.equal(await trusted({ ...app, appid: 'client' }), 'app:client');
});

test('a role lets a person in, who is named in the audit by a digest', async () => {
  const actor = await trusted({ roles: ['Clinic.Operate'], azp: 'client' });
  assert.equal(actor, `user:${subjectHash(`entra.${tenant}.${oid}`)}`);
});

test('without the role nobody is let in', async () => {
  for (const roles of [
    undefined,
    [],
    ['clinic.operate'],
    'Clinic.Operate',
    ['Clinic.Operate.More'],
    { 0: 'x' },
  ])
    await assert.rejects(trusted({ roles }), { code: 'forbidden', challenge: 'insufficient_scope' });
  const anonymous = { authorization: undefined };
  await assert.rejects(tokens.callers.trusted(anonymous, { role: 'x' }), { code: 'unauthenticated' });
});

test('where no role is needed the function key alone counts, whatever the bearer says', async () => {
  assert.equal(await tokens.callers.trusted({ authorization: undefined }, 'none'), 'key');
  assert.equal(await tokens.callers.trusted({ authorization: 'Bearer nonsense' }, 'none'), 'key');
});

test('without issuer and audience no bearer can be believed', async () => {
  const callers = createCallers(undefined, () => assert.fail('no issuer to ask'), new ManualClock());
  const call = { authorization: await tokens.bearer() };
  await assert.rejects(callers.user(call), { code: 'misconfigured' });
  await assert.rejects(callers.trusted(call, { role: 'x' }), { code: 'misconfigured' });
  assert.equal(await callers.trusted(call, 'none'), 'key');
});
