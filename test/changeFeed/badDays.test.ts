// What the DICOM service is known for doing on bad days, one by one: every change arrives all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dicomFile, uidsOf } from '../../local/dicomFiles.ts';
import type { CloudEvent } from '../../src/changeFeed/events.ts';
import { dicom, feedScene, type FeedScene } from './feedScene.ts';

const full = { metadata: { kind: 'full' } } as const;
const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);
const sequencesOf = (events: readonly CloudEvent[]): number[] =>
  events.map(({ data }) => data.sequenceNumber);
const requests = (): number => dicom.log.list('dicom').length;

function spoil({ services: [service = ''] }: FeedScene, effect: object): void {
  dicom.faults.clear();
  dicom.faults.add({ service: 'dicom', effect: { ...effect, host: new URL(service).host } });
}

/** Of pages, not of the latest entry. */
function spoilAnswers(effect: object, times = 1000): void {
  dicom.faults.clear();
  dicom.faults.add({ service: 'dicom', path: 'changefeed$', times, effect });
}

async function post(scene: FeedScene, path: string, body: object): Promise<void> {
  const reply = await dicom.call(path, {
    ...{ method: 'POST', body: Buffer.from(JSON.stringify(body)), service: scene.services[0] ?? '' },
  });
  assert.equal(reply.status, 202, reply.text);
}

/** In one request, each in a statement of its own. */
async function storeAtOnce({ services: [service = ''] }: FeedScene, count: number): Promise<void> {
  const part = Buffer.from('--part\r\nContent-Type: application/dicom\r\n\r\n');
  const files = upTo(count).map((n) => [part, dicomFile({ study: `tied ${n}` }), Buffer.from('\r\n')]);
  const body = Buffer.concat([...files.flat(), Buffer.from('--part--\r\n')]);
  const headers = { 'content-type': 'multipart/related; type="application/dicom"; boundary=part' };
  assert.equal((await dicom.call('/v2/studies', { method: 'POST', body, headers, service })).status, 200);
}

test('numbers that jump by ten thousand cost a hundred cheap pages, once', async () => {
  const scene = feedScene({ settings: full });
  await scene.store(['a']);
  spoil(scene, { gap: 10_000 });
  await scene.store(['b']);
  assert.equal((await scene.pull()).outcome, 'holding_gap');
  dicom.advance(61_000);
  const before = requests();
  assert.deepEqual((await scene.pull()).outcome, 'caught_up');
  assert.ok(requests() - before <= 110, String(requests() - before));
  assert.deepEqual(sequencesOf(await scene.events()), [1, 10_002]);
});

test('changes that are older by time than their numbers say keep the order of their numbers', async () => {
  const scene = feedScene();
  await scene.store(['a']);
  spoil(scene, { earlyTime: { statements: 2, ms: 20_000 } });
  await scene.store(['b', 'c', 'd']);
  assert.equal((await scene.pull()).outcome, 'caught_up');
  assert.deepEqual(sequencesOf(await scene.events()), upTo(4));
});

test('a start by time loses none of more changes with one time than a page of v2 has, nor one that began before', async () => {
  const old = feedScene();
  await old.store(['before']);
  dicom.advance(180_000);
  const time = new Date(dicom.now() - 1000).toISOString();
  const scene = feedScene({ settings: { start: { kind: 'time', time } } });
  spoil(scene, { sameTime: 220 });
  await storeAtOnce(scene, 221);
  assert.equal((await scene.pull()).outcome, 'caught_up');
  assert.deepEqual(sequencesOf(await scene.events()), upTo(221));
});

test('an instance that was deleted and stored again shows what is true when it is read', async () => {
  const scene = feedScene({ settings: full });
  await scene.store(['a']);
  await scene.delete('a');
  await scene.store(['a']);
  await scene.pull();
  const told = (await scene.events()).map(({ type, data }) => [
    type.split('.').at(-1),
    data.state,
    data.metadata !== undefined,
  ]);
  assert.deepEqual(told, [
    ['DicomImageCreated', 'Replaced', true],
    ['DicomImageDeleted', 'Replaced', true],
    ['DicomImageCreated', 'Current', true],
  ]);
});

