// The admin endpoint over HTTP, and the general faults met by a real SDK pipeline.
import {
  createDefaultHttpClient,
  createEmptyPipeline,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { Hono } from 'hono';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, afterEach, test } from 'node:test';
import * as z from 'zod/mini';
import { demo } from '../../../local/demo.ts';
import { createAdmin } from '../../../local/standIns/admin.ts';
import { ownEffect } from '../../../local/standIns/effects.ts';
import { listen, type StandIn, type StandInEnv } from '../../../local/standIns/kit.ts';
import { startStandIns } from '../../support/standIns.ts';

const state = { writes: 0 };
const counter: StandIn = {
  service: 'graph',
  app: new Hono<StandInEnv>(),
  state: () => state,
  effects: { slow: ownEffect(z.strictObject({ slow: z.int() }), () => () => undefined) },
};
counter.app.post('/v1.0/things', (c) => c.json({ writes: ++state.writes }));
counter.app.get('/v1.0/things', (c) => c.json(state));
const cloud = await startStandIns(() => [counter]);
const admin = await listen(createAdmin({ ...cloud, standIns: [counter] }), 0);
after(() => admin.close());
afterEach(() => call('DELETE', '/faults'));

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(admin.url + path, { method, headers, body: text });
  const answer = await response.text();
  return { status: response.status, body: (answer === '' ? undefined : JSON.parse(answer)) as unknown };
}

function graph(method: 'GET' | 'POST', path = '/v1.0/things') {
  const url = `https://graph.microsoft.com${path}`;
  return createEmptyPipeline().sendRequest(createDefaultHttpClient(), createPipelineRequest({ url, method }));
}

async function token(body: unknown): Promise<string> {
  return ((await call('POST', '/tokens', body)).body as { token: string }).token;
}

test('a scripted status answers instead of the service, after as many as it skips and as often as it says', async () => {
  const rule = {
    ...{ service: 'graph', method: 'post', path: '/things$', skip: 1, times: 1 },
    effect: { status: 429, headers: { 'retry-after': '7' }, body: { error: { code: 'TooManyRequests' } } },
  };
  const { status, body } = await call('POST', '/faults', rule);
  assert.equal(status, 201);
  const before = state.writes;
  const answers = [await graph('POST'), await graph('POST'), await graph('POST')];
  assert.deepEqual(
    answers.map((one) => one.status),
    [200, 429, 200],
  );
  const faulted = answers[1];
  assert.equal(faulted?.headers.get('retry-after'), '7');
  assert.deepEqual(JSON.parse(String(faulted.bodyAsText)), rule.effect.body);
  assert.equal(state.writes, before + 2);
  assert.deepEqual((await call('GET', '/faults')).body, [{ ...(body as object), ...rule, met: 2 }]);
});

test('a connection is dropped in the middle of the answer', async () => {
  const before = state.writes;
  await call('POST', '/faults', { service: 'graph', times: 1, effect: { drop: 'during' } });
  await assert.rejects(graph('POST'));
  assert.equal(state.writes, before + 1);
  assert.equal((await graph('GET')).status, 200);
});

test('a body comes slowly, the head at once, and all of it', async () => {
  await call('POST', '/faults', { service: 'graph', times: 1, effect: { slowBodyMs: 60 } });
  const started = performance.now();
  const { bodyAsText } = await graph('GET');
  assert.deepEqual(JSON.parse(bodyAsText ?? ''), state);
  assert.ok(performance.now() - started >= 50);
});

test('a connection is dropped before the effect or after it', async () => {
  const before = state.writes;
  await call('POST', '/faults', { service: 'graph', times: 1, effect: { drop: 'before' } });
  await assert.rejects(graph('POST'), { code: 'ECONNRESET' });
  assert.equal(state.writes, before);
  await call('POST', '/faults', { service: 'graph', times: 1, effect: { drop: 'after' } });
  await assert.rejects(graph('POST'), { code: 'ECONNRESET' });
  assert.equal(state.writes, before + 1);
  assert.equal((await graph('GET')).status, 200);
});

test('a delayed request is answered late, by the service itself', async () => {
  await call('POST', '/faults', { service: 'graph', effect: { delayMs: 60 } });
  const started = performance.now();
  assert.equal((await graph('GET')).status, 200);
  assert.ok(performance.now() - started >= 55);
});

test('a revoked permission is gone for every service until the rule is deleted', async () => {
  const { principalId } = demo.managedIdentity;
  cloud.directory.grant(principalId, 'DICOM Data Reader', 'Key Vault Secrets Officer');
  const rule = { service: 'dicom', effect: { revokePermission: 'DICOM Data Reader' } };
  const { id } = (await call('POST', '/faults', rule)).body as { id: string };
  assert.equal(cloud.directory.has(principalId, 'DICOM Data Reader'), false);
  assert.equal(cloud.directory.has(principalId, 'Key Vault Secrets Officer'), true);
  assert.equal((await call('DELETE', `/faults/${id}`)).status, 204);
  assert.equal(cloud.directory.has(principalId, 'DICOM Data Reader'), true);
  assert.equal((await call('DELETE', `/faults/${id}`)).status, 404);
});

