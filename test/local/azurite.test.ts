// Azurite, driven by the three real storage clients.
import { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAzurite } from '../../local/azurite.ts';
import { freePorts } from '../../local/ports.ts';

function clients(connectionString: string) {
  return {
    container: BlobServiceClient.fromConnectionString(connectionString).getContainerClient('box'),
    queue: QueueServiceClient.fromConnectionString(connectionString).getQueueClient('line'),
    table: TableClient.fromConnectionString(connectionString, 'rows', { allowInsecureConnection: true }),
  };
}

test('blob, queue and table work in memory through the real clients', async (t) => {
  const azurite = await startAzurite({ ports: freePorts });
  t.after(() => azurite.close());
  const { container, queue, table } = clients(azurite.connectionString);
  await container.create();
  const blob = container.getBlockBlobClient('a');
  const { etag } = await blob.upload('one', 3, { conditions: { ifNoneMatch: '*' } });
  await assert.rejects(blob.upload('two', 3, { conditions: { ifMatch: '"0x0"' } }), { statusCode: 412 });
  assert.equal((await blob.downloadToBuffer()).toString(), 'one');
  assert.equal((await blob.getProperties()).etag, etag);
  await queue.create();
  await queue.sendMessage('hello');
  assert.equal((await queue.receiveMessages()).receivedMessageItems[0]?.messageText, 'hello');
  await table.createTable();
  await table.createEntity({ partitionKey: 'p', rowKey: 'r', name: 'x' });
  await assert.rejects(table.createEntity({ partitionKey: 'p', rowKey: 'r' }), { statusCode: 409 });
});

test('in a folder the data outlives a restart', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'azurite-'));
  const first = await startAzurite({ ports: freePorts, folder: join(folder, 'storage') });
  t.after(() => first.close());
  const before = clients(first.connectionString);
  await before.container.create();
  await before.container.getBlockBlobClient('a').upload('kept', 4);
  await before.queue.create();
  await before.queue.sendMessage('kept');
  await before.table.createTable();
  await before.table.createEntity({ partitionKey: 'p', rowKey: 'r', name: 'kept' });
  await first.close();

  const second = await startAzurite({ ports: freePorts, folder: join(folder, 'storage') });
  t.after(async () => {
    await second.close();
    rmSync(folder, { recursive: true });
  });
  const { container, queue, table } = clients(second.connectionString);
  assert.equal((await container.getBlockBlobClient('a').downloadToBuffer()).toString(), 'kept');
  assert.equal((await queue.peekMessages()).peekedMessageItems[0]?.messageText, 'kept');
  assert.equal((await table.getEntity<{ name: string }>('p', 'r')).name, 'kept');
  assert.deepEqual(readdirSync(folder), ['storage']);
});

test('a busy port is one line that names its setting, and the services started before it are closed', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  await assert.rejects(startAzurite({ ports: { blob: 0, queue: port, table: 0 } }), {
    message: new RegExp(`^Port ${port} is in use: .*LOCAL_PORT_QUEUE`),
  });
});
