// Containers, tables and queues that the deployment makes are those that the app uses, and what expires is what may.
import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import { QueueClient } from '@azure/storage-queue';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import lifecycle from '../../infra/lifecycle.json' with { type: 'json' };
import settings from '../../infra/appSettings.json' with { type: 'json' };
import storage from '../../infra/storage.json' with { type: 'json' };
import { createBlobSink } from '../../src/changeFeed/blobSink.ts';
import { toEvent } from '../../src/changeFeed/events.ts';
import { createQueueSink } from '../../src/changeFeed/queueSink.ts';
import type { Batch } from '../../src/changeFeed/sink.ts';
import { auditContainer, rotationContainer, stateContainer } from '../../src/platform/platform.ts';
import { entryOf, service, startTime } from '../changeFeed/feedWorld.ts';
import { root, template } from './files.ts';
import { assignments } from './tables.ts';

const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  // The list of dependencies names them once more.
  .filter((path) => path.endsWith('.ts') && !path.endsWith('dependencies.ts'))
  .map((path) => readFileSync(join(root, 'src', path), 'utf8'))
  .join('\n');

/** What the app hands to the clients of an account: `container`, `table` or `queue`. */
function usedIn(kind: string): readonly string[] {
  const words: Readonly<Record<string, string>> = {
    ...{ stateContainer, rotationContainer, auditContainer },
    ...{ container: 'CHANGE_FEED_CONTAINER', queue: 'CHANGE_FEED_QUEUE' },
  };
  const calls = source.matchAll(new RegExp(`\\.${kind}\\(([^)]+)\\)`, 'g'));
  const names = [...calls].map(
    ([, given = '']) => /^'(.+)'$/.exec(given)?.[1] ?? words[given.replace(/^settings\./, '')] ?? given,
  );
  return [...new Set(names)].sort();
}

test('the deployment makes every container, table and queue that the app uses, and the one of its package', () => {
  for (const kind of ['container', 'table', 'queue']) {
    const made = storage.filter((row) => row.kind === kind && row.account !== 'host').map(({ name }) => name);
    assert.deepEqual(made.sort(), usedIn(kind), kind);
  }
  assert.deepEqual(
    storage.filter(({ account }) => account === 'host').map(({ name }) => name),
    ['packages'],
  );
  assert.match(template('modules/data.bicep'), /\$\{host\.outputs\.blobEndpoint\}packages'/);
});

test('the README says where things are kept, and whose they are', () => {
  const jobs: Readonly<Record<string, string>> = {
    ...{ communication: 'token service', rotation: 'rotation', changeFeed: 'change feed' },
  };
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const told = [...readme.matchAll(/^\| (?:container|table|queue) .*\|$/gm)].map(([row]) =>
    row
      .split('|')
      .slice(1, 5)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
  const made = storage
    .filter(({ account }) => account !== 'host')
    .map(({ account, kind, name }) => {
      const who = assignments.filter((row) => row.of === account && row.kind === kind && row.name === name);
      const whose = who.length === 1 ? jobs[who[0]?.principal ?? ''] : 'all';
      return [kind, name, account, whose];
    });
  assert.deepEqual(told.map(String).sort(), made.map(String).sort());
});

test('a name of an app setting stands for its value, and is one that the operator may choose', () => {
  for (const { name } of storage.filter((row) => /[A-Z]/.test(row.name))) {
    const row = settings.find((one) => one.name === name);
    assert.ok(row?.from === '' && row.default !== '', name);
  }
  for (const path of ['modules/data.bicep', 'modules/roles.bicep'])
    assert.match(template(path), /chosen\[\?row\.name\] \?\? row\.name/);
});

const frame = { signal: new AbortController().signal, guard: () => undefined };
const host = 'h';

/** A batch of one event, which is too large for a queue message where `large`. */
function batchOf(epoch: number, late: boolean, large: boolean): Batch {
  const view = { service, epoch, late, metadata: { kind: 'none' } } as const;
  const event = toEvent(entryOf(1, startTime), view);
  const data = large ? { ...event.data, filePath: 'x'.repeat(50_000) } : event.data;
  return { host, epoch, from: 1, to: 1, late, events: [{ ...event, data }] };
}

/** The names of the blobs that both sinks write for `batch`, as a storage that takes everything is asked for them. */
async function pathsOf(batch: Batch): Promise<readonly string[]> {
  const names: string[] = [];
  const server = createServer((request, response) => {
    const [, name] = /^\/account\/blobs\/([^?]+)/.exec(request.url ?? '') ?? [];
    if (name !== undefined) names.push(name);
    request.resume().on('end', () => {
      response.writeHead(201, { 'content-type': 'application/xml' });
      response.end(name === undefined ? '<QueueMessagesList></QueueMessagesList>' : '');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const address = server.address();
    assert.ok(typeof address === 'object' && address);
    const url = `http://127.0.0.1:${address.port}`;
    const blobs = new ContainerClient(`${url}/account/blobs`, new AnonymousCredential());
    await createBlobSink(blobs).deliver(batch, frame);
    await createQueueSink(new QueueClient(`${url}/account/queue`), blobs).deliver(batch, frame);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return names;
}

const expiresAs = (path: string): readonly string[] =>
  Object.entries(lifecycle)
    .filter(([, prefixes]) => prefixes.some((prefix) => path.startsWith(`${host}/${prefix}`)))
    .map(([what]) => what);

test('what is delivered expires as a delivery, and a claim check never does so', async () => {
  const epochs = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99];
  for (const epoch of epochs) {
    const [path = '', ...more] = await pathsOf(batchOf(epoch, false, false));
    assert.deepEqual([expiresAs(path), more], [['deliveries'], []], path);
  }
  const late = await pathsOf(batchOf(1, true, false));
  assert.deepEqual(late.map(expiresAs), [['deliveries']]);
  const both = await pathsOf(batchOf(1, false, true));
  assert.deepEqual(both.map((path) => [path.split('/')[1], expiresAs(path)]).sort(), [
    ['1', ['deliveries']],
    ['claims', ['claims']],
  ]);
});

test('a rule has no more prefixes than Azure allows', () => {
  for (const prefixes of Object.values(lifecycle)) assert.ok(prefixes.length <= 10);
});
