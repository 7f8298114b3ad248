// What the feed of the DICOM stand-in shows where times, names, forms and files are not the usual ones.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { dicomFile, uidsOf } from '../../../../local/dicomFiles.ts';
import { BadFault } from '../../../../local/standIns/faults.ts';
import { startDicom } from '../../../support/dicom.ts';

interface Entry {
  readonly sequence: number;
  readonly action: string;
  readonly timestamp: string;
  readonly filePath?: string;
}

const dicom = await startDicom();
const script = (effect: object): string => dicom.faults.add({ service: 'dicom', effect });
const { study } = uidsOf({ study: 'image' });

async function store(...instances: string[]): Promise<void> {
  for (const instance of instances) await dicom.store(dicomFile({ study: 'image', instance }));
}

async function entries(path = '/v1/changefeed?limit=100&includeMetadata=false'): Promise<readonly Entry[]> {
  const { json, text } = await dicom.call(path);
  assert.ok(Array.isArray(json), text);
  return json as Entry[];
}

beforeEach(() => {
  dicom.faults.clear();
  script({ reset: true });
  dicom.faults.clear();
});

test('a change whose transaction began early is older by time than one with a lower sequence', async () => {
  await store('1');
  script({ earlyTime: { statements: 1, ms: 5000 } });
  await store('2', '3');
  const byTime = await entries('/v2/changefeed?includeMetadata=false');
  assert.deepEqual(
    byTime.map(({ sequence }) => sequence),
    [2, 1, 3],
  );
  const [one, two] = await entries();
  const ages = [one, two].map((entry) => Date.parse(entry?.timestamp ?? ''));
  assert.ok((ages[0] ?? 0) - (ages[1] ?? 0) > 4900);
});

test('the newest change by time need not be the one with the highest sequence', async () => {
  await store('1');
  script({ earlyTime: { statements: 1, ms: 5000 } });
  await store('2');
  const latest = async (version: string): Promise<unknown> =>
    ((await dicom.call(`/${version}/changefeed/latest`)).json as Entry).sequence;
  assert.deepEqual([await latest('v1'), await latest('v2')], [2, 1]);
});

test('any number of changes may share one time, to the last digit', async () => {
  await store('1');
  script({ sameTime: 3 });
  await store('2', '3', '4', '5');
  const times = (await entries()).map(({ timestamp }) => timestamp);
  assert.equal(new Set(times.slice(0, 4)).size, 1);
  assert.notEqual(times[3], times[4]);
});

test('an action may have a name that nobody knows, and is what it is all the same', async () => {
  script({ action: { statements: 1, name: 'Archive' } });
  await store('1', '2');
  assert.deepEqual(
    (await entries()).map(({ action }) => action),
    ['Archive', 'Create'],
  );
});

test('the feed may be written as the documentation shows it', async () => {
  await store('1');
  const id = script({ documentedForm: true });
  const { json } = await dicom.call('/v1/changefeed/latest');
  const { Sequence, Action, State, Metadata } = json as Record<string, unknown>;
  assert.deepEqual([Sequence, Action, State, typeof Metadata], [1, 'create', 'current', 'object']);
  assert.ok(!('sequence' in (json as object)));
  dicom.faults.remove(id);
  assert.equal((await entries())[0]?.action, 'Create');
});

test('metadata that is gone, out of reach or broken fails its page in its own way', async () => {
  await store('1', '2');
  for (const status of [500, 424, 503]) {
    const id = script({ poison: 2, status });
    assert.equal((await dicom.call('/v1/changefeed')).status, status);
    assert.equal((await dicom.call('/v1/changefeed?limit=1')).status, 200);
    dicom.faults.remove(id);
  }
});

test('with an external store entries name their file, and an update renames that of older ones', async () => {
  await store('1');
  script({ externalStore: true });
  await store('2');
  assert.deepEqual(
    (await entries()).map(({ filePath }) => filePath),
    [undefined, 'DICOM/Microsoft.Default/2_2.dcm'],
  );
  const changes = {
    studyInstanceUids: [study],
    changeDataset: { '00100020': { vr: 'LO', Value: ['NOBODY-2'] } },
  };
  await dicom.call('/v2/studies/$bulkUpdate', { method: 'POST', body: Buffer.from(JSON.stringify(changes)) });
  const [third, fourth] = [3, 4].map((n) => `DICOM/Microsoft.Default/${n}_${n}.dcm`);
  assert.deepEqual(
    (await entries()).map(({ filePath }) => filePath),
    [third, fourth, third, fourth],
  );
  assert.equal((await dicom.call(`/v2/studies/${study}`, { method: 'DELETE' })).status, 204);
  assert.deepEqual(
    (await entries()).slice(3).map(({ filePath }) => filePath),
    [fourth, undefined, undefined],
  );
});

test('wrong values are refused', () => {
  const wrong = [
    { earlyTime: 5 },
    { sameTime: 0 },
    { action: { statements: 1, name: '' } },
    { documentedForm: false },
    { poison: 1, status: 404 },
    { partitions: 'on' },
    { externalStore: true, host: 'nobody' },
  ];
  for (const effect of wrong) assert.throws(() => script(effect), BadFault, JSON.stringify(effect));
});
