// Storing, deleting and reading instances of the DICOM stand-in through the Azure SDK's pipeline.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../../../local/demo.ts';
import { dicomFile, uidsOf, type ImageOptions } from '../../../../local/dicomFiles.ts';
import { dicomResource, startDicom, type DicomReply } from '../../../support/dicom.ts';

const dicom = await startDicom();
const single = { 'content-type': 'application/dicom' };
const related = { 'content-type': 'multipart/related; type="application/dicom"; boundary="the boundary"' };

const post = (body: Buffer, headers: Record<string, string> = single, path = '/v2/studies') =>
  dicom.call(path, { method: 'POST', body, headers });

function multipart(...files: readonly Buffer[]): Buffer {
  const parts = files.flatMap((file) => [
    Buffer.from('--the boundary\r\nContent-Type: application/dicom\r\n\r\n'),
    file,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...parts, Buffer.from('--the boundary--\r\n')]);
}

/** The items of a sequence in the answer, each as its first values by tag. */
function items(reply: DicomReply, tag: string): readonly Record<string, unknown>[] {
  const answer = reply.json as Record<string, { Value?: Record<string, { Value?: unknown[] }>[] }>;
  return (answer[tag]?.Value ?? []).map((item) =>
    Object.fromEntries(Object.entries(item).map(([key, { Value = [] }]) => [key, Value[0]])),
  );
}
const stored = (reply: DicomReply) => items(reply, '00081199');
const failed = (reply: DicomReply) => items(reply, '00081198');
const reasons = (reply: DicomReply) => failed(reply).map((item) => item['00081197']);

function url(image: ImageOptions, base = `${demo.dicomUrl}/v2`): string {
  const { study, series, sop } = uidsOf(image);
  return `${base}/studies/${study}/series/${series}/instances/${sop}`;
}

test('a single file goes in, and the answer says where it is', async () => {
  const image = { study: 'single', modality: 'MR' } as const;
  const reply = await post(dicomFile(image));
  assert.equal(reply.status, 200);
  assert.match(reply.header('content-type') ?? '', /^application\/dicom\+json/);
  assert.deepEqual(reply.json, {
    '00081199': {
      vr: 'SQ',
      Value: [
        {
          '00081150': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.4'] },
          '00081155': { vr: 'UI', Value: [uidsOf(image).sop] },
          '00081190': { vr: 'UR', Value: [url(image)] },
        },
      ],
    },
  });
});

test('a multipart request stores what it can, and 202 says that something failed', async () => {
  const [good, bad] = [{ study: 'parts', instance: 'good' }, Buffer.from('not DICOM at all')];
  const reply = await post(multipart(dicomFile(good), bad), related);
  assert.equal(reply.status, 202);
  assert.deepEqual(
    stored(reply).map((item) => item['00081190']),
    [url(good)],
  );
  assert.deepEqual(failed(reply), [{ '00081197': 272 }]);
});

test('several files of one request all go in', async () => {
  const images = ['1', '2', '3'].map((instance) => ({ study: 'many', instance }));
  const reply = await post(multipart(...images.map(dicomFile)), related);
  assert.equal(reply.status, 200);
  assert.deepEqual(
    stored(reply).map((item) => item['00081190']),
    images.map((image) => url(image)),
  );
});

test('the path may name the study, and an instance of another one is refused', async () => {
  const [image, foreign] = [{ study: 'named' }, { study: 'foreign' }];
  const { study } = uidsOf(image);
  const reply = await post(multipart(dicomFile(image), dicomFile(foreign)), related, `/v2/studies/${study}`);
  assert.equal(reply.status, 202);
  assert.deepEqual(reasons(reply), [43265]);
  assert.deepEqual((reply.json as Record<string, unknown>)['00081190'], {
    vr: 'UR',
    Value: [`${demo.dicomUrl}/v2/studies/${study}`],
  });
});

test('an instance that is there already is refused until it is deleted', async () => {
  const file = dicomFile({ study: 'twice' });
  assert.equal((await post(file)).status, 200);
  const again = await post(file);
  assert.equal(again.status, 409);
  assert.deepEqual(reasons(again), [45070]);
  assert.equal(failed(again)[0]?.['00081155'], uidsOf({ study: 'twice' }).sop);
  assert.equal(
    (await dicom.call(new URL(url({ study: 'twice' })).pathname, { method: 'DELETE' })).status,
    204,
  );
  assert.equal((await post(file)).status, 200);
});

test('an instance without a required attribute, or with a wrong one, is refused; an empty patient id is none', async () => {
  for (const tag of ['00080016', '00080018', '00100020', '0020000D', '0020000E']) {
    const reply = await post(dicomFile({ study: 'incomplete', without: [tag] }));
    assert.deepEqual([reply.status, reasons(reply)], [409, [43264]], tag);
  }
  const { study } = uidsOf({ study: 'incomplete' });
  const wrong = [
    { '0020000E': { vr: 'UI', Value: [study] } },
    { '0020000E': { vr: 'UI', Value: [''] } },
    { '00100020': { vr: 'LO', Value: ['x'.repeat(65)] } },
  ];
  for (const attributes of wrong) {
    assert.deepEqual(reasons(await post(dicomFile({ study: 'incomplete', attributes }))), [43264]);
  }
  const empty = { '00100020': { vr: 'LO', Value: [] } };
  assert.equal((await post(dicomFile({ study: 'incomplete', attributes: empty }))).status, 200);
});

test('a file that ends too early is refused as unreadable', async () => {
  const file = dicomFile({ study: 'truncated' });
  const reply = await post(file.subarray(0, file.length - 10));
  assert.deepEqual([reply.status, failed(reply)], [409, [{ '00081197': 272 }]]);
});

