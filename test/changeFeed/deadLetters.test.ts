// The webhook in a whole pull, through the real clients: refusals, dead letters, redrives, and what is never told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../local/demo.ts';
import { uidsOf } from '../../local/dicomFiles.ts';
import { auditContainer } from '../../src/platform/platform.ts';
import { Secret } from '../../src/platform/secret.ts';
import type { ChangeFeedSettings } from '../../src/platform/settings/types.ts';
import { dicom, feedScene, stateBlobs, storage, type FeedScene } from './feedScene.ts';

const webhook = { url: new Secret(demo.webhookUrl), mode: 'structured', auth: { kind: 'none' } } as const;
const withWebhook = (more: Partial<ChangeFeedSettings> = {}): FeedScene =>
  feedScene({ settings: { sinks: ['blob', 'webhook'], webhook, ...more } });
const hostOf = ({ services: [first = ''] }: FeedScene): string => new URL(first).host;
const arrived = ({ services: [first] }: FeedScene): readonly (typeof dicom.received)[number][] =>
  dicom.received.filter(({ source }) => source === first);
const numbers = (scene: FeedScene): number[] => arrived(scene).map(({ data }) => data.sequenceNumber);

function receiver(effect: object, rule: object = {}): void {
  dicom.faults.clear();
  dicom.faults.add({ service: 'subscriber', ...rule, effect });
}

async function lettersOf(scene: FeedScene): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const prefix = `change-feed/${hostOf(scene)}/dead-letters/`;
  for await (const { name } of stateBlobs.listBlobsFlat({ prefix }))
    found[name.slice(prefix.length)] = (await stateBlobs.getBlobClient(name).downloadToBuffer()).toString();
  return found;
}

test('each change arrives once and in order at a strict receiver, in both modes', async () => {
  for (const mode of ['structured', 'batched'] as const) {
    const scene = withWebhook({ webhook: { ...webhook, mode }, metadata: { kind: 'full' } });
    await scene.store(['a', 'b', 'c']);
    await scene.delete('b');
    const report = await scene.pull();
    assert.deepEqual([report.outcome, report.cursor, report.deadLetters], ['caught_up', 4, 0]);
    assert.deepEqual(JSON.parse(JSON.stringify(arrived(scene))), await scene.events());
  }
});

test('a webhook that leads astray dead-letters nothing, whatever answers there, and the cursor waits', async () => {
  const scene = withWebhook();
  await scene.store(['a', 'b']);
  const login = { status: 302, headers: { location: 'https://login.example/' } };
  const page = { status: 200, body: '<!doctype html><html><title>Sign in</title></html>' };
  const answers = [
    { status: 404 },
    { status: 403 },
    { status: 401 },
    { status: 410 },
    { status: 503 },
    login,
    page,
  ];
  for (const answer of answers) {
    receiver(answer);
    const report = await scene.pull();
    assert.deepEqual(
      [report.outcome, report.cursor, report.deadLetters],
      ['sink_down', 0, 0],
      JSON.stringify(answer),
    );
    dicom.advance(600_000);
  }
  dicom.faults.clear();
  assert.deepEqual([(await scene.pull()).cursor, numbers(scene)], [2, [1, 2]]);
  assert.equal(Object.keys(await scene.blobs()).length, 1);
  assert.deepEqual(await lettersOf(scene), {});
});

test('a receiver that refuses everything with 400 dead-letters nothing either', async () => {
  const scene = withWebhook({ webhook: { ...webhook, mode: 'batched' } });
  await scene.store(Array.from({ length: 14 }, (_, n) => `image ${n}`));
  receiver({ status: 400 });
  const report = await scene.pull();
  assert.deepEqual([report.outcome, report.cursor, report.deadLetters], ['sink_down', 0, 0]);
  assert.match(report.error?.message ?? '', /more than 10 changes in a row.*400/);
  dicom.faults.clear();
  assert.equal((await scene.pull()).cursor, 14);
});

test('a pause that the receiver asks for is kept, also over the next runs', async () => {
  const scene = withWebhook();
  await scene.store(['a']);
  receiver({ status: 429, headers: { 'retry-after': '290' } });
  assert.equal((await scene.pull()).outcome, 'sink_down');
  const before = dicom.log.list('subscriber').length;
  dicom.advance(200_000);
  assert.equal((await scene.pull()).outcome, 'sink_down');
  assert.equal(dicom.log.list('subscriber').length, before);
  dicom.faults.clear();
  dicom.advance(91_000);
  assert.equal((await scene.pull()).cursor, 1);
});

