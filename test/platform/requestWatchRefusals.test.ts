// How an answer counts that a plain server gives: signed or not, of which host, about whom, and not after the watch has ended.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, test } from 'node:test';
import type { Dependency } from '../../src/platform/dependencies.ts';
import { DependencyBoard } from '../../src/platform/dependencyBoard.ts';
import { watchRequests } from '../../src/platform/requestWatch.ts';
import { ManualClock } from '../support/clock.ts';

let status = 403;
const server = createServer((_request, response) => response.writeHead(status).end());
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

let stop: () => void = () => undefined;
afterEach(() => {
  stop();
});

function watch(name: Dependency['name'], base = url): { state: () => string | undefined } {
  const board = new DependencyBoard([{ name, base: () => base }], new ManualClock());
  stop();
  stop = watchRequests(board);
  return { state: () => board.states()[0]?.state };
}

const signed = { authorization: 'Bearer x' };

async function ask(path: string, headers: Readonly<Record<string, string>> = signed): Promise<void> {
  const sent = request(`${url}${path}`, { headers });
  const [reply] = (await once(sent.end(), 'response')) as [NodeJS.ReadableStream];
  await once(reply.resume(), 'end');
}

test('an unsigned request that is answered with a challenge says nothing; every other refusal does', async () => {
  for (const [name, code, headers, state] of [
    ['keyVault', 401, {}, 'unknown'],
    ['keyVault', 401, signed, 'shaky'],
    ['keyVault', 403, {}, 'shaky'],
    ['webhook', 401, {}, 'shaky'],
    ['issuer', 401, {}, 'shaky'],
  ] as const) {
    status = code;
    const seen = watch(name);
    await ask('/', headers);
    assert.equal(seen.state(), state, `${name} ${code}`);
  }
});

test('a host counts however it is written', async () => {
  status = 200;
  const seen = watch('graph', 'https://graph.example');
  await ask('/v1.0/', { host: 'graph.example:444' });
  assert.equal(seen.state(), 'unknown');
  await ask('/v1.0/', { host: 'Graph.Example:443' });
  assert.equal(seen.state(), 'ok');
});

test('refusals about one user of ACS count once, whatever was asked; what is about nobody counts each time', async () => {
  status = 403;
  const one = watch('communication');
  for (const path of ['one?v=1', 'one?v=2', 'one', 'one/:issue?v=1', 'one/:revoke?v=1'])
    await ask(`/identities/${path}`);
  assert.equal(one.state(), 'shaky');
  const exchanges = watch('communication');
  for (let time = 0; time < 3; time += 1) await ask('/teamsUser/:exchangeAccessToken?v=1');
  assert.equal(exchanges.state(), 'shaky', 'each is about the token that a user brought');
  const creations = watch('communication');
  for (let time = 0; time < 3; time += 1) await ask('/identities?v=1');
  assert.equal(creations.state(), 'failing');
});

test('a connection that breaks is no refusal, however often', async () => {
  const seen = watch('graph', 'http://127.0.0.1:1');
  for (let time = 0; time < 4; time += 1) await once(request('http://127.0.0.1:1/').end(), 'error');
  assert.equal(seen.state(), 'shaky');
});

test('after its end a watch sees neither answers nor broken connections', async () => {
  const answered = watch('graph');
  stop();
  await ask('/');
  assert.equal(answered.state(), 'unknown');
  const broken = watch('graph', 'http://127.0.0.1:1');
  stop();
  await once(request('http://127.0.0.1:1/').end(), 'error');
  assert.equal(broken.state(), 'unknown');
});
