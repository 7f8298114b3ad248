// The change feed as a reader sees it, through the Azure SDK's pipeline at the real URL.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dicomFile, uidsOf } from '../../../../local/dicomFiles.ts';
import { secondDicomUrl, startDicom } from '../../../support/dicom.ts';

interface Entry {
  readonly sequence: number;
  readonly sopInstanceUid: string;
  readonly action: string;
  readonly timestamp: string;
  readonly state: string;
  readonly metadata?: Readonly<Record<string, { readonly vr: string; readonly Value?: readonly unknown[] }>>;
}

const dicom = await startDicom();

async function page(query: string, version = 'v1'): Promise<readonly Entry[]> {
  const { status, json, text } = await dicom.call(`/${version}/changefeed${query}`);
  assert.equal(status, 200, text);
  return json as readonly Entry[];
}

const sequences = (entries: readonly Entry[]): readonly number[] => entries.map(({ sequence }) => sequence);
const remove = (path: string) => dicom.call(`/v2/studies/${path}`, { method: 'DELETE' });

test('an empty feed has empty pages and no latest entry', async () => {
  for (const version of ['v1', 'v2', 'v1.0-prerelease']) {
    assert.deepEqual(await page('', version), []);
    const latest = await dicom.call(`/${version}/changefeed/latest`);
    assert.equal(latest.status, 204);
    assert.equal(latest.text, '');
  }
});

test('a stored file becomes an entry with the keys, the order and the forms of the real service', async () => {
  const uids = uidsOf({ study: 'first' });
  await dicom.store(dicomFile({ study: 'first' }));
  const { text, header } = await dicom.call('/v1/changefeed');
  assert.match(header('content-type') ?? '', /^application\/json/);
  assert.match(
    text,
    new RegExp(
      `^\\[{"sequence":1,"partitionName":"Microsoft.Default","studyInstanceUid":"${uids.study}",` +
        `"seriesInstanceUid":"${uids.series}","sopInstanceUid":"${uids.sop}","action":"Create",` +
        '"timestamp":"[^"]+","state":"Current","metadata":{"00080005":{"vr":"CS","Value":\\["ISO_IR 192"\\]}',
    ),
  );
  assert.ok(!text.includes('7FE00010'), 'pixels are no metadata');
});

test('metadata comes unless it is refused, and the names of parameters have no case', async () => {
  assert.equal((await page(''))[0]?.metadata?.['00080060']?.Value?.[0], 'CT');
  for (const query of ['?includeMetadata=false', '?INCLUDEMETADATA=False&LIMIT=5']) {
    const [entry] = await page(query);
    assert.ok(entry);
    assert.equal('metadata' in entry, false);
  }
  const latest = await dicom.call('/v2/changefeed/latest?includemetadata=false');
  assert.equal('metadata' in (latest.json as Entry), false);
});

test('v1 pages by a range of sequences: a gap makes a page short, and more may follow an empty one', async () => {
  await dicom.store(dicomFile({ study: 'second' }));
  dicom.faults.add({ service: 'dicom', effect: { gap: 20 } });
  await dicom.store(dicomFile({ study: 'third' }));
  assert.deepEqual(sequences(await page('')), [1, 2]);
  assert.deepEqual(sequences(await page('?offset=1&limit=1')), [2]);
  assert.deepEqual(sequences(await page('?offset=2&limit=20')), []);
  assert.deepEqual(sequences(await page('?offset=2&limit=21')), [23]);
  assert.deepEqual(sequences(await page('?offset=23')), []);
  assert.equal(((await dicom.call('/v1/changefeed/latest')).json as Entry).sequence, 23);
});

