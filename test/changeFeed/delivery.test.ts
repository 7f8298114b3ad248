// Ordinary pulls through the real clients: what is delivered where, and in which form.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dicomFile, uidsOf } from '../../local/dicomFiles.ts';
import { failed } from '../../src/changeFeed/changeFeed.ts';
import { leaseRenewMs } from '../../src/platform/limits.ts';
import { dicom, endLongWaits, feedScene, longWaits, storage } from './feedScene.ts';

const names = (count: number, prefix = 'image'): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix} ${n}`);

test('stored and deleted instances arrive as CloudEvents in one blob of the range', async () => {
  const scene = feedScene();
  await scene.store(['a', 'b']);
  await scene.delete('a');
  const report = await scene.pull();
  assert.deepEqual([report.outcome, report.cursor, report.delivered], ['caught_up', 3, 3]);
  const host = new URL(scene.services[0] ?? '').host;
  const path = `${host}/1/0000000000000000001-0000000000000000003.ndjson`;
  assert.deepEqual(Object.keys(await scene.blobs()), [path]);
  const [created, , deleted] = await scene.events();
  const uids = uidsOf({ study: 'a' });
  assert.match(created?.time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?\+00:00$/);
  assert.deepEqual(created, {
    specversion: '1.0',
    id: '1.1',
    source: scene.services[0],
    type: 'Microsoft.HealthcareApis.DicomImageCreated',
    subject: `/v2/studies/${uids.study}/series/${uids.series}/instances/${uids.sop}`,
    time: created?.time,
    datacontenttype: 'application/json',
    sequence: '0000000000000000001',
    data: {
      partitionName: 'Microsoft.Default',
      imageStudyInstanceUid: uids.study,
      imageSeriesInstanceUid: uids.series,
      imageSopInstanceUid: uids.sop,
      serviceHostName: host,
      sequenceNumber: 1,
      action: 'Create',
      state: 'Deleted',
    },
  });
  assert.deepEqual([deleted?.type, deleted?.id], ['Microsoft.HealthcareApis.DicomImageDeleted', '1.3']);
});

test('several pages and ranges keep the order, and each run goes on from the last commit', async () => {
  const scene = feedScene({ settings: { pageSize: 2 } });
  await scene.store(names(23));
  assert.equal((await scene.pull()).cursor, 23);
  await scene.store(names(3, 'more'));
  assert.deepEqual((await scene.pull()).delivered, 3);
  assert.deepEqual(
    (await scene.events()).map(({ data }) => data.sequenceNumber),
    Array.from({ length: 26 }, (_, n) => n + 1),
  );
  assert.equal(Object.keys(await scene.blobs()).length, 3);
});

test('the queue gets one never-expiring base64 message for each change, and the report counts what waits', async () => {
  const scene = feedScene({ settings: { sinks: ['blob', 'queue'] } });
  await scene.store(names(40));
  const report = await scene.pull();
  assert.equal(report.queueLength, 40);
  const { peekedMessageItems } = await storage.queue(scene.settings.queue).peekMessages();
  assert.ok((peekedMessageItems[0]?.expiresOn.getFullYear() ?? 0) >= 9999, 'the default is seven days');
  const byId = (events: readonly { id: string }[]): unknown[] =>
    [...events].sort((left, right) => left.id.localeCompare(right.id));
  assert.deepEqual(byId(await scene.messages()), byId(await scene.events()));
});

test('an event above 48 KiB goes to the queue as a reference to a blob with its data', async () => {
  const scene = feedScene({ settings: { sinks: ['queue'], metadata: { kind: 'full' } } });
  const comments = { '00204000': { vr: 'LT', Value: ['x'.repeat(10_000)] } };
  const many = Object.fromEntries(
    Array.from({ length: 6 }, (_, n) => [`0018A0${n + 10}`, { vr: 'LT', Value: ['y'.repeat(9_000)] }]),
  );
  await dicom.store(dicomFile({ study: 'big', attributes: { ...comments, ...many } }), scene.services[0]);
  await scene.store(['small']);
  assert.equal((await scene.pull()).outcome, 'caught_up');
  const messages = await scene.messages();
  const big: object = messages.find(({ id }) => id === '1.1') ?? assert.fail();
  assert.equal('data' in big, false);
  const [path, text] = Object.entries(await scene.blobs())[0] ?? assert.fail();
  assert.match(path, /\/claims\/1-0000000000000000001\.json$/);
  assert.ok('dataref' in big && String(big.dataref).endsWith(path));
  const data = JSON.parse(text) as { sequenceNumber: number; metadata: Record<string, unknown> };
  assert.equal(data.sequenceNumber, 1);
  assert.ok('00204000' in data.metadata);
  assert.ok(messages.find(({ id }) => id === '1.2')?.data);
});

test('metadata comes as chosen: none by default, projected by keyword or tag', async () => {
  const selected = { kind: 'selected', tags: ['00080060', '0020000D'] } as const;
  const scene = feedScene({ settings: { metadata: selected } });
  await scene.store(['a']);
  await scene.pull();
  const [event] = await scene.events();
  assert.deepEqual(Object.keys(event?.data.metadata ?? {}).sort(), ['00080060', '0020000D']);
});

test('each service has its own cursor, its share of the budget, and none holds up the others', async () => {
  const scene = feedScene({ services: 6 });
  for (let service = 0; service < 6; service += 1) await scene.store(['a', 'b'], service);
  const broken = scene.settings.services[2] ?? '';
  await storage.container('state').createIfNotExists();
  await storage
    .container('state')
    .getBlockBlobClient(`change-feed/${new URL(broken).host}/cursor.json`)
    .upload('{"schema":2}', 12);
  longWaits.length = 0;
  const reports = await scene.pullAll();
  const budgets = longWaits.filter((ms) => ms > leaseRenewMs);
  assert.deepEqual(
    budgets,
    [240_000, 120_000, 120_000, 240_000, 240_000, 240_000, 240_000],
    'the run, then its parts',
  );
  assert.deepEqual(
    reports.map(({ outcome }) => outcome),
    ['caught_up', 'caught_up', 'failed', 'caught_up', 'caught_up', 'caught_up'],
  );
  assert.match(reports[2]?.error?.advice ?? '', /release/);
  assert.ok(failed({ services: reports }));
  assert.equal((await scene.events()).length, 10);
});

test('four services that hang hold up none of the others for longer than their share', async () => {
  const scene = feedScene({ services: 8, hanging: 4 });
  for (const service of [4, 5, 6, 7]) await scene.store(['a', 'b'], service);
  const pulling = scene.pullAll();
  while (scene.unanswered < 4) await new Promise(setImmediate);
  endLongWaits(120_000);
  assert.deepEqual(
    (await pulling).map(({ outcome }) => outcome),
    [...Array<string>(4).fill('budget'), ...Array<string>(4).fill('caught_up')],
  );
  assert.equal((await scene.events()).length, 8);
});

test('a shutdown ends a run at once; the next one, of another process, goes on without waiting for a lease', async () => {
  const scene = feedScene();
  await scene.store(names(3));
  await scene.pull();
  await scene.store(names(2, 'more'));
  scene.hanging = 1;
  const pulling = scene.pull();
  while (scene.unanswered === 0) await new Promise(setImmediate);
  scene.shutdown.abort();
  const { outcome, cursor } = await pulling;
  assert.deepEqual([outcome, cursor], ['budget', 3]);
  scene.hanging = 0;
  scene.shutdown = new AbortController();
  assert.equal((await scene.pull()).outcome, 'caught_up');
  assert.deepEqual(
    (await scene.events()).map(({ id }) => id),
    ['1.1', '1.2', '1.3', '1.4', '1.5'],
  );
});

test('the stored report is told without asking the service', async () => {
  const scene = feedScene();
  assert.equal((await scene.report()).outcome, 'not_started');
  await scene.store(['a']);
  const pulled = await scene.pull();
  const before = dicom.log.list('dicom').length;
  assert.deepEqual(await scene.report(), JSON.parse(JSON.stringify(pulled)));
  assert.equal(dicom.log.list('dicom').length, before);
});

test('no log line names a patient, a UID or a token', async () => {
  const scene = feedScene({ settings: { metadata: { kind: 'full' }, sinks: ['blob', 'queue'] } });
  await scene.store(['canary']);
  await scene.pull();
  scene.script({ poison: 2 });
  await scene.store(['poisoned']);
  assert.equal((await scene.pull()).outcome, 'upstream_failed');
  assert.equal((await scene.pull()).fallbacks, 1);
  const told = (await scene.events()).map(({ data }) => [data.metadataError, data.metadata !== undefined]);
  assert.deepEqual(told, [
    [undefined, true],
    ['unreadable', false],
  ]);
  await scene.store(['third']);
  scene.script(
    { status: 200, body: [{ sequence: 3, studyInstanceUid: '2.25.4711', metadata: 'Fictitious' }] },
    { path: 'changefeed$' },
  );
  assert.equal((await scene.pull()).outcome, 'upstream_failed');
  dicom.faults.clear();
  const text = [...scene.lines, JSON.stringify(await scene.report())].join('\n');
  for (const { study, sop } of [uidsOf({ study: 'canary' }), uidsOf({ study: 'poisoned' })]) {
    assert.ok(!text.includes(study) && !text.includes(sop));
  }
  assert.doesNotMatch(text, /Fictitious|NOBODY|2\.25\.|eyJ|Bearer/);
});
