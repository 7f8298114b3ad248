// The CloudEvent of a change and the projection of its metadata.
import dcmjs from 'dcmjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toEvent } from '../../src/changeFeed/events.ts';
import { project } from '../../src/changeFeed/metadata.ts';
import { tagOfKeyword } from '../../src/platform/settings/dicomKeywords.ts';
import type { MetadataChoice } from '../../src/platform/settings/types.ts';
import { entryOf, service, startTime } from './feedWorld.ts';

const frame = { service, epoch: 4, late: false, metadata: { kind: 'none' } } as const;
const metadata = {
  '00080060': { vr: 'CS', Value: ['CT'] },
  '00100010': { vr: 'PN' },
  '0009100a': { vr: 'LO' },
};

test('id, sequence and time are exact, and an unknown action passes through under a general type', () => {
  const entry = {
    ...entryOf(9_007_199_254_740_991, startTime),
    timestamp: '2022-11-25T08:44:12.3524895+00:00',
  };
  const event = toEvent(entry, frame);
  assert.equal(event.id, '4.9007199254740991');
  assert.equal(event.sequence, '0009007199254740991');
  assert.equal(event.time, '2022-11-25T08:44:12.3524895+00:00');
  assert.equal('late' in event, false);
  const types = ['Create', 'Update', 'Delete', 'Archive', 'constructor'].map((action) =>
    toEvent({ ...entry, action }, frame),
  );
  assert.deepEqual(
    types.map(({ type, data }) => [type.replace('Microsoft.HealthcareApis.', ''), data.action]),
    [
      ['DicomImageCreated', 'Create'],
      ['DicomImageUpdated', 'Update'],
      ['DicomImageDeleted', 'Delete'],
      ['DicomImageChanged', 'Archive'],
      ['DicomImageChanged', 'constructor'],
    ],
  );
});

test('a partition other than the default one is part of the path, and a late change says so', () => {
  const event = toEvent(
    { ...entryOf(1, startTime), partitionName: 'a b', filePath: 'DICOM/x.dcm' },
    { ...frame, late: true },
  );
  assert.equal(event.subject, '/v2/partitions/a%20b/studies/2.25.11/series/2.25.12/instances/2.25.13');
  assert.deepEqual([event.late, event.data.filePath, event.data.partitionName], [true, 'DICOM/x.dcm', 'a b']);
});

test('metadata is left out, whole, or what tags select in any case', () => {
  const keys = (choice: MetadataChoice): string[] | undefined => {
    const projected = project(metadata, choice);
    return projected && Object.keys(projected);
  };
  assert.equal(keys({ kind: 'none' }), undefined);
  assert.deepEqual(keys({ kind: 'full' }), ['00080060', '00100010', '0009100a']);
  assert.deepEqual(keys({ kind: 'selected', tags: ['00080060', '0009100A'] }), ['00080060', '0009100a']);
  assert.equal(project(undefined, { kind: 'full' }), undefined);
});

test('every keyword has the tag of the DICOM dictionary', () => {
  assert.ok(tagOfKeyword.size > 100);
  const { dictionary } = dcmjs.data.DicomMetaDictionary;
  for (const [keyword, tag] of tagOfKeyword) {
    const row = dictionary[`(${tag.slice(0, 4)},${tag.slice(4)})`];
    assert.equal(row && Reflect.get(row, 'name'), keyword, tag);
  }
});