test('a bulk update is one change for each instance, with the file and the metadata that are current', async () => {
  const scene = feedScene({ settings: full });
  const [service = ''] = scene.services;
  spoil(scene, { externalStore: true });
  for (const instance of ['1', '2', '3']) await dicom.store(dicomFile({ study: 'burst', instance }), service);
  await post(scene, '/v2/studies/$bulkUpdate', {
    studyInstanceUids: [uidsOf({ study: 'burst' }).study],
    changeDataset: { '00100020': { vr: 'LO', Value: ['NOBODY-2'] } },
  });
  await scene.pull();
  const told = (await scene.events()).map(({ type, data }) => [
    type.split('.').at(-1),
    data.filePath,
    data.metadata?.['00100020'],
  ]);
  const id = { vr: 'LO', Value: ['NOBODY-2'] };
  const path = (n: number): string => `DICOM/Microsoft.Default/${n}_${n}.dcm`;
  assert.deepEqual(told, [
    ...[4, 5, 6].map((n) => ['DicomImageCreated', path(n), id]),
    ...[4, 5, 6].map((n) => ['DicomImageUpdated', path(n), id]),
  ]);
});

test('changes of every partition come in one feed, and lead to where the instance is', async () => {
  const scene = feedScene();
  spoil(scene, { partitions: true });
  for (const partition of ['north', 'Microsoft.Default']) {
    const { status } = await dicom.call(`/v2/partitions/${partition}/studies`, {
      method: 'POST',
      body: dicomFile({ study: 'shared' }),
      headers: { 'content-type': 'application/dicom' },
      service: scene.services[0] ?? '',
    });
    assert.equal(status, 200);
  }
  await scene.pull();
  const { study } = uidsOf({ study: 'shared' });
  const told = (await scene.events()).map(({ subject, data }) => [
    subject.slice(0, subject.indexOf('/series')),
    data.partitionName,
  ]);
  assert.deepEqual(told, [
    [`/v2/partitions/north/studies/${study}`, 'north'],
    [`/v2/studies/${study}`, 'Microsoft.Default'],
  ]);
});

test('metadata in a store out of reach costs only its own change the metadata, in the second run', async () => {
  const scene = feedScene({ settings: full });
  await scene.store(['a', 'b', 'c']);
  spoil(scene, { poison: 2, status: 424 });
  assert.equal((await scene.pull()).outcome, 'upstream_failed');
  const { outcome, fallbacks } = await scene.pull();
  assert.deepEqual([outcome, fallbacks], ['caught_up', 1]);
  const events = await scene.events();
  assert.deepEqual(sequencesOf(events), upTo(3));
  assert.deepEqual(
    events.map(({ data }) => data.metadataError),
    [undefined, 'unreadable', undefined],
  );
});

test('an answer that is cut off is asked for again, and one that comes slowly is waited for', async () => {
  const scene = feedScene();
  await scene.store(['a', 'b']);
  spoilAnswers({ drop: 'during' }, 1);
  assert.equal((await scene.pull()).outcome, 'caught_up');
  await scene.store(['c']);
  spoilAnswers({ slowBodyMs: 50 });
  assert.equal((await scene.pull()).outcome, 'caught_up');
  assert.deepEqual(sequencesOf(await scene.events()), upTo(3));
});

test('the documented form of entries, and an action that nobody knows, are taken as well', async () => {
  const scene = feedScene({ settings: full });
  await scene.store(['a']);
  spoil(scene, { action: { statements: 1, name: 'Archive' } });
  await scene.store(['b']);
  const before = await scene.pull();
  const events = await scene.events();
  assert.deepEqual(
    events.map(({ type, data }) => [type.split('.').at(-1), data.action]),
    [
      ['DicomImageCreated', 'Create'],
      ['DicomImageChanged', 'Archive'],
    ],
  );
  spoil(scene, { documentedForm: true });
  await scene.store(['c']);
  const { outcome, cursor } = await scene.pull();
  assert.deepEqual([before.outcome, outcome, cursor], ['caught_up', 'caught_up', 3]);
  const last = (await scene.events()).at(-1);
  assert.deepEqual([last?.data.action, last?.data.state], ['Create', 'Current']);
});

test('metadata of a megabyte arrives whole, at the queue by reference', async () => {
  const scene = feedScene({ settings: { ...full, sinks: ['blob', 'queue'] } });
  const comment = 'x'.repeat(1_000_000);
  const attributes = { '00204000': { vr: 'UT', Value: [comment] } };
  await dicom.store(dicomFile({ study: 'large', attributes }), scene.services[0]);
  await scene.store(['small']);
  assert.equal((await scene.pull()).outcome, 'caught_up');
  const [large] = await scene.events();
  assert.deepEqual(large?.data.metadata?.['00204000'], { vr: 'UT', Value: [comment] });
  const references = (await scene.messages()).map((message) => 'dataref' in message);
  assert.deepEqual(references.sort(), [false, true]);
});
