// A DICOM service with data partitions: where they must stand in a path, and what the one change feed says of them.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { dicomFile, uidsOf } from '../../../../local/dicomFiles.ts';
import { startDicom, type DicomReply } from '../../../support/dicom.ts';

const dicom = await startDicom();
const { study } = uidsOf({ study: 'shared' });
const file = { 'content-type': 'application/dicom' };
const missing = 'PartitionName value is missing in the route segment.';

const store = (partition: string): Promise<DicomReply> =>
  dicom.call(`/v2/partitions/${partition}/studies`, {
    method: 'POST',
    body: dicomFile({ study: 'shared' }),
    headers: file,
  });

async function feed(): Promise<readonly unknown[]> {
  const { json } = await dicom.call('/v1/changefeed');
  const entries = json as {
    partitionName: string;
    action: string;
    state: string;
    metadata?: Record<string, { Value: unknown[] }>;
  }[];
  return entries.map(({ partitionName, action, state, metadata }) => [
    partitionName,
    action,
    state,
    metadata?.['00100020']?.Value[0],
  ]);
}

beforeEach(() => {
  dicom.faults.clear();
  dicom.faults.add({ service: 'dicom', effect: { reset: true } });
  dicom.faults.clear();
});

test('without partitions a path with one is refused, and everything is in the default one', async () => {
  const { status } = await store('north');
  assert.equal(status, 400);
  await dicom.store(dicomFile({ study: 'shared' }));
  assert.deepEqual(await feed(), [['Microsoft.Default', 'Create', 'Current', 'NOBODY-1']]);
});

test('with partitions a path without one is refused, except those of the feed and of operations', async () => {
  dicom.faults.add({ service: 'dicom', effect: { partitions: true } });
  const calls = [
    dicom.call('/v2/studies', { method: 'POST', body: dicomFile({ study: 'shared' }), headers: file }),
    dicom.call(`/v2/studies/${study}`, { method: 'DELETE' }),
    dicom.call(`/v2/studies/${study}/metadata`),
    dicom.call('/v2/studies/$bulkUpdate', { method: 'POST', body: Buffer.from('{}') }),
  ];
  for (const { status, text } of await Promise.all(calls)) assert.deepEqual([status, text], [400, missing]);
  for (const path of ['/v1/changefeed', '/v2/changefeed'])
    assert.equal((await dicom.call(path)).status, 200, path);
  assert.equal((await dicom.call('/v1/partitions/north/changefeed')).status, 404);
  for (const name of ['a%20b', 'x'.repeat(65)]) assert.equal((await store(name)).status, 400, name);
});

test('the same UIDs in two partitions are two instances, told apart in one feed', async () => {
  dicom.faults.add({ service: 'dicom', effect: { partitions: true } });
  for (const partition of ['north', 'south']) {
    const { status, json } = await store(partition);
    assert.equal(status, 200);
    assert.match(JSON.stringify(json), new RegExp(`/v2/partitions/${partition}/studies/${study}/series/`));
  }
  assert.equal((await store('north')).status, 409);
  const changes = {
    studyInstanceUids: [study],
    changeDataset: { '00100020': { vr: 'LO', Value: ['NOBODY-2'] } },
  };
  const body = Buffer.from(JSON.stringify(changes));
  const updated = await dicom.call('/v2/partitions/south/studies/$bulkUpdate', { method: 'POST', body });
  assert.equal(updated.status, 202);
  const path = `/v2/partitions/north/studies/${study}`;
  assert.equal((await dicom.call(`${path}/metadata`)).status, 200);
  assert.equal((await dicom.call(path, { method: 'DELETE' })).status, 204);
  assert.equal((await dicom.call(path, { method: 'DELETE' })).status, 404);
  assert.deepEqual(await feed(), [
    ['north', 'Create', 'Deleted', undefined],
    ['south', 'Create', 'Replaced', 'NOBODY-2'],
    ['south', 'Update', 'Current', 'NOBODY-2'],
    ['north', 'Delete', 'Deleted', undefined],
  ]);
});
