// The benchmark of the change feed: that it measures what it says, and finds what is missing or out of order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { always, compared, measureFeed, mostMibWithMetadata } from '../../bench/feed.ts';
import { misplaced } from '../../bench/feedRuns.ts';
import { missed } from '../../bench/report.ts';
import { startStorage } from '../support/azurite.ts';

const result = { seconds: 1, cpuMs: 500, pages: 12, stored: 30, peakMib: 200 };

test('a few changes are read, pulled and found in their places', async () => {
  const sections = await measureFeed(300, () => undefined);
  const [few, more, whole] = sections.map(({ figures }) =>
    Object.fromEntries(figures.map(({ name, value }) => [name, value])),
  );
  assert.ok(few && more && whole);
  // Three pages in turn, 30 ms each.
  assert.ok((few['readSeconds'] ?? 0) >= 0.09);
  assert.deepEqual([few['misplaced'], more['misplaced'], whole['misplaced']], [0, 0, 0]);
  assert.ok((few['pages'] ?? 0) >= 4 && (more['pages'] ?? 0) >= 31);
  assert.ok((more['storage'] ?? 0) >= 1 && (more['memory'] ?? 0) > 20);
});

test('less than eight times as fast, memory beyond 200 MiB and a misplaced change miss the aims', () => {
  const missing = (read: number, peakMib: number, wrong: number): readonly string[] => {
    const pulled = { ...result, peakMib };
    const figures = [...compared({ ...result, seconds: read }, pulled), ...always(pulled, wrong, 1000)];
    return missed([{ title: 't', figures }]);
  };
  assert.deepEqual(missing(8, 200, 0), []);
  assert.deepEqual(missing(7.9, 201, 1), [
    't: share of the time',
    't: changes missing or out of order',
    't: most memory, with the heap of a 2 GB instance',
  ]);
});

test('requests to storage and the time of the processor are told for a thousand changes', () => {
  const figures = always(result, 0, 10_000);
  const valueOf = (wanted: string) => figures.find(({ name }) => name === wanted)?.value;
  assert.deepEqual([valueOf('storage'), valueOf('cpu')], [3, 50]);
});

test('with metadata more memory may be used, up to 400 MiB', () => {
  const missing = (peakMib: number) =>
    missed([{ title: 't', figures: always({ ...result, peakMib }, 0, 1000, mostMibWithMetadata) }]);
  assert.deepEqual([missing(400), missing(401)], [[], ['t: most memory, with the heap of a 2 GB instance']]);
});

test('what is missing, twice or out of order is counted', async () => {
  const { settings } = await startStorage();
  const text = settings.connectionString.reveal();
  const blobs = BlobServiceClient.fromConnectionString(text);
  const counted = async (name: string, ...batches: number[][]): Promise<number> => {
    const container = blobs.getContainerClient(name);
    await container.create();
    for (const [n, batch] of batches.entries()) {
      const lines = batch
        .map((sequenceNumber) => `${JSON.stringify({ data: { sequenceNumber } })}\n`)
        .join('');
      await container.getBlockBlobClient(`${n}.ndjson`).upload(lines, lines.length);
    }
    return misplaced(text, name, 4);
  };
  assert.equal(await counted('whole', [1, 2], [3, 4]), 0);
  assert.equal(await counted('short', [1, 2], [3]), 1);
  assert.equal(await counted('crossed', [1, 3], [2, 4]), 2);
  assert.ok((await counted('twice', [1, 2], [2, 3, 4])) > 0);
});