test('v2 pages by rows of a time window, its start inside and its end outside', async () => {
  assert.deepEqual(sequences(await page('', 'v2')), [1, 2, 23]);
  assert.deepEqual(sequences(await page('?offset=1&limit=1', 'v2')), [2]);
  assert.deepEqual(sequences(await page('?offset=3', 'v2')), []);
  const [first, second, third] = (await page('', 'v2')).map(({ timestamp }) => encodeURIComponent(timestamp));
  assert.deepEqual(sequences(await page(`?startTime=${second ?? ''}`, 'v2')), [2, 23]);
  assert.deepEqual(sequences(await page(`?endTime=${second ?? ''}`, 'v2')), [1]);
  const inside = `?startTime=${first ?? ''}&endtime=${third ?? ''}`;
  assert.deepEqual(sequences(await page(inside, 'v2')), [1, 2]);
  assert.deepEqual(sequences(await page(inside, 'v1')), [1, 2], 'v1 ignores the window');
  assert.deepEqual(sequences(await page('?startTime=2999-01-01T00:00Z', 'v2')), []);
});

test('timestamps have up to seven digits, without zeros at their end, and the offset written out', async () => {
  for (let n = 0; n < 40; n += 1) {
    dicom.advance(10);
    await dicom.store(dicomFile({ study: 'clock', instance: String(n) }));
  }
  const stamps = (await page('?includeMetadata=false', 'v2')).map(({ timestamp }) => timestamp);
  for (const stamp of stamps) assert.match(stamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?\+00:00$/);
  const lengths = new Set(stamps.map((stamp) => stamp.length));
  assert.ok(lengths.size > 1 && Math.max(...lengths) === 33, [...lengths].join());
  assert.equal(new Set(stamps).size, stamps.length);
  assert.deepEqual(
    sequences(await page('?limit=200', 'v2')).toSorted((a, b) => a - b),
    sequences(await page('?limit=200', 'v2')),
  );
});

test('state and metadata are those of now: an old entry follows its instance', async () => {
  const image = { study: 'changing' };
  const { study, series, sop } = uidsOf(image);
  const offset = ((await dicom.call('/v1/changefeed/latest')).json as Entry).sequence;
  const look = async () =>
    (await page(`?offset=${offset}`)).map(({ action, state, metadata }) => [
      action,
      state,
      metadata?.['00080050']?.Value?.[0],
    ]);
  const version = (text: string) =>
    dicomFile({ ...image, attributes: { '00080050': { vr: 'SH', Value: [text] } } });
  await dicom.store(version('ONE'));
  assert.deepEqual(await look(), [['Create', 'Current', 'ONE']]);
  assert.equal((await remove(`${study}/series/${series}/instances/${sop}`)).status, 204);
  assert.deepEqual(await look(), [
    ['Create', 'Deleted', undefined],
    ['Delete', 'Deleted', undefined],
  ]);
  await dicom.store(version('TWO'));
  assert.deepEqual(await look(), [
    ['Create', 'Replaced', 'TWO'],
    ['Delete', 'Replaced', 'TWO'],
    ['Create', 'Current', 'TWO'],
  ]);
});

test('deleting a study is one statement: a row for each instance, all with the same time', async () => {
  for (const instance of ['a', 'b', 'c']) await dicom.store(dicomFile({ study: 'burst', instance }));
  const offset = ((await dicom.call('/v1/changefeed/latest')).json as Entry).sequence;
  assert.equal((await remove(uidsOf({ study: 'burst' }).study)).status, 204);
  const rows = await page(`?offset=${offset}`);
  assert.deepEqual(
    rows.map(({ action, state }) => [action, state]),
    Array(3).fill(['Delete', 'Deleted']),
  );
  assert.equal(new Set(rows.map(({ timestamp }) => timestamp)).size, 1);
  const tied = await page(`?startTime=${encodeURIComponent(rows[0]?.timestamp ?? '')}`, 'v2');
  assert.deepEqual(sequences(tied), sequences(rows), 'v2 orders the same time by sequence');
});

test('each service has its own feed', async () => {
  const other = async () => (await dicom.call('/v1/changefeed/latest', { service: secondDicomUrl })).status;
  assert.equal(await other(), 204);
  await dicom.store(dicomFile({ study: 'first' }), secondDicomUrl);
  const { json } = await dicom.call('/v1/changefeed', { service: secondDicomUrl });
  assert.deepEqual(sequences(json as readonly Entry[]), [1]);
  assert.equal(
    (await dicom.call('/v1/changefeed', { service: 'https://nobody.dicom.azurehealthcareapis.com' })).status,
    404,
  );
});

