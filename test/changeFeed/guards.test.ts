// What stops or repeats a pull, through the real clients: other runs, crashes, lost and moved cursors, sinks, refusals.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failed } from '../../src/changeFeed/changeFeed.ts';
import { isAppError } from '../../src/platform/errors.ts';
import { acquireLease } from '../../src/platform/lease.ts';
import { auditContainer } from '../../src/platform/platform.ts';
import type { Storage } from '../../src/platform/storage.ts';
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
  assert.match(halted.error?.advice ?? '', /npm run feed -- set-cursor, or PUT /);
  assert.deepEqual([halted.lag, halted.lagSeconds], [null, undefined], 'two feeds are not compared');
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
    assert.match(report.error?.advice ?? '', /npm run feed -- set-cursor with --expect none, or PUT /);
  }
  await assert.rejects(scene.move({ sequence: 1, expect: 2 }), (error) => isAppError(error, 'conflict'));
  assert.deepEqual((await scene.move({ sequence: 1, expect: null })).epoch, 2);
  assert.equal((await scene.pull()).delivered, 1);
  assert.deepEqual(
    (await scene.events()).map(({ id }) => id),
    ['1.1', '1.2', '2.2'],
  );
});

test('a moved cursor keeps its epoch and is audited; a range that now holds more is not swallowed by its older blob', async () => {
  const scene = feedScene();
  scene.script({ lateCommit: { sequences: 1, ms: 2000 * second } });
  await scene.store(['late', 'prompt']);
  dicom.advance(620 * second);
  await scene.pull();
  assert.deepEqual(await sequences(scene), [2]);
  dicom.advance(2000 * second);
  await assert.rejects(scene.move({ sequence: 0, expect: 1 }), (error) => isAppError(error, 'conflict'));
  await assert.rejects(scene.move({ sequence: 3, expect: 2 }), (error) =>
    isAppError(error, 'invalid_request'),
  );
  const moved = await scene.move({ sequence: 0, expect: 2 });
  assert.deepEqual([moved.cursor, moved.epoch, moved.holes.crossed], [0, 1, 0]);
  assert.equal((await scene.pull()).delivered, 2);
  const names = Object.keys(await scene.blobs()).map((path) => path.replace(/^.*-0*/, ''));
  assert.deepEqual(names.length, 2);
  assert.match(names[0] ?? '', /^2\.[0-9a-f]{16}\.ndjson$/);
  assert.deepEqual(new Set(await sequences(scene)), new Set([1, 2]));
  const { host } = new URL(scene.services[0] ?? '');
  assert.deepEqual(await auditOf(host), ['asked', 'asked', 'asked', 'done', 'failed', 'failed']);
});

async function auditOf(subject: string): Promise<string[]> {
  const container = storage.container(auditContainer);
  const outcomes: string[] = [];
  for await (const { name } of container.listBlobsFlat()) {
    const text = (await container.getBlobClient(name).downloadToBuffer()).toString();
    const record = JSON.parse(text) as { action: string; subject: string; outcome: string };
    if (record.subject === subject && record.action === 'feed.setCursor') outcomes.push(record.outcome);
  }
  return outcomes.sort();
}

test('a service may be spelled in any of the ways that the settings take', async () => {
  const scene = feedScene();
  await scene.store(['a', 'b']);
  await scene.pull();
  const [first = ''] = scene.services;
  for (const service of [`${first}/`, first.replace('https://', 'HTTPS://').toUpperCase(), ` ${first}:443 `])
    assert.equal(
      (await scene.move({ sequence: 1, expect: (await scene.report()).cursor, service })).service,
      first,
    );
  for (const service of [`${first}/v2`, `${first}?a=b`, first.replace('https', 'http'), 'elsewhere', '']) {
    const moving = scene.move({ sequence: 0, expect: 1, service });
    await assert.rejects(moving, (error) => isAppError(error, 'not_found'), service);
  }
});
