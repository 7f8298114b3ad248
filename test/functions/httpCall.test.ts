// One request as the handlers see it: its route parameter, its body, and what is refused before they see anything.
import * as fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { maxBodyBytes } from '../../src/platform/limits.ts';
import { call, http, testContext, type Received } from './registry.ts';

const shape = z.strictObject({
  scopes: z.optional(z.array(z.string()).check(z.minLength(1, 'expected at least one scope'))),
  minutes: z.optional(z.int()),
  kinds: z.optional(z.array(z.enum(['acs', 'teams']))),
  deep: z.optional(z.strictObject({ enabled: z.boolean() })),
});
const section = { state: 'on', value: undefined } as const;
const common = { method: 'POST', authLevel: 'function', section } as const;

http(testContext(), {
  ...{ ...common, name: 'body', route: 'things' },
  handle: async (request) => ({ status: 200, body: { json: (await request.json(shape)) ?? 'none' } }),
});
http(testContext(), {
  ...{ ...common, name: 'user', route: 'users/{userId}/tokens' },
  handle: async (request) => ({ status: 200, body: { id: request.param('userId') } }),
});
http(testContext(), {
  ...{ ...common, name: 'last', route: 'users/{userId}' },
  handle: async (request) => ({ status: 200, body: { id: request.param('userId') } }),
});
http(testContext(), {
  ...{ ...common, name: 'bearer', route: 'things' },
  handle: async ({ authorization }) => ({ status: 200, body: { authorization: authorization ?? 'none' } }),
});

const json = { 'content-type': 'application/json' };
const outcome = ({ status, text }: Received): readonly unknown[] => {
  const { json: value, code, detail } = JSON.parse(text) as Record<string, unknown>;
  return status === 200 ? [200, value] : [status, code, detail];
};
const post = async (
  body?: string,
  headers: Readonly<Record<string, string>> = json,
): Promise<readonly unknown[]> =>
  outcome(await call('body', body === undefined ? { headers } : { headers, body }));

test('a body of the shape is parsed, and no body is no body, whatever its type', async () => {
  assert.deepEqual(await post('{"minutes":60}'), [200, { minutes: 60 }]);
  assert.deepEqual(await post('{}'), [200, {}]);
  for (const headers of [{}, json, { 'content-type': 'text/plain' }]) {
    assert.deepEqual(await post(undefined, headers), [200, 'none']);
    assert.deepEqual(await post('', headers), [200, 'none']);
  }
});

test('JSON may be called by its names, with parameters, in any case', async () => {
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON ;x=y',
    'application/x.y+json',
  ])
    assert.deepEqual(await post('{}', { 'content-type': type }), [200, {}], type);
});

test('a body of another type is 415', async () => {
  for (const type of [
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'application/jsonx',
    'json',
    '',
  ])
    assert.deepEqual(
      await post('{}', { 'content-type': type }),
      [415, 'unsupported_media_type', 'Content-Type: expected application/json.'],
      type,
    );
  assert.equal((await post('{}', {}))[0], 415);
});

test('a body above the limit is 413, whether it says so or not', async () => {
  const tooLarge = [413, 'too_large', `Body: expected at most ${String(maxBodyBytes)} bytes.`];
  const padded = (bytes: number): string => `{}${' '.repeat(bytes - 2)}`;
  assert.deepEqual(await post(padded(maxBodyBytes)), [200, {}]);
  assert.deepEqual(await post(padded(maxBodyBytes + 1)), tooLarge);
  assert.deepEqual(await post('{}', { ...json, 'content-length': String(maxBodyBytes + 1) }), tooLarge);
  assert.deepEqual(await post(`"${'é'.repeat(maxBodyBytes / 2)}"`), tooLarge);
});

test('what is not JSON is 400 and not repeated', async () => {
  for (const text of ['canary', '{"canary"', "{'canary':1}", '{"minutes":60}canary', 'NaN', 'undefined'])
    assert.deepEqual(await post(text), [400, 'invalid_request', 'Body: expected JSON.']);
});

