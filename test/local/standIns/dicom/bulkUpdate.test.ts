// Bulk update of the DICOM stand-in: what it changes, what the feed shows of it, and what it refuses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import { dicomFile, uidsOf } from '../../../../local/dicomFiles.ts';
import type { Principal } from '../../../../local/standIns/claims.ts';
import { startDicom } from '../../../support/dicom.ts';

const dicom = await startDicom();
const patientId = { '00100020': { vr: 'LO', Value: ['NOBODY-2'] } };
const { study } = uidsOf({ study: 'updated' });

const update = (body: unknown, as: Principal = demo.gateway) =>
  dicom.call('/v2/studies/$bulkUpdate', {
    method: 'POST',
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    headers: { 'content-type': 'application/json' },
    as,
  });

async function operation(href: string): Promise<{ status: string; results: object }> {
  const { status, json } = await dicom.call(new URL(href).pathname);
  assert.equal(status, 200);
  return json as { status: string; results: object };
}

test('an update is one statement: a row for each instance, and older entries show the new version', async () => {
  for (const instance of ['1', '2']) await dicom.store(dicomFile({ study: 'updated', instance }));
  await dicom.store(dicomFile({ study: 'untouched' }));
  const reply = await update({ studyInstanceUids: [study], changeDataset: patientId });
  assert.equal(reply.status, 202);
  const { id, href } = reply.json as { id: string; href: string };
  assert.equal(href, `${demo.dicomUrl}/v2/operations/${id}`);
  const { status, results } = await operation(href);
  assert.deepEqual([status, results], ['completed', { studyUpdated: 1, instanceUpdated: 2 }]);
  const { json } = await dicom.call('/v1/changefeed');
  const rows = json as {
    action: string;
    state: string;
    timestamp: string;
    metadata: Record<string, unknown>;
  }[];
  assert.deepEqual(
    rows.map(({ action, state, metadata }) => [action, state, metadata['00100020']]),
    [
      ['Create', 'Replaced', patientId['00100020']],
      ['Create', 'Replaced', patientId['00100020']],
      ['Create', 'Current', { vr: 'LO', Value: ['NOBODY-1'] }],
      ['Update', 'Current', patientId['00100020']],
      ['Update', 'Current', patientId['00100020']],
    ],
  );
  assert.equal(rows[3]?.timestamp, rows[4]?.timestamp);
  assert.deepEqual(rows[3]?.metadata['00080060'], { vr: 'CS', Value: ['CT'] }, 'the rest stays');
  const stored = await dicom.call(`/v2/studies/${study}/metadata`);
  assert.deepEqual(stored.json, [rows[3].metadata, rows[4]?.metadata]);
});

test('a study that is not there makes the operation fail, and the others are updated', async () => {
  const { json } = await update({ studyInstanceUids: ['1.2.3', study], changeDataset: patientId });
  const { status, results } = await operation((json as { href: string }).href);
  const errors = ['Failed to update instances for study 1.2.3'];
  assert.deepEqual(
    [status, results],
    ['failed', { studyUpdated: 1, studyFailed: 1, instanceUpdated: 2, errors }],
  );
  assert.equal((await dicom.call('/v2/operations/unknown')).status, 404);
});

test('a bad specification is refused with the name of what is wrong', async () => {
  const studyInstanceUids = [study];
  const cases: readonly [unknown, RegExp][] = [
    ['{', /not JSON/],
    [{ changeDataset: patientId }, /studyInstanceUids/],
    [{ studyInstanceUids: [], changeDataset: patientId }, /studyInstanceUids/],
    [{ studyInstanceUids: Array(51).fill(study), changeDataset: patientId }, /studyInstanceUids/],
    [{ studyInstanceUids: ['no uid!'], changeDataset: patientId }, /expected a UID/],
    [{ studyInstanceUids, changeDataset: {} }, /changeDataset/],
    [{ studyInstanceUids, changeDataset: { '00280010': { vr: 'US', Value: [1] } } }, /may change/],
    [{ studyInstanceUids, changeDataset: { '00101002': { vr: 'SQ', Value: [{}] } } }, /other than SQ/],
    [{ studyInstanceUids, changeDataset: { '00100020': { vr: 'LO' } } }, /Value/],
  ];
  const before = dicom.state('dicom');
  for (const [body, text] of cases) {
    const reply = await update(body);
    assert.equal(reply.status, 400);
    assert.match(reply.text, /^The request body is not valid\. Details: /);
    assert.match(reply.text, text);
  }
  assert.equal(
    (await update({ studyInstanceUids, changeDataset: patientId }, demo.managedIdentity)).status,
    403,
  );
  assert.equal(dicom.state('dicom'), before);
});