test('a refused change is kept once, without metadata, counted, and the next ones go on', async () => {
  const scene = withWebhook({ metadata: { kind: 'full' }, webhook: { ...webhook, mode: 'batched' } });
  await scene.store(['a', 'b', 'c']);
  receiver({ refuse: 2 });
  const report = await scene.pull();
  assert.deepEqual([report.outcome, report.cursor, report.deadLetters], ['caught_up', 3, 1]);
  assert.deepEqual(numbers(scene), [1, 3]);
  assert.equal((await scene.report()).deadLetters, 1);
  const letters = await lettersOf(scene);
  assert.deepEqual(Object.keys(letters), ['webhook/1-0000000000000000002.json']);
  const [text = ''] = Object.values(letters);
  const letter = JSON.parse(text) as { entry: Record<string, string> };
  const { entry, ...head } = letter;
  assert.deepEqual(head, {
    ...{ schema: 1, service: scene.services[0], sink: 'webhook', epoch: 1, late: false, status: 422 },
    refusedAt: new Date(dicom.now()).toISOString(),
  });
  const { study, series, sop } = uidsOf({ study: 'b' });
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = entry;
  assert.deepEqual([studyInstanceUid, seriesInstanceUid, sopInstanceUid], [study, series, sop]);
  assert.equal('metadata' in entry, false);
  // The range is offered once more: the letter stays as it was written.
  await scene.move({ sequence: 0, expect: 3 });
  dicom.advance(60_000);
  const again = await scene.pull();
  assert.deepEqual([again.outcome, again.cursor, again.deadLetters], ['caught_up', 3, 1]);
  assert.deepEqual(await lettersOf(scene), letters);
  dicom.faults.clear();
});

test('a redrive offers each letter with the metadata of now, and removes what is taken, once', async () => {
  const scene = withWebhook({ metadata: { kind: 'full' } });
  await scene.store(['a', 'b', 'c']);
  receiver({ refuse: 2 });
  await scene.pull();
  await scene.delete('b');
  await scene.store(['d', 'e']);
  receiver({ refuse: 5 });
  await scene.pull();
  const [first] = (await scene.redrive()).services;
  const host = scene.services[0];
  assert.deepEqual(first, { service: host, outcome: 'done', taken: 1, refused: 1, remaining: 1 });
  const lastArrived = (): unknown[] =>
    arrived(scene)
      .slice(-1)
      .map(({ id, data: { state, metadata } }) => [id, state, metadata !== undefined]);
  assert.deepEqual(lastArrived(), [['1.2', 'Deleted', false]]);
  receiver({ status: 503 });
  const [down = assert.fail()] = (await scene.redrive()).services;
  assert.deepEqual([down.outcome, down.taken, down.remaining], ['stopped', 0, 1]);
  assert.match(down.error?.message ?? '', /503/);
  dicom.faults.clear();
  assert.deepEqual((await scene.redrive()).services[0]?.remaining, 0);
  assert.deepEqual(lastArrived(), [['1.5', 'Current', true]]);
  const before = dicom.log.list('subscriber').length;
  assert.deepEqual((await scene.redrive()).services[0]?.taken, 0);
  assert.equal(dicom.log.list('subscriber').length, before);
  assert.deepEqual((await auditOf(hostOf(scene))).sort(), [
    ...['asked', 'asked', 'asked', 'asked', 'done', 'done', 'pending', 'pending'],
  ]);
});

test('a letter of a feed that was made anew since is offered as it was, not as what has its number now', async () => {
  const scene = withWebhook({ metadata: { kind: 'full' } });
  await scene.store(['old']);
  receiver({ refuse: 1 });
  await scene.pull();
  scene.script({ reset: true });
  await scene.store(['new']);
  dicom.faults.clear();
  assert.equal((await scene.redrive()).services[0]?.taken, 1);
  const [event = assert.fail()] = arrived(scene);
  assert.deepEqual([event.id, event.data.metadata], ['1.1', undefined]);
  assert.equal(event.data.imageStudyInstanceUid, uidsOf({ study: 'old' }).study);
});

async function auditOf(subject: string): Promise<string[]> {
  const container = storage.container(auditContainer);
  const outcomes: string[] = [];
  for await (const { name } of container.listBlobsFlat()) {
    if (!name.includes('feed.redrive')) continue;
    const text = (await container.getBlobClient(name).downloadToBuffer()).toString();
    const record = JSON.parse(text) as { subject: string; outcome: string; reason: string };
    assert.equal(record.reason, 'a test');
    if (record.subject === subject) outcomes.push(record.outcome);
  }
  return outcomes;
}

test('no log, report or state names the URL, and no log or report a UID or metadata', async () => {
  const url = 'https://changes.telehealth.example/canary-path?sig=canary-key';
  const scene = withWebhook({ webhook: { ...webhook, url: new Secret(url) }, metadata: { kind: 'full' } });
  await scene.store(['canary']);
  assert.equal((await scene.pull()).outcome, 'sink_down');
  receiver({ drop: 'before' });
  assert.equal((await scene.pull()).outcome, 'sink_down');
  receiver({ status: 422, body: 'canary answer 2.25.4711' });
  assert.equal((await scene.pull()).deadLetters, 1);
  receiver({ status: 500, body: 'canary answer' });
  const redriven = JSON.stringify(await scene.redrive());
  dicom.faults.clear();
  const told = [...scene.lines, JSON.stringify(await scene.report()), redriven].join('\n');
  const { study, sop } = uidsOf({ study: 'canary' });
  assert.ok(told.length > 500 && !told.includes(study) && !told.includes(sop));
  assert.doesNotMatch(told, /canary|telehealth\.example|Fictitious|2\.25\.|eyJ/);
  let state = '';
  for await (const { name } of stateBlobs.listBlobsFlat({ prefix: `change-feed/${hostOf(scene)}` }))
    state += (await stateBlobs.getBlobClient(name).downloadToBuffer()).toString();
  assert.ok(state.includes(study));
  assert.doesNotMatch(state, /canary-|telehealth\.example|Fictitious/);
});
