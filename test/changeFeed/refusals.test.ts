// Where a cursor begins and what a refusal or a failure of the services behind means for it, through the real clients.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../local/demo.ts';
import { failed } from '../../src/changeFeed/changeFeed.ts';
import { Secret } from '../../src/platform/secret.ts';
import { createStorage } from '../../src/platform/storage.ts';
import { dicom, feedScene, stateBlobs, storage, type FeedScene } from './feedScene.ts';

const second = 1000;
const sequences = async (scene: FeedScene): Promise<number[]> =>
  (await scene.events()).map(({ data }) => data.sequenceNumber);

test('a start is where the settings say, and only once', async () => {
  const starts = [
    [{ kind: 'latest' }, [4]],
    [{ kind: 'sequence', sequence: 3 }, [3, 4]],
    [{ kind: 'sequence', sequence: 0 }, [1, 2, 3, 4]],
    [{ kind: 'beginning' }, [1, 2, 3, 4]],
  ] as const;
  for (const [start, expected] of starts) {
    const scene = feedScene({ settings: { start } });
    await scene.store(['a', 'b', 'c']);
    await scene.pull();
    await scene.store(['d']);
    await scene.pull();
    assert.deepEqual(await sequences(scene), expected, start.kind);
  }
});

test('a start by time loses none of the changes that share its timestamp, and a sequence not reached is refused', async () => {
  const scene = feedScene();
  await scene.store(['a']);
  dicom.advance(3600 * second);
  await scene.store(['b', 'c']);
  const all = await scene.pull().then(() => scene.events());
  const time = all[1]?.time ?? '';
  const other = feedScene({ settings: { services: scene.services, start: { kind: 'time', time } } });
  await stateBlobs.getBlobClient(scene.cursorPath).delete();
  await storage.table('cursors').deleteEntity(new URL(scene.services[0] ?? '').host, 'cursor');
  await other.pull();
  assert.deepEqual(await sequences(other), [2, 3]);
  const ahead = feedScene({ settings: { start: { kind: 'sequence', sequence: 9 } } });
  const report = await ahead.pull();
  assert.deepEqual([report.outcome, report.cursor], ['misconfigured', null]);
  assert.equal((await ahead.report()).outcome, 'not_started');
});

test('a cursor blob that cannot be asked for never looks like a first run, though no birth is on record', async () => {
  const nowhere = new Secret(
    'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a;',
  );
  const down = createStorage({ kind: 'connectionString', connectionString: nowhere }, () => assert.fail());
  const scene = feedScene();
  await scene.store(['a']);
  const before = dicom.log.list('dicom').length;
  const report = await scene.pull(
    scene.pullerOver({ ...storage, container: (name) => down.container(name) }),
  );
  assert.deepEqual([report.outcome, report.cursor], ['failed', null]);
  assert.match(report.error?.message ?? '', /^The storage of the app's state failed \(ECONNREFUSED\)\.$/);
  assert.equal(dicom.log.list('dicom').length, before, 'no start was looked up');
  assert.deepEqual(await scene.blobs(), {});
});

test('a token refused once is replaced, a token refused twice or a missing role ends the run with advice', async () => {
  const scene = feedScene();
  await scene.store(['a']);
  scene.script({ status: 401 }, { times: 1 });
  assert.equal((await scene.pull()).outcome, 'caught_up');
  assert.equal(scene.tokens, 2);
  scene.script({ status: 401 });
  assert.deepEqual((await scene.pull()).outcome, 'unauthorized');
  dicom.faults.clear();
  scene.script({ revokePermission: 'DICOM Data Reader' });
  const before = dicom.log.list('dicom').length;
  const forbidden = await scene.pull();
  assert.deepEqual([forbidden.outcome, forbidden.error?.code], ['forbidden', 'upstream_failed']);
  assert.match(forbidden.error?.advice ?? '', /DICOM Data Reader.*five minutes/);
  assert.equal(dicom.log.list('dicom').length - before, 1, 'not tried again');
  dicom.faults.clear();
  assert.ok(dicom.directory.has(demo.managedIdentity.principalId, 'DICOM Data Reader'));
});

test('Retry-After is waited for within the budget and ends the run cleanly beyond it', async () => {
  const scene = feedScene();
  await scene.store(['a']);
  const before = dicom.now();
  scene.script({ status: 429, headers: { 'retry-after': '12' } }, { times: 1 });
  assert.equal((await scene.pull()).outcome, 'caught_up');
  assert.equal(dicom.now() - before, 12 * second);
  scene.script({ status: 503, headers: { 'retry-after': '600' } });
  const report = await scene.pull();
  assert.deepEqual([report.outcome, report.error?.code], ['throttled', 'upstream_throttled']);
  assert.equal(failed({ services: [report] }), false);
  dicom.faults.clear();
});

test('an answer that is not what was asked for moves nothing', async () => {
  const scene = feedScene();
  await scene.store(['a', 'b']);
  const entry = (sequence: number | string): object => ({
    ...{ sequence, studyInstanceUid: '1', seriesInstanceUid: '2', sopInstanceUid: '3' },
    ...{ action: 'Create', state: 'Current', timestamp: '2026-01-01T00:00:00+00:00' },
  });
  const bodies = ['[{', {}, [entry(2), entry(1)], [entry(1), entry(1)], [entry(3)], [entry('1')]];
  for (const body of bodies) {
    scene.script({ status: 200, body }, { path: 'changefeed$' });
    const report = await scene.pull();
    assert.deepEqual([report.outcome, report.cursor], ['upstream_failed', 0], JSON.stringify(body));
  }
  dicom.faults.clear();
  assert.equal((await scene.pull()).cursor, 2);
});
