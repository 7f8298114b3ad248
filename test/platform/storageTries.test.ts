// How often a storage account that cannot be reached is tried, by key and by identity, and that keys travel in the open only on request.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { ClientRequest, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { storageTries, storageTryTimeoutMs } from '../../src/platform/limits.ts';
import { Secret } from '../../src/platform/secret.ts';
import { createStorage, type Storage } from '../../src/platform/storage.ts';

const noCredential = (): never => assert.fail('a connection string needs no credential');
const withKey = (text: string): Storage =>
  createStorage(
    { kind: 'connectionString', connectionString: new Secret(`AccountName=a;AccountKey=YQ==;${text}`) },
    noCredential,
  );

const nowhere = 'https://127.0.0.1:1/a';
const credential = { getToken: async () => ({ token: 'x', expiresOnTimestamp: Infinity }) };
const accounts: Readonly<Record<string, Storage>> = {
  'a key': withKey(
    `DefaultEndpointsProtocol=https;BlobEndpoint=${nowhere};QueueEndpoint=${nowhere};TableEndpoint=${nowhere};`,
  ),
  'an identity': createStorage(
    { kind: 'identity', blobUri: nowhere, queueUri: nowhere, tableUri: nowhere },
    () => credential,
  ),
};

for (const [how, storage] of Object.entries(accounts))
  test(`with ${how} a lost connection is tried again, four times in all and within seconds`, async (t) => {
    const tries: string[] = [];
    const note = (message: unknown): void => {
      assert.ok(typeof message === 'object' && message !== null && 'request' in message);
      assert.ok(message.request instanceof ClientRequest);
      tries.push(message.request.path);
    };
    subscribe('http.client.request.error', note);
    t.after(() => unsubscribe('http.client.request.error', note));
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const asks = [
      () => storage.container('x').getBlockBlobClient('y').getProperties(),
      () => storage.queue('x').getProperties(),
      () => storage.table('x').getEntity('y', 'z'),
    ];
    for (const ask of asks) {
      tries.length = 0;
      const state = { isOver: false };
      const ended = assert.rejects(ask(), { code: 'ECONNREFUSED' }).finally(() => (state.isOver = true));
      let ms = 0;
      for (; !state.isOver; ms += 10) {
        t.mock.timers.tick(10);
        await setImmediate();
      }
      await ended;
      assert.equal(tries.length, storageTries);
      // The tables take no such wish.
      if (ask !== asks[2])
        assert.match(tries.at(-1) ?? '', new RegExp(`[?&]timeout=${storageTryTimeoutMs / 1000}(&|$)`));
      assert.ok(ms < 5_000, String(ms));
    }
  });

test('a table is asked in the open only where the connection string says so', async (t) => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const row = (protocol: string): Promise<unknown> =>
    withKey(`${protocol};TableEndpoint=${url};`).table('x').getEntity('y', 'z');
  // The client leaves its timer for an answer behind when it refuses.
  t.mock.timers.enable({ apis: ['setTimeout'] });
  await assert.rejects(row('DefaultEndpointsProtocol=https'), /allowInsecureConnection/);
  assert.equal(asked, 0);
  await assert.rejects(row('DefaultEndpointsProtocol=http'), { statusCode: 404 });
  await assert.rejects(row('defaultendpointsprotocol=HTTP'), { statusCode: 404 });
  const stop = new AbortController();
  const begun = (): void => {
    stop.abort();
  };
  subscribe('http.client.request.start', begun);
  t.after(() => unsubscribe('http.client.request.start', begun));
  const local = createStorage(
    { kind: 'connectionString', connectionString: new Secret('UseDevelopmentStorage=true') },
    noCredential,
  );
  const abortSignal = stop.signal;
  await assert.rejects(local.table('x').getEntity('y', 'z', { abortSignal }), { name: 'AbortError' });
});
