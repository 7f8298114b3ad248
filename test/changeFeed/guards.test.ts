// What stops or repeats a pull, through the real clients: other runs, crashes, lost and moved cursors, sinks, refusals.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../local/demo.ts';
import { failed } from '../../src/changeFeed/changeFeed.ts';
import { isAppError } from '../../src/platform/errors.ts';
import { acquireLease } from '../../src/platform/lease.ts';
import { auditContainer } from '../../src/platform/platform.ts';
import { Secret } from '../../src/platform/secret.ts';
import { createStorage, type Storage } from '../../src/platform/storage.ts';
import { clock, dicom, feedScene, stateBlobs, storage, type FeedScene } from './feedScene.ts';

const second = 1000;
const sequences = async (scene: FeedScene): Promise<number[]> =>
  (await scene.events()).map(({ data }) => data.sequenceNumber);

test('while another run holds the cursor the outcome is busy, and a move is refused', async () => {
  const scene = feedScene();
  await scene.store(['a']);
  await scene.pull();
  const lease = await acquireLease(stateBlobs, scene.cursorPath, clock, { makeAbsent: false });
  assert.ok(lease);
  await scene.store(['b']);
  const report = await scene.pull();
  assert.equal(report.outcome, 'busy');
  assert.equal(failed({ services: [report] }), false);
  await assert.rejects(scene.move({ sequence: 0, expect: 1 }), (error) => isAppError(error, 'busy'));
  await lease.release();
  assert.equal((await scene.pull()).cursor, 2);
});

test('of two pullers at once one works, and each change is delivered once', async () => {
  const scene = feedScene({ settings: { pageSize: 2 } });
  await scene.store(['a', 'b', 'c', 'd', 'e']);
  const reports = await Promise.all([scene.pull(), scene.pull(), scene.pull()]);
  const worked = reports.filter(({ outcome }) => outcome === 'caught_up').length;
  assert.ok(
    worked >= 1 && reports.every(({ outcome }) => ['caught_up', 'busy'].includes(outcome)),
    JSON.stringify(reports),
  );
  assert.equal(
    reports.reduce((sum, { delivered }) => sum + delivered, 0),
    5,
  );
  assert.deepEqual(await sequences(scene), [1, 2, 3, 4, 5]);
});

test('a run whose lease was broken commits nothing more; the range is repeated into the same blob', async () => {
  const scene = feedScene();
  await scene.store(['a']);
  await scene.pull();
  await scene.store(['b']);
  // As the blob sink writes, somebody else takes the cursor over.
  const taking = interrupted(storage, async () => {
    await stateBlobs.getBlobClient(scene.cursorPath).getBlobLeaseClient().breakLease(0);
  });
  const report = await scene.pull(scene.pullerOver(taking));
  assert.equal(report.outcome, 'lost_lease');
  assert.deepEqual(await sequences(scene), [1, 2]);
  const again = await scene.pull();
  assert.deepEqual([again.outcome, again.cursor, again.repeated], ['caught_up', 2, 1]);
  assert.deepEqual(await sequences(scene), [1, 2]);
});

/** The same account, but `happens` once just before the first blob of a delivery is written. */
function interrupted(real: Storage, happens: () => Promise<void>): Storage {
  let done = false;
  return {
    ...real,
    container(name) {
      const container = real.container(name);
      if (!name.startsWith('scene-')) return container;
      return new Proxy(container, {
        get(target, key) {
          if (key !== 'getBlockBlobClient') return Reflect.get(target, key) as unknown;
          return (path: string) => {
            const blob = target.getBlockBlobClient(path);
            const upload = blob.upload.bind(blob);
            blob.upload = async (...given) => {
              if (!done) {
                done = true;
                await happens();
              }
              return upload(...given);
            };
            return blob;
          };
        },
      });
    },
  };
}

test('a late commit is waited for within the settle time, a number never used is crossed after it', async () => {
  const scene = feedScene();
  scene.script({ lateCommit: { sequences: 1, ms: 20 * second } });
  await scene.store(['late', 'prompt']);
  assert.equal((await scene.pull()).outcome, 'holding_gap');
  dicom.advance(20 * second);
  assert.equal((await scene.pull()).outcome, 'caught_up');
  scene.script({ gap: 3 });
  await scene.store(['after the gap']);
  const held = await scene.pull();
  assert.deepEqual([held.outcome, held.holes.held, held.cursor], ['holding_gap', 3, 2]);
  assert.ok((held.lagSeconds ?? -1) >= 0);
  dicom.advance(62 * second);
  const crossed = await scene.pull();
  assert.deepEqual([crossed.outcome, crossed.holes.crossed, crossed.cursor], ['caught_up', 3, 6]);
  assert.deepEqual(await sequences(scene), [1, 2, 6]);
});

