// A storage account that takes requests and never answers them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod/mini';
import { Secret } from '../../src/platform/secret.ts';
import { StateDocuments } from '../../src/platform/stateDocuments.ts';
import { createStorage } from '../../src/platform/storage.ts';

async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await setImmediate();
}

test('a storage account that is silent is waited for twenty seconds and no longer', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/a`;
  const text = `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=${at};QueueEndpoint=${at};TableEndpoint=${at};`;
  const settings = { kind: 'connectionString', connectionString: new Secret(text) } as const;
  // Here it is silent from the handshake on.
  const tls = at.replace('http:', 'https:');
  const signedIn = { kind: 'identity', blobUri: tls, queueUri: tls, tableUri: tls } as const;
  const credential = { getToken: async () => ({ token: 'x', expiresOnTimestamp: Infinity }) };
  const accounts = [settings, signedIn].map((one) => createStorage(one, () => credential));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const second = (): void => {
    t.mock.timers.tick(1000);
  };
  const asks = accounts.flatMap((storage) => {
    const blob = storage.container('x').getBlockBlobClient('y');
    return [
      () => blob.download(),
      () => blob.upload('z', 1),
      () => blob.getBlobLeaseClient().acquireLease(60),
      () => storage.queue('x').sendMessage('z'),
      () => storage.table('x').getEntity('y', 'z'),
    ];
  });
  try {
    for (const ask of asks) {
      const before = sockets.size;
      let name: string | undefined;
      const ended = ask().catch((error: unknown) => {
        name = error instanceof Error ? error.name : 'no error';
      });
      while (sockets.size === before) await setImmediate();
      for (let n = 0; n < 19; n += 1) second();
      await setImmediate();
      assert.equal(name, undefined, 'still waited for');
      second();
      await ended;
      assert.equal(name, 'AbortError');
    }
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

test('a document whose text stops half way is given up after twenty seconds', async (t) => {
  const server = createHttpServer((_, response) => {
    response.writeHead(200, { 'content-length': '100', etag: '"1"' }).write('{"schema":1,');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/a`;
  const text = `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=${at};`;
  const settings = { kind: 'connectionString', connectionString: new Secret(text) } as const;
  const storage = createStorage(settings, () => assert.fail('a connection string needs no credential'));
  const documents = new StateDocuments(storage.container('x'));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let name: string | undefined;
  const ended = documents.read('y', 1, z.object({ schema: z.literal(1) })).catch((error: unknown) => {
    name = error instanceof Error ? error.name : 'no error';
  });
  try {
    await once(server, 'request');
    // Until the head of the answer has arrived, which begins the time for its text.
    await turns(300);
    t.mock.timers.tick(19_000);
    await turns(20);
    assert.equal(name, undefined, 'still waited for');
    t.mock.timers.tick(1000);
    await Promise.race([ended, turns(2000)]);
    assert.equal(name, 'AbortError');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