test('a wrong optional attribute costs v1 the instance and v2 only the attribute', async () => {
  const attributes = { '00080020': { vr: 'DA', Value: ['20261345'] } };
  const image = { study: 'optional', attributes };
  const strict = await post(dicomFile(image), single, '/v1/studies');
  assert.deepEqual([strict.status, reasons(strict)], [409, [43264]]);
  assert.match(strict.text, /DICOM100: \(0008,0020\) - .* VR DA/);
  assert.ok(!strict.text.includes('20261345'), 'the value itself is not repeated');
  const lenient = await post(dicomFile(image));
  assert.equal(lenient.status, 202);
  assert.equal(stored(lenient)[0]?.['00081196'], 1);
  assert.match(lenient.text, /DICOM100: \(0008,0020\)/);
  const { json } = await dicom.call(`${new URL(url(image)).pathname}/metadata`);
  const [metadata] = json as Record<string, unknown>[];
  assert.ok(metadata?.['00080060']);
  assert.equal(metadata['00080020'], undefined);
});

test('a request without content gets 204', async () => {
  for (const [body, headers] of [
    [Buffer.alloc(0), single],
    [multipart(), related],
  ] as const) {
    assert.equal((await post(body, headers)).status, 204);
  }
});

test('content types and answers that the service does not speak get 415 and 406', async () => {
  const file = dicomFile({ study: 'types' });
  const cases: readonly [Record<string, string>, number, RegExp][] = [
    [{}, 415, /content type '.*' is not supported/],
    [{ 'content-type': 'application/json' }, 415, /content type 'application\/json' is not supported/],
    [{ 'content-type': 'multipart/related; type="application/dicom"' }, 415, /missing boundary/],
    [{ ...single, accept: 'text/html' }, 406, /^$/],
  ];
  for (const [headers, status, text] of cases) {
    const reply = await post(file, headers);
    assert.equal(reply.status, status);
    assert.match(reply.text, text);
  }
  const jpeg = Buffer.from('--the boundary\r\nContent-Type: image/jpeg\r\n\r\nx\r\n--the boundary--');
  assert.equal((await post(jpeg, related)).status, 415);
  for (const accept of ['application/dicom+json', '*/*', 'text/html, application/*;q=0.5']) {
    const instance = accept;
    assert.equal((await post(dicomFile({ study: 'types', instance }), { ...single, accept })).status, 200);
  }
});

test('a broken multipart body and a bad UID in the path get 400', async () => {
  const whole = multipart(dicomFile({ study: 'broken' }));
  const broken = [
    whole.subarray(0, whole.length - 20),
    Buffer.from('no boundary here'),
    Buffer.from('--the boundary\r\nContent-Type: application/dicom\r\n--the boundary--'),
  ];
  for (const body of broken) {
    const reply = await post(body, related);
    assert.deepEqual([reply.status, reply.text], [400, 'There was an error reading the multipart request.']);
  }
  assert.equal((await post(whole, related, '/v2/studies/1.2%203')).status, 400);
  assert.equal((await dicom.call(`/v2/studies/${'1'.repeat(65)}`, { method: 'DELETE' })).status, 400);
});

test('studies, series and instances are deleted, once', async () => {
  const images = [
    { study: 'gone', series: 'a', instance: '1' },
    { study: 'gone', series: 'a', instance: '2' },
    { study: 'gone', series: 'b' },
    { study: 'kept' },
  ] as const;
  for (const image of images) await dicom.store(dicomFile(image));
  const [first, , last, kept] = images;
  const { study, series, sop } = uidsOf(first);
  const left = async () =>
    ((await dicom.call(`/v2/studies/${study}/metadata`)).json as unknown[] | undefined)?.length;
  const steps = [
    [`/v2/studies/${study}/series/${series}/instances/${sop}`, 2, 'instance'],
    [`/v1/studies/${study}/series/${series}`, 1, 'series'],
    [`/v2/studies/${study}`, undefined, 'study'],
  ] as const;
  assert.equal(await left(), 3);
  for (const [path, remaining, level] of steps) {
    assert.equal((await dicom.call(path, { method: 'DELETE' })).status, 204);
    assert.equal(await left(), remaining);
    const again = await dicom.call(path, { method: 'DELETE' });
    assert.deepEqual([again.status, again.text], [404, `The specified ${level} cannot be found.`]);
  }
  assert.equal((await dicom.call(`${new URL(url(last)).pathname}/metadata`)).status, 404);
  assert.equal((await dicom.call(`${new URL(url(kept)).pathname}/metadata`)).status, 200);
});

test('the metadata of one instance is what the feed shows', async () => {
  await dicom.store(dicomFile({ study: 'metadata' }));
  const { json, header } = await dicom.call(`${new URL(url({ study: 'metadata' })).pathname}/metadata`);
  assert.match(header('content-type') ?? '', /^application\/dicom\+json/);
  const latest = (await dicom.call('/v1/changefeed/latest')).json as { metadata: unknown };
  assert.deepEqual(json, [latest.metadata]);
});

test('curl on a loopback address reaches the first service', async () => {
  const authorization = `Bearer ${await dicom.tokenFor(demo.gateway, dicomResource)}`;
  const base = dicom.urls.dicom ?? '';
  const body = new Uint8Array(dicomFile({ study: 'curl' }));
  const reply = await fetch(`${base}/v2/studies`, {
    method: 'POST',
    body,
    headers: { ...single, authorization },
  });
  assert.equal(reply.status, 200);
  assert.ok((await reply.text()).includes(url({ study: 'curl' }, `${base}/v2`)));
  assert.equal((await dicom.call(`${new URL(url({ study: 'curl' })).pathname}/metadata`)).status, 200);
});