test('a change that commits after its number was crossed comes late, in a blob of its own', async () => {
  const scene = feedScene();
  await scene.store(['first']);
  scene.script({ lateCommit: { sequences: 1, ms: 600 * second } });
  await scene.store(['very late', 'prompt']);
  await scene.pull();
  dicom.advance(62 * second);
  assert.equal((await scene.pull()).cursor, 3);
  dicom.advance(600 * second);
  const report = await scene.pull();
  assert.deepEqual([report.late, report.holes.crossed], [1, 0]);
  const [path, text] =
    Object.entries(await scene.blobs()).find(([name]) => name.includes('/late/')) ?? assert.fail();
  assert.ok(path.endsWith('/late/1-0000000000000000002.ndjson'));
  const event = JSON.parse(text) as { id: string; late: unknown };
  assert.deepEqual([event.id, event.late], ['1.2', true]);
});

test('a reset feed halts every run until an operator acknowledges it; then a new epoch begins', async () => {
  const scene = feedScene();
  await scene.store(['a', 'b']);
  await scene.pull();
  scene.script({ reset: true });
  await scene.store(['c', 'd', 'e']);
  const halted = await scene.pull();
  assert.deepEqual([halted.outcome, halted.cursor, halted.delivered], ['feed_reset', 2, 0]);
  assert.ok(failed({ services: [halted] }));
  const moved = await scene.move({ sequence: 0, expect: 2 });
  assert.deepEqual([moved.cursor, moved.epoch, moved.lag], [0, 2, 3]);
  const report = await scene.pull();
  assert.deepEqual([report.outcome, report.cursor, report.epoch], ['caught_up', 3, 2]);
  assert.deepEqual(
    (await scene.events()).map(({ id }) => id),
    ['1.1', '1.2', '2.1', '2.2', '2.3'],
  );
});

test('a lost cursor halts every run, also of another process, until an operator says where to go on', async () => {
  const scene = feedScene();
  await scene.store(['a', 'b']);
  await scene.pull();
  await stateBlobs.getBlobClient(scene.cursorPath).delete();
  for (const report of [await scene.pull(), await scene.report()]) {
    assert.deepEqual([report.outcome, report.cursor], ['cursor_lost', null]);
  }
  await assert.rejects(scene.move({ sequence: 1, expect: 2 }), (error) => isAppError(error, 'conflict'));
  assert.deepEqual((await scene.move({ sequence: 1, expect: null })).epoch, 2);
  assert.equal((await scene.pull()).delivered, 1);
  assert.deepEqual(
    (await scene.events()).map(({ id }) => id),
    ['1.1', '1.2', '2.2'],
  );
});

test('a moved cursor keeps its epoch, is audited, and a range that now holds more is not swallowed', async () => {
  const scene = feedScene();
  scene.script({ gap: 1 });
  await scene.store(['a', 'b']);
  dicom.advance(620 * second);
  await scene.pull();
  assert.deepEqual(await sequences(scene), [2, 3]);
  await assert.rejects(scene.move({ sequence: 1, expect: 2 }), (error) => isAppError(error, 'conflict'));
  await assert.rejects(scene.move({ sequence: 4, expect: 3 }), (error) =>
    isAppError(error, 'invalid_request'),
  );
  const moved = await scene.move({ sequence: 1, expect: 3 });
  assert.deepEqual([moved.cursor, moved.epoch], [1, 1]);
  assert.equal((await scene.pull()).delivered, 2);
  const outcomes: string[] = [];
  for await (const { name } of storage.container(auditContainer).listBlobsFlat()) {
    if (name.includes('feed.setCursor')) outcomes.push(/-(\w+)\.json$/.exec(name)?.[1] ?? '');
  }
  assert.ok(outcomes.includes('done') && outcomes.includes('failed'));
});

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

test('storage that fails when the cursor is read never looks like a first run', async () => {
  const nowhere = new Secret(
    'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a;',
  );
  const down = createStorage({ kind: 'connectionString', connectionString: nowhere }, () => assert.fail());
  const scene = feedScene();
  await scene.store(['a']);
  const report = await scene.pull(scene.pullerOver(down));
  assert.deepEqual([report.outcome, report.cursor], ['failed', null]);
  assert.deepEqual(await scene.blobs(), {});
});

test('a token refused once is replaced, a token refused twice or a missing role ends the run with advice', async () => {
  const scene = feedScene();
  await scene.store(['a']);
  scene.script({ status: 401 }, { times: 1 });
  assert.equal((await scene.pull()).outcome, 'caught_up');
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
