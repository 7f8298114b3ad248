// A storage account that takes requests and never answers them.
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Secret } from '../../src/platform/secret.ts';
import { createStorage } from '../../src/platform/storage.ts';

test('a storage account that is silent is waited for twenty seconds and no longer', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/a`;
  const text = `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=${at};QueueEndpoint=${at};TableEndpoint=${at};`;
  const settings = { kind: 'connectionString', connectionString: new Secret(text) } as const;
  const storage = createStorage(settings, () => assert.fail('a connection string needs no credential'));
  const blob = storage.container('x').getBlockBlobClient('y');
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const second = (): void => {
    t.mock.timers.tick(1000);
  };
  const asks = [
    () => blob.download(),
    () => blob.upload('z', 1),
    () => blob.getBlobLeaseClient().acquireLease(60),
    () => storage.queue('x').sendMessage('z'),
    () => storage.table('x').getEntity('y', 'z'),
  ];
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
