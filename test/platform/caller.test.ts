// Attacks on the bearer token: its header, its signature and its form.
import { createHmac } from 'node:crypto';
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { exportSPKI, importJWK, SignJWT } from 'jose';
import { isAppError, type ErrorCode } from '../../src/platform/errors.ts';
import { toProblem } from '../../src/platform/problem.ts';
import {
  assemble,
  audience,
  entraIssuer,
  makeKey,
  oid,
  openTokens,
  tenant,
  type SigningKey,
  type Tokens,
} from './issuer.ts';

let tokens: Tokens;
let second: SigningKey;
let stranger: SigningKey;
before(async () => {
  const keys = await Promise.all([makeKey('key-1'), makeKey('key-2'), makeKey('key-1', 'RS256', 'other')]);
  second = keys[1];
  stranger = keys[2];
  tokens = await openTokens({}, [keys[0], second]);
});

async function refusal(authorization: string | undefined): Promise<ErrorCode> {
  try {
    await tokens.callers.user({ authorization });
  } catch (error) {
    assert.ok(isAppError(error), String(error));
    const shown = JSON.stringify(toProblem(error, 'id'));
    const token = authorization?.split(' ')[1];
    if (token !== undefined && token.length > 20) assert.ok(!shown.includes(token), shown);
    return error.code;
  }
  return assert.fail('the token was accepted');
}

const seconds = (): number => Math.floor(tokens.clock.now() / 1000);

test('the scheme may be in any case, as HTTP says', async () => {
  const token = (await tokens.bearer()).slice('Bearer '.length);
  for (const scheme of ['bearer ', 'BEARER ', 'Bearer  '])
    assert.equal((await tokens.callers.user({ authorization: scheme + token })).oid, oid);
});

test('each algorithm that is believed works with a key of its own type', async () => {
  for (const alg of ['PS256', 'ES256']) {
    const other = await openTokens({}, [await makeKey('k', alg)]);
    assert.equal((await other.callers.user({ authorization: await other.bearer() })).oid, oid);
  }
});

test('an algorithm that is not believed is refused, even with a published key that does not name its own', async () => {
  for (const alg of ['RS384', 'RS512', 'PS512', 'ES384', 'EdDSA']) {
    const { publicJwk, ...key } = await makeKey('k', alg);
    const { alg: _alg, ...open } = publicJwk;
    const other = await openTokens({}, [{ ...key, publicJwk: open }]);
    await assert.rejects(other.callers.user({ authorization: await other.bearer() }), {
      code: 'unauthenticated',
    });
    assert.equal(other.issuer.fetches, 0);
  }
});

test('whatever is not exactly one bearer token is refused', async () => {
  const good = await tokens.bearer();
  const token = good.slice('Bearer '.length);
  for (const authorization of [
    ...['', 'Bearer', 'Bearer ', token, `Basic ${token}`, `Bearer\t${token}`, `Bearer ${token} `, ` ${good}`],
    ...[`${good},${good}`, `${good}, Bearer other`, `Basic x, ${good}`, `${good}\n`, `Bearer ${token}=`],
    ...[
      `Bearer ${token}.`,
      `Bearer ${token}.${token}`,
      `Bearer ${token.replace(/\.[^.]*$/, '')}`,
      `Bearer x.y.z`,
    ],
    ...[`Bearer "${token}"`, `Bearer token=${token}`, `DPoP ${token}`],
  ])
    assert.equal(await refusal(authorization), 'unauthenticated', authorization);
  assert.equal(await refusal(undefined), 'unauthenticated');
});

test('only what carries a token is told that the token was bad', async () => {
  const challenge = async (authorization?: string): Promise<unknown> => {
    const error: unknown = await tokens.callers.user({ authorization }).catch((thrown: unknown) => thrown);
    return toProblem(error, 'id').headers['WWW-Authenticate'];
  };
  assert.equal(await challenge(), 'Bearer');
  assert.equal(await challenge('Bearer x.y.z'), 'Bearer error="invalid_token"');
  assert.equal(await challenge(await tokens.bearer({ scp: 'x' })), 'Bearer error="insufficient_scope"');
});

