// The issuer's keys: how often they are fetched, when they roll over, and what serves while the issuer fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JWK } from 'jose';
import { isAppError } from '../../src/platform/errors.ts';
import { IssuerKeys } from '../../src/platform/issuerKeys.ts';
import {
  issuerCooldownMs,
  issuerFreshMs,
  issuerMaxBytes,
  issuerStaleMs,
  issuerTimeoutMs,
} from '../../src/platform/limits.ts';
import { toProblem } from '../../src/platform/problem.ts';
import { createRestClient } from '../../src/platform/restClient.ts';
import { ManualClock } from '../support/clock.ts';
import { entraIssuer, makeKey, oid, openTokens, type SigningKey, type Tokens } from './issuer.ts';
import { FakeTransport } from './transport.ts';

const failing = async (): Promise<never> => {
  throw new Error('the issuer is down');
};
const recover = ({ issuer }: Tokens): void => {
  issuer.answer = async (request) => issuer.publish(request);
};

/** How a good token of `key` fares: the user's object id, or the status of the refusal. */
async function outcome(tokens: Tokens, key?: SigningKey): Promise<string | number> {
  try {
    const { oid: user } = await tokens.callers.user({ authorization: await tokens.bearer({}, {}, key) });
    return user ?? 'nobody';
  } catch (error) {
    if (!isAppError(error)) throw error;
    return toProblem(error, 'id').status;
  }
}

test('a hundred first calls at once make one fetch: discovery, then keys', async () => {
  const tokens = await openTokens();
  let publish = (): void => undefined;
  const published = new Promise<void>((resolve) => {
    publish = resolve;
  });
  tokens.issuer.answer = async (request) => {
    await published;
    return tokens.issuer.publish(request);
  };
  const authorization = await tokens.bearer();
  const calls = Array.from({ length: 100 }, () => tokens.callers.user({ authorization }));
  await tokens.clock.advance(1);
  publish();
  assert.ok((await Promise.all(calls)).every((user) => user.oid === oid));
  assert.deepEqual(
    tokens.issuer.requests.map(({ method, url }) => `${method} ${url}`),
    [`GET ${entraIssuer}/.well-known/openid-configuration`, 'GET https://issuer.example/keys'],
  );
});

test('each request to the issuer has a time limit and a size limit', async () => {
  const tokens = await openTokens();
  await outcome(tokens);
  for (const { timeoutMs, maxBytes } of tokens.issuer.requests)
    assert.deepEqual({ timeoutMs, maxBytes }, { timeoutMs: issuerTimeoutMs, maxBytes: issuerMaxBytes });
});

test('a flood of unknown key ids costs one fetch per cool-down and is refused', async () => {
  const tokens = await openTokens();
  const stranger = { ...(await makeKey('unknown')) };
  await outcome(tokens);
  for (let round = 0; round < 3; round += 1) {
    for (let each = 0; each < 20; each += 1)
      assert.equal(await outcome(tokens, { ...stranger, kid: `unknown-${String(each)}` }), 401);
    assert.equal(tokens.issuer.fetches, 1 + round);
    await tokens.clock.advance(issuerCooldownMs);
  }
});

test('a token that can never be believed costs no fetch', async () => {
  const tokens = await openTokens();
  const header = Buffer.from('{"alg":"HS256","kid":"x"}').toString('base64url');
  await assert.rejects(tokens.callers.user({ authorization: `Bearer ${header}.e30.eA` }), {
    code: 'unauthenticated',
  });
  assert.equal(tokens.issuer.fetches, 0);
});

test('a new key is believed without a restart, once the cool-down is over', async () => {
  const tokens = await openTokens();
  await outcome(tokens);
  const fresh = await makeKey('key-2');
  tokens.issuer.keys = [fresh];
  assert.equal(await outcome(tokens, fresh), 401);
  await tokens.clock.advance(issuerCooldownMs);
  assert.equal(await outcome(tokens, fresh), oid);
  assert.equal(await outcome(tokens), 401);
});

test('a withdrawn key is refused as soon as its keys are no longer fresh, also after an idle time', async () => {
  for (const idle of [issuerFreshMs, issuerStaleMs - 1, issuerStaleMs * 3]) {
    const tokens = await openTokens();
    assert.equal(await outcome(tokens), oid);
    tokens.issuer.keys = [await makeKey('key-2')];
    await tokens.clock.advance(issuerFreshMs - 1);
    assert.equal(await outcome(tokens), oid);
    await tokens.clock.advance(idle - issuerFreshMs + 1);
    assert.equal(await outcome(tokens), 401);
  }
});

test('while the issuer fails its old keys serve, for a day and no longer', async () => {
  const tokens = await openTokens();
  await outcome(tokens);
  tokens.issuer.answer = failing;
  await tokens.clock.advance(issuerStaleMs - 1);
  assert.equal(await outcome(tokens), oid);
  await tokens.clock.advance(1);
  assert.equal(await outcome(tokens), 503);
});