test('a rule that cannot be meant is refused with the reason, and nothing is added', async () => {
  const bad: [unknown, RegExp][] = [
    ['{', /not JSON/],
    [{ service: 'storage', effect: { delayMs: 1 } }, /service/],
    [{ service: 'graph', effect: { delayMs: 1 }, often: 2 }, /often/],
    [{ service: 'graph', effect: { lagMs: 1 } }, /unknown for graph; .*slow.*DICOM Data Reader/],
    [{ service: 'graph', effect: { delayMs: 1, status: 500 } }, /effect: .*"delayMs"/],
    [{ service: 'graph', effect: { status: 99 } }, /effect: .*>=200/],
    [{ service: 'graph', effect: { drop: 'sometimes' } }, /effect: .*"before"\|"during"\|"after"/],
    [{ service: 'graph', effect: { slow: 'very' } }, /effect: .*number/],
    [{ service: 'graph', effect: { revokePermission: 'Owner' } }, /effect: .*DICOM Data Reader/],
    [
      { service: 'graph', effect: { status: 200, headers: { 'bad name': '1' } } },
      /names and values of headers/,
    ],
    [{ service: 'graph', path: '(', effect: { delayMs: 1 } }, /expected a regular expression/],
    [{ service: 'graph', times: -1, effect: { delayMs: 1 } }, /times/],
  ];
  for (const [rule, reason] of bad) {
    const { status, body } = await call('POST', '/faults', rule);
    assert.equal(status, 400, JSON.stringify(rule));
    assert.match((body as { error: string }).error, reason);
  }
  assert.deepEqual((await call('GET', '/faults')).body, []);
});

test('the request log names number, service, method, path, status and fault, and no query', async () => {
  const { id } = (await call('POST', '/faults', { service: 'graph', skip: 1, effect: { status: 503 } }))
    .body as {
    id: string;
  };
  const last = cloud.log.list().at(-1)?.number ?? 0;
  await graph('GET', '/v1.0/things?code=secret');
  await graph('GET');
  const { body } = await call('GET', `/requests?service=graph&since=${last}`);
  const time = new Date(cloud.now()).toISOString();
  const entry = { time, service: 'graph', method: 'GET', path: '/v1.0/things' };
  assert.deepEqual(body, [
    { number: last + 1, ...entry, status: 200 },
    { number: last + 2, ...entry, status: 503, fault: id },
  ]);
  assert.deepEqual((await call('GET', `/requests?service=&since=${last}`)).body, body);
  assert.deepEqual((await call('GET', '/requests?service=dicom')).body, []);
  for (const query of ['service=storage', 'since=x', 'from=1']) {
    assert.equal((await call('GET', `/requests?${query}`)).status, 400);
  }
});

test('the state is that of each stand-in, by its name', async () => {
  assert.deepEqual((await call('GET', '/state')).body, { graph: { writes: state.writes } });
});

test('without a body a token is the demo user of the demo API, for an hour', async () => {
  const claims = decodeJwt(await token(undefined));
  const now = Math.floor(cloud.now() / 1000);
  const { oid, name } = demo.user;
  const lifetime = { iat: now, nbf: now, exp: now + 3600 };
  const rest = {
    aud: demo.api.audience,
    iss: demo.issuer,
    tid: demo.tenantId,
    sub: oid,
    scp: 'access_as_user',
    ver: '2.0',
  };
  assert.deepEqual(claims, { ...lifetime, ...rest, oid, name });
});

test('a claim replaces the default, null removes it, and the header is added to', async () => {
  const made = await token({
    claims: { oid: 'other', scp: null, exp: null, roles: ['A'] },
    header: { kid: 'k9' },
  });
  const claims = decodeJwt(made);
  assert.equal(claims['oid'], 'other');
  assert.deepEqual(claims['roles'], ['A']);
  assert.equal('scp' in claims, false);
  assert.equal('exp' in claims, false);
  assert.deepEqual(decodeProtectedHeader(made), { alg: 'RS256', typ: 'JWT', kid: 'k9' });
});

test('a token is signed well, with a key nobody knows, or not at all', async () => {
  const judged = async (sign: string) =>
    cloud.tokens.judge(`Bearer ${await token({ sign })}`, demo.api.audience);
  assert.equal((await judged('valid')).ok, true);
  assert.deepEqual(await judged('otherKey'), { ok: false, reason: 'signature' });
  assert.deepEqual(await judged('none'), { ok: false, reason: 'malformed' });
  for (const body of [
    { sign: 'badly' },
    { claim: {} },
    { claims: [] },
    { header: { crit: 'x' } },
    { header: { alg: 'none' } },
    '[]',
    'no',
  ]) {
    assert.equal((await call('POST', '/tokens', body)).status, 400, JSON.stringify(body));
  }
});

test('another host name and pages of other origins are refused, whatever they ask', async () => {
  const withHost = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(admin.url + '/state', { headers: { host } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });
  for (const host of ['rebound.example', `127.0.0.1.example:${admin.port}`, 'localhost.example']) {
    assert.equal(await withHost(host), 403, host);
  }
  for (const host of [`127.0.0.1:${admin.port}`, `localhost:${admin.port}`, `[::1]:${admin.port}`]) {
    assert.equal(await withHost(host), 200, host);
  }
  for (const origin of ['https://evil.example', 'http://localhost:3000', 'null']) {
    assert.equal((await call('POST', '/tokens', {}, { origin })).status, 403, origin);
  }
  assert.equal((await call('GET', '/state', undefined, { origin: admin.url })).status, 200);
  assert.equal((await call('GET', '/state', undefined, { 'sec-fetch-site': 'cross-site' })).status, 403);
});

test('an unknown path says what there is', async () => {
  const { status, body } = await call('GET', '/fault');
  assert.equal(status, 404);
  assert.match((body as { error: string }).error, /\/faults, \/requests, \/state and \/tokens/);
});
