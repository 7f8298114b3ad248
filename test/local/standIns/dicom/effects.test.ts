// The bad days of the DICOM stand-in: late commits, gaps, corrupt metadata, a new feed, dropped connections.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import { dicomFile, uidsOf } from '../../../../local/dicomFiles.ts';
import { createDicom } from '../../../../local/standIns/dicom/dicom.ts';
import type { ArchiveData } from '../../../../local/standIns/dicom/archive.ts';
import { BadFault } from '../../../../local/standIns/faults.ts';
import { secondDicomUrl, startDicom, type DicomCall } from '../../../support/dicom.ts';

const dicom = await startDicom();
const script = (effect: object) => dicom.faults.add({ service: 'dicom', effect });
const store = (...studies: string[]) =>
  studies.reduce<Promise<void>>(
    (before, study) => before.then(() => dicom.store(dicomFile({ study }))),
    Promise.resolve(),
  );

async function sequences(query = '?includeMetadata=false', call: DicomCall = {}): Promise<readonly number[]> {
  const { json, text } = await dicom.call(`/v1/changefeed${query}`, call);
  assert.ok(Array.isArray(json), text);
  return (json as { sequence: number }[]).map(({ sequence }) => sequence);
}

beforeEach(() => {
  dicom.faults.clear();
  script({ reset: true });
  dicom.faults.clear();
});

test('late commits leave a hole for a while, and then come below what has been read', async () => {
  await store('on time');
  script({ lateCommit: { sequences: 2, ms: 5000 } });
  await store('late 1', 'late 2', 'prompt');
  assert.deepEqual(await sequences(), [1, 4]);
  dicom.advance(4999);
  assert.deepEqual(await sequences(), [1, 4]);
  const { json } = await dicom.call('/v2/changefeed?includeMetadata=false');
  assert.equal((json as unknown[]).length, 2);
  dicom.advance(1);
  assert.deepEqual(await sequences(), [1, 2, 3, 4]);
});

test('a commit that is still to come leaves the latest entry and older states alone', async () => {
  await store('image');
  script({ lateCommit: { sequences: 1, ms: 1000 } });
  const { study } = uidsOf({ study: 'image' });
  assert.equal((await dicom.call(`/v2/studies/${study}`, { method: 'DELETE' })).status, 204);
  const latest = async () => {
    const { sequence, state } = (await dicom.call('/v1/changefeed/latest')).json as {
      sequence: number;
      state: string;
    };
    return [sequence, state];
  };
  assert.deepEqual(await latest(), [1, 'Current']);
  dicom.advance(1000);
  assert.deepEqual(await latest(), [2, 'Deleted']);
});

test('taking the rule away ends the late commits that have not begun', async () => {
  const id = script({ lateCommit: { sequences: 5, ms: 1000 } });
  await store('late');
  dicom.faults.remove(id);
  await store('prompt');
  assert.deepEqual(await sequences(), [2]);
});

test('a gap skips sequences for good', async () => {
  await store('before');
  script({ gap: 3 });
  await store('after');
  assert.deepEqual(await sequences(), [1, 5]);
  script({ gap: 3 });
  assert.match(dicom.state('dicom'), /"latestSequence":"5"/);
});

test('one corrupt metadata fails every page that would show it, and only with metadata', async () => {
  await store('one', 'two', 'three');
  const id = script({ poison: 2 });
  const bad = await dicom.call('/v1/changefeed');
  assert.deepEqual([bad.status, bad.text], [503, 'The data store operation failed.']);
  assert.deepEqual(await sequences(), [1, 2, 3]);
  assert.deepEqual(await sequences('?offset=0&limit=1'), [1]);
  assert.deepEqual(await sequences('?offset=2&limit=1'), [3]);
  assert.equal((await dicom.call('/v1/changefeed?offset=1&limit=1')).status, 503);
  const { study, series, sop } = uidsOf({ study: 'two' });
  const path = `/v2/studies/${study}/series/${series}/instances/${sop}`;
  assert.equal((await dicom.call(`${path}/metadata`)).status, 503);
  assert.equal((await dicom.call(path, { method: 'DELETE' })).status, 204);
  assert.deepEqual(await sequences(''), [1, 2, 3, 4], 'a deleted instance shows no metadata');
  await store('two');
  assert.deepEqual(await sequences(''), [1, 2, 3, 4, 5], 'the new version is sound');
  dicom.faults.remove(id);
});