test('a header longer than any real token is refused before it is read', async () => {
  assert.equal(await refusal(await tokens.bearer({ filler: 'x'.repeat(16 * 1024) })), 'unauthenticated');
});

test('a token without a signature, or with one made from public knowledge, is refused', async () => {
  const [head, body] = (await tokens.bearer()).slice(7).split('.') as [string, string, string];
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
  const publicKey = await importJWK(tokens.key.publicJwk, 'RS256', { extractable: true });
  const pem = publicKey instanceof Uint8Array ? '' : await exportSPKI(publicKey);
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'HS256', 'HS512', 'RS512', 'RS1', 'EdDSA']) {
    const header = { alg, typ: 'JWT', kid: 'key-1' };
    for (const secret of [pem, JSON.stringify(tokens.key.publicJwk), 'x']) {
      const unsigned = assemble(header, claims, '').replace(/\.$/, '');
      const hmac = createHmac('sha256', secret).update(unsigned).digest();
      for (const signature of ['', 'x', hmac])
        assert.equal(await refusal(`Bearer ${assemble(header, claims, signature)}`), 'unauthenticated', alg);
    }
  }
  assert.equal(await refusal(`Bearer ${head}.${body}.`), 'unauthenticated');
});

test('a changed claim breaks the signature', async () => {
  const [head, , signature] = (await tokens.bearer()).split('.');
  const body = Buffer.from(JSON.stringify({ oid: 'other' })).toString('base64url');
  assert.equal(await refusal(`${head}.${body}.${signature}`), 'unauthenticated');
});

test('the header of a token cannot bring or choose its own key', async () => {
  const evil = 'https://evil.example/keys';
  for (const header of [
    ...[{ jwk: stranger.publicJwk }, { jku: evil }, { x5u: evil }, { x5c: ['MII='] }, { kid: 'unknown' }],
    ...[{ kid: '../key-1' }, { kid: undefined, jwk: stranger.publicJwk }, { kid: '' }],
  ])
    assert.equal(
      await refusal(await tokens.bearer({}, header, stranger)),
      'unauthenticated',
      JSON.stringify(header),
    );
  assert.ok(tokens.issuer.requests.every(({ url }) => !url.includes('evil')));
});

test('another key under the same id, or a published key under the other id, does not fit', async () => {
  assert.equal(await refusal(await tokens.bearer({}, {}, stranger)), 'unauthenticated');
  assert.equal(await refusal(await tokens.bearer({}, { kid: 'key-1' }, second)), 'unauthenticated');
});

test('a token without a key id is refused where several keys fit, and taken where one does', async () => {
  assert.equal(await refusal(await tokens.bearer({}, { kid: undefined })), 'unauthenticated');
  const single = await openTokens();
  const call = { authorization: await single.bearer({}, { kid: undefined }) };
  assert.equal((await single.callers.user(call)).oid, oid);
});

test('an extension that must be understood and is not makes a well signed token refused', async () => {
  const body = { iss: entraIssuer, aud: audience, tid: tenant, oid, scp: 'access_as_user' };
  const token = await new SignJWT({ ...body, iat: seconds(), exp: seconds() + 60 })
    .setProtectedHeader({ alg: 'RS256', kid: 'key-1', crit: ['proof'], proof: 'x' })
    .sign(tokens.key.privateKey, { crit: { proof: true } });
  assert.equal(await refusal(`Bearer ${token}`), 'unauthenticated');
});

test('a token of another kind is refused, an access token by any of its names is not', async () => {
  for (const typ of ['logout+jwt', 'id+jwt', 'dpop+jwt', 'secevent+jwt', 'JWE', 'xjwt', ''])
    assert.equal(await refusal(await tokens.bearer({}, { typ })), 'unauthenticated', typ);
  for (const typ of ['JWT', 'jwt', 'at+jwt', 'application/at+jwt', undefined]) {
    const authorization = await tokens.bearer({}, typ === undefined ? { typ: undefined } : { typ });
    assert.equal((await tokens.callers.user({ authorization })).oid, oid);
  }
});