test('a wrong field is named with what is expected, and its value is not repeated', async () => {
  const cases: Readonly<Record<string, string>> = {
    '{"minutes":"canary"}': 'minutes: expected a number.',
    '{"minutes":1.5}': 'minutes: expected a whole number.',
    '{"minutes":99999999999999999999}': 'minutes: expected at most 9007199254740991.',
    '{"kinds":["acs","canary"]}': 'kinds.1: expected one of acs, teams.',
    '{"kinds":[7]}': 'kinds.0: expected one of acs, teams.',
    '{"scopes":[]}': 'scopes: expected at least one scope.',
    '{"scopes":["chat",7]}': 'scopes.1: expected a string.',
    '{"deep":{"enabled":"canary"}}': 'deep.enabled: expected true or false.',
    '{"deep":{}}': 'deep.enabled: expected true or false.',
    '{"other":"canary"}': 'Body: unknown field "other".',
    '{"deep":{"enabled":true,"x":1,"y":2}}': 'deep: unknown field "x", "y".',
    '{"__proto__":{"minutes":60}}': 'Body: unknown field "__proto__".',
    '[]': 'Body: expected an object.',
    null: 'Body: expected an object.',
    '"canary"': 'Body: expected an object.',
    '{"minutes":"x","scopes":1}': 'scopes: expected an array. minutes: expected a number.',
  };
  for (const [text, detail] of Object.entries(cases)) {
    const [status, code, said] = await post(text);
    assert.deepEqual([status, code], [400, 'invalid_request'], text);
    assert.equal(said, detail, text);
  }
});

test('what could be the value of a field that is put in the place of its name is not repeated', async () => {
  for (const name of [
    'x'.repeat(41),
    'nurse@clinic.example',
    'eyJhbGciOiJIUzI1NiJ9.e30.',
    '4711',
    '',
    'a b',
  ]) {
    const [, , detail] = await post(JSON.stringify({ [name]: 1, [`${name} `]: 2 }));
    assert.equal(detail, 'Body: unknown field (name not shown).');
  }
});

test('no body brings anything but an answer of ours', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), async (text) => {
      const [status] = await post(text);
      assert.ok(status === 200 || status === 400, `${text} gave ${String(status)}`);
    }),
    { numRuns: 300 },
  );
});

const host = 'https://clinic.azurewebsites.net';
const user = async (raw: string, decoded: string, rest = '/tokens'): Promise<string> => {
  const name = rest.startsWith('/tokens') ? 'user' : 'last';
  const answer = await call(name, { url: `${host}/api/users/${raw}${rest}`, params: { userId: decoded } });
  const { id, code } = JSON.parse(answer.text) as { id?: string; code?: string };
  return id ?? code ?? 'nothing';
};

test('a route parameter is the segment of the URL, exactly', async () => {
  for (const id of ['nurse-7', 'A.b_c~D', '0', 'users', 'api', 'tokens', '+', 'a+b', 'x'.repeat(256)])
    for (const rest of [
      '/tokens',
      '/tokens/',
      '/tokens?x=/api/users/other/tokens',
      '/tokens?code=k#f',
      '',
      '/',
      '?y',
    ])
      assert.equal(await user(id, id, rest), id);
});

test('whatever the host decoded is refused', async () => {
  const decodings: Readonly<Record<string, string>> = {
    '%61dmin': 'admin',
    '%41': 'A',
    'a%20b': 'a b',
    'a b': 'a b',
    '%C3%A9': 'é',
    é: 'é',
    '%252F': '%2F',
    'a%252Fb': 'a%2Fb',
    '%2e%2e': '..',
    'x%2F..%2Fadmin': 'x%2F..%2Fadmin',
    'a%5Cb': 'a\\b',
    'a\\b': 'a\\b',
    '%00': '\0',
    'a%3Fb': 'a?b',
    'a%23b': 'a#b',
    '%EF%BC%8E': '．',
  };
  for (const [raw, decoded] of Object.entries(decodings))
    for (const rest of ['/tokens', '']) assert.equal(await user(raw, decoded, rest), 'invalid_request', raw);
});

test('an escape that the host leaves as it is does not pass as a name', async () => {
  for (const raw of ['%2F', '%2f', 'a%2Fb', '%zz', '%ff', '%', 'a%'])
    assert.equal(await user(raw, raw), 'invalid_request', raw);
});

test('a parameter that is not where the route has it is refused', async () => {
  assert.equal(await user('one', 'two'), 'invalid_request');
  for (const path of ['/api/users/tokens', '/api/other', '', '/', '/api/users/x/tokens/y']) {
    const answer = await call('user', { url: `${host}${path}`, params: { userId: 'x' } });
    assert.equal(answer.status, 400, path);
  }
  assert.equal((await call('user', { url: `${host}/api/users/x/tokens` })).status, 400);
});

test('the bearer goes to the judge as it came', async () => {
  for (const authorization of ['Bearer a.b.c', 'Bearer a.b.c,Bearer d.e.f', 'x'])
    assert.equal(
      (await call('bearer', { headers: { authorization } })).text,
      JSON.stringify({ authorization }),
    );
  assert.equal((await call('bearer')).text, '{"authorization":"none"}');
});

test('a forged platform header names nobody', async () => {
  const principal = Buffer.from('{"claims":[{"typ":"oid","val":"victim"}]}').toString('base64');
  const answer = await call('bearer', { headers: { 'x-ms-client-principal': principal } });
  assert.equal(answer.text, '{"authorization":"none"}');
});
