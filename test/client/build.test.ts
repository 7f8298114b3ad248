// What `npm run build` makes of the client helper: one module for browsers that needs nothing but what every browser has.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { buildClient } from '../../scripts/build.ts';

const directory = await mkdtemp(join(tmpdir(), 'telehealth-client-'));
after(() => rm(directory, { recursive: true, force: true }));
await buildClient(directory);
const script = await readFile(join(directory, 'tokenRefresher.js'), 'utf8');
const declarations = await readFile(join(directory, 'tokenRefresher.d.ts'), 'utf8');

test('it imports nothing and names nothing of Node', () => {
  for (const text of [script, declarations])
    assert.doesNotMatch(text, /\bimport\b|\brequire\b|\bprocess\b|\bBuffer\b|\bglobal\b|\bNodeJS\b|node:/);
});

test('it exports the refresher and its error, and declares both with their documentation', () => {
  const exported = [...script.matchAll(/^export (?:class|function|const) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(exported, ['TokenRefreshError', 'createTokenRefresher']);
  assert.match(
    declarations,
    /^ \*\/\nexport declare function createTokenRefresher\(options: TokenRefresherOptions\)/m,
  );
  assert.match(declarations, /^export declare class TokenRefreshError extends Error/m);
});

test('it works where there is nothing but fetch, timers and AbortController', async () => {
  const asked: unknown[] = [];
  const told: unknown[] = [];
  const replies = [new Response('', { status: 503 }), Response.json(answer())];
  const world = createContext({
    AbortController,
    clearTimeout,
    // Called as a bare function, as in a browser: with another `this` it throws there.
    fetch(this: unknown, url: string, init: RequestInit) {
      asked.push([this === undefined || this === world, url, init.headers]);
      return Promise.resolve(replies.shift());
    },
    setTimeout,
    tell: (value: unknown) => told.push(value),
  });
  runInContext(`Math.random = () => 0;\n${script.replaceAll(/^export /gm, '')}`, world);
  const run = `createTokenRefresher({ url: '/api/tokens', getAccessToken: async () => 'bearer' })().then(tell, tell)`;
  await runInContext(run, world);
  assert.deepEqual(told, ['token']);
  assert.deepEqual(JSON.parse(JSON.stringify(asked)), [
    [true, '/api/tokens', { Authorization: 'Bearer bearer' }],
    [true, '/api/tokens', { Authorization: 'Bearer bearer' }],
  ]);
});

function answer(): object {
  return {
    token: 'token',
    expiresOn: new Date(Date.now() + 3_600_000).toISOString(),
    scopes: ['chat'],
    user: { communicationUserId: '8:acs:resource_user' },
    endpoint: 'https://resource.communication.azure.com',
  };
}