test('while the issuer hangs, only the first caller after the cool-down waits for it', async () => {
  const tokens = await openTokens();
  await outcome(tokens);
  tokens.issuer.answer = failing;
  await tokens.clock.advance(issuerFreshMs);
  await outcome(tokens);
  let release = (): void => undefined;
  tokens.issuer.answer = () =>
    new Promise((_, reject) => {
      release = () => {
        reject(new Error('too late'));
      };
    });
  await tokens.clock.advance(issuerCooldownMs);
  assert.equal(await outcome(tokens), oid);
  assert.equal(tokens.issuer.fetches, 3);
  release();
});

test('an unknown key id while the issuer fails is 503 with a time to come back', async () => {
  const tokens = await openTokens();
  await outcome(tokens);
  tokens.issuer.answer = failing;
  await tokens.clock.advance(issuerCooldownMs);
  const authorization = await tokens.bearer({}, {}, await makeKey('unknown'));
  const error: unknown = await tokens.callers.user({ authorization }).catch((thrown: unknown) => thrown);
  const { status, headers, body } = toProblem(error, 'id');
  assert.equal(status, 503);
  assert.equal(headers['Retry-After'], String(issuerCooldownMs / 1000));
  assert.doesNotMatch(JSON.stringify(body), /down/);
  assert.equal(await outcome(tokens), oid);
});

test('a failed fetch has a cool-down too, and the issuer is believed again after it', async () => {
  const tokens = await openTokens();
  tokens.issuer.answer = failing;
  for (let each = 0; each < 10; each += 1) assert.equal(await outcome(tokens), 503);
  assert.equal(tokens.issuer.fetches, 1);
  recover(tokens);
  assert.equal(await outcome(tokens), 503);
  await tokens.clock.advance(issuerCooldownMs);
  assert.equal(await outcome(tokens), oid);
  assert.equal(await outcome(tokens, await makeKey('unknown')), 401);
});

test('documents that are not what they should be count as a failure', async () => {
  const good = { issuer: entraIssuer, jwks_uri: 'https://issuer.example/keys' };
  const documents = {
    'another issuer': JSON.stringify({ ...good, issuer: 'https://evil.example' }),
    'a trailing slash': JSON.stringify({ ...good, issuer: `${entraIssuer}/` }),
    'keys over plain http': JSON.stringify({ ...good, jwks_uri: 'http://issuer.example/keys' }),
    'no keys': JSON.stringify({ issuer: entraIssuer }),
    'no JSON': '<html>',
    'another shape': '[]',
  };
  for (const [what, text] of Object.entries(documents)) {
    const tokens = await openTokens();
    tokens.issuer.answer = async () => ({ status: 200, text });
    assert.equal(await outcome(tokens), 503, what);
    assert.equal(tokens.issuer.requests.length, 1, what);
  }
});

test('a key set that is not one, and an answer that is not 200, count as a failure', async () => {
  const answers = [
    { status: 200, text: '{}' },
    { status: 200, text: '{"keys":{}}' },
    { status: 200, text: '{"keys":["x"]}' },
    { status: 404, text: '{"keys":[]}' },
    { status: 302, text: '' },
  ];
  for (const answer of answers) {
    const tokens = await openTokens();
    tokens.issuer.answer = async (request) =>
      request.url.endsWith('/keys') ? answer : tokens.issuer.publish(request);
    assert.equal(await outcome(tokens), 503, answer.text);
  }
});

test('a key that cannot be read, or is meant for something else, fits no token', async () => {
  const key = await makeKey('key-1');
  const changes: readonly Readonly<Record<string, unknown>>[] = [
    { n: null },
    { use: 'enc' },
    { alg: 'RS512' },
    { kty: 'oct', k: 'eA' },
    { key_ops: ['encrypt'] },
  ];
  for (const change of changes) {
    const tokens = await openTokens({}, [{ ...key, publicJwk: { ...key.publicJwk, ...(change as JWK) } }]);
    assert.equal(await outcome(tokens), 401, JSON.stringify(change));
  }
});

test('through the real client, a document that is too large is a failure', async () => {
  const transport = new FakeTransport(async () => ({ status: 200, body: ' '.repeat(issuerMaxBytes + 1) }));
  const client = createRestClient({ maxRetries: 1, httpClient: transport });
  const keys = new IssuerKeys(entraIssuer, client, new ManualClock());
  await assert.rejects(keys.key({ alg: 'RS256', kid: 'x' }, { payload: '', signature: '' }), {
    code: 'upstream_failed',
    retryAfterSeconds: issuerCooldownMs / 1000,
  });
  assert.equal(transport.requests.length, 1);
});