test('metadata is mended when the rule goes', async () => {
  const id = script({ poison: '1' });
  await store('one');
  assert.equal((await dicom.call('/v1/changefeed')).status, 503);
  dicom.faults.remove(id);
  assert.deepEqual(await sequences(''), [1]);
});

test('while the store of metadata is down no page with metadata answers, and deleted instances still do', async () => {
  await store('one', 'two');
  const id = script({ metadataDown: true });
  assert.equal((await dicom.call('/v1/changefeed?offset=1&limit=1')).status, 503);
  assert.deepEqual(await sequences(), [1, 2]);
  assert.equal(
    (await dicom.call(`/v2/studies/${uidsOf({ study: 'one' }).study}`, { method: 'DELETE' })).status,
    204,
  );
  assert.deepEqual(await sequences('?offset=0&limit=1'), [1]);
  dicom.faults.remove(id);
  assert.deepEqual(await sequences(''), [1, 2, 3]);
});

test('a reset feed starts at 1 and knows no earlier instance', async () => {
  await store('one', 'two');
  script({ reset: true });
  assert.equal((await dicom.call('/v1/changefeed/latest')).status, 204);
  await store('two');
  assert.deepEqual(await sequences(), [1]);
});

test('an effect may name another service, and an unknown one or a wrong value is refused', async () => {
  const host = new URL(secondDicomUrl).host;
  script({ gap: 10, host });
  await store('first service');
  await dicom.store(dicomFile({ study: 'second service' }), secondDicomUrl);
  assert.deepEqual(await sequences(), [1]);
  assert.deepEqual(await sequences('?limit=100', { service: secondDicomUrl }), [11]);
  const wrong = [
    { gap: 1, host: 'nobody' },
    { gap: 0 },
    { gap: 'many' },
    { poison: -1 },
    { reset: false },
    { metadataDown: false },
    { lateCommit: 5 },
  ];
  for (const effect of wrong) assert.throws(() => script(effect), BadFault, JSON.stringify(effect));
});

test('a connection may drop before the file is stored, or after', async () => {
  const headers = { 'content-type': 'application/dicom' };
  const post = (study: string) =>
    dicom.call('/v2/studies', { method: 'POST', body: dicomFile({ study }), headers });
  for (const drop of ['before', 'after']) {
    dicom.faults.add({ service: 'dicom', method: 'POST', times: 1, effect: { drop } });
    await assert.rejects(post(drop));
  }
  assert.equal((await post('before')).status, 200, 'was not stored');
  assert.equal((await post('after')).status, 409, 'was stored');
});

test('everything that is kept is plain data, from which a service goes on', async () => {
  const { directory, tokens, now } = dicom;
  const host = new URL(demo.dicomUrl).host;
  const kept: Record<string, ArchiveData> = {};
  const ask = async (data: Record<string, ArchiveData>, path: string, init: RequestInit = {}) => {
    const authorization = `Bearer ${await dicom.tokenFor(demo.gateway, 'https://dicom.healthcareapis.azure.com')}`;
    const headers = { host, authorization, 'content-type': 'application/dicom' };
    return createDicom({ directory, tokens, now, hosts: [host], data }).app.request(path, {
      ...init,
      headers,
    });
  };
  const body = new Uint8Array(dicomFile({ study: 'kept' }));
  assert.equal((await ask(kept, '/v2/studies', { method: 'POST', body })).status, 200);
  const before = await (await ask(kept, '/v1/changefeed')).text();
  const restored = JSON.parse(JSON.stringify(kept)) as Record<string, ArchiveData>;
  assert.equal(await (await ask(restored, '/v1/changefeed')).text(), before);
  assert.equal((await ask(restored, '/v2/studies', { method: 'POST', body })).status, 409);
});