test('bad values get 400 and the text of the real service, plain', async () => {
  const cases: readonly [path: string, text: string][] = [
    [
      'v1/changefeed?limit=0',
      "The query parameter 'limit' is invalid. The field limit must be between 1 and 100.",
    ],
    [
      'v1/changefeed?limit=101',
      "The query parameter 'limit' is invalid. The field limit must be between 1 and 100.",
    ],
    [
      'v1/changefeed?limit=-1',
      "The query parameter 'limit' is invalid. The field limit must be between 1 and 100.",
    ],
    ['v1/changefeed?limit=ten', "The query parameter 'limit' is invalid. The value 'ten' is not valid."],
    ['v1/changefeed?limit=', "The query parameter 'limit' is invalid. The value '' is invalid."],
    [
      'v1/changefeed?offset=9223372036854775808',
      "The query parameter 'offset' is invalid. The value '9223372036854775808' is not valid.",
    ],
    [
      'v1/changefeed?offset=-1',
      "The query parameter 'offset' is invalid. The field offset must be between 0 and 9223372036854775807.",
    ],
    [
      'v1/changefeed?includeMetadata=0',
      "The query parameter 'includeMetadata' is invalid. The value '0' is not valid.",
    ],
    [
      'v1/changefeed/latest?includeMetadata=yes',
      "The query parameter 'includeMetadata' is invalid. The value 'yes' is not valid.",
    ],
    [
      'v2/changefeed?limit=201',
      "The query parameter 'Limit' is invalid. The field Limit must be between 1 and 200.",
    ],
    [
      'v2/changefeed?offset=1.5',
      "The query parameter 'Offset' is invalid. The value '1.5' is not valid for Offset.",
    ],
    [
      'v2/changefeed?startTime=2026-01-01T00:00:00',
      "The query parameter 'StartTime' is invalid. Date and time value must specify a time zone.",
    ],
    [
      'v2/changefeed?endTime=2026-01-01T00:00:00+00:00',
      "The query parameter 'EndTime' is invalid. Date and time value must specify a time zone.",
    ],
    [
      'v2/changefeed?startTime=2026-01-02T00:00:00.1Z&endTime=2026-01-02T00:00:00.1Z',
      "The query parameter '' is invalid. The start time '2026-01-02T00:00:00.1000000+00:00' must occur strictly before the end time '2026-01-02T00:00:00.1000000+00:00'.",
    ],
  ];
  for (const [path, text] of cases) {
    const reply = await dicom.call(`/${path}`);
    assert.deepEqual([reply.status, reply.text], [400, text], path);
    assert.match(reply.header('content-type') ?? '', /^text\/plain/);
  }
  for (const path of ['v1/changefeed?limit=100&offset=9223372036854775807', 'v2/changefeed?limit=200']) {
    assert.equal((await dicom.call(`/${path}`)).status, 200, path);
  }
});

test('there is no route without a version, and no third one', async () => {
  for (const path of ['/changefeed', '/v3/changefeed', '/v1/partitions/x/changefeed']) {
    assert.equal((await dicom.call(path)).status, 404, path);
  }
});

test('sequences beyond the numbers of JavaScript are written digit by digit', async () => {
  const { sequence } = (await dicom.call('/v1/changefeed/latest')).json as Entry;
  const gap = String(2n ** 53n - BigInt(sequence));
  dicom.faults.add({ service: 'dicom', effect: { gap } });
  await dicom.store(dicomFile({ study: 'far away' }));
  const digits = '9007199254740993';
  const start = `{"sequence":${digits},"partitionName"`;
  const latest = await dicom.call('/v1/changefeed/latest?includeMetadata=false');
  assert.equal(latest.text.slice(0, start.length), start);
  const found = await dicom.call('/v1/changefeed?offset=9007199254740992&limit=1');
  assert.equal(found.text.slice(1, start.length + 1), start);
  assert.equal((await dicom.call(`/v1/changefeed?offset=${digits}&limit=1`)).text, '[]');
});
