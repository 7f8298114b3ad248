// A real process that pulls is ended by SIGKILL before and after the requests that change something; later runs lose and repeat nothing wrongly.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { demo } from '../../../local/demo.ts';
import { createReplayStore } from '../../../src/changeFeed/replayStore.ts';
import { Secret } from '../../../src/platform/secret.ts';
import { bundleProgram, Doors, type Asked } from '../../support/doors.ts';
import { dicom, feedScene, stateBlobs, storage, type FeedScene } from '../feedScene.ts';
import type { Orders } from './kills/child.ts';

/** `KILLS=all`: at every request, also at those that only ask; else at the last of each kind that changes something. */
const everything = process.env['KILLS'] === 'all';

const folder = mkdtempSync(join(tmpdir(), 'telehealth-feed-'));
after(() => {
  rmSync(folder, { recursive: true });
});
const program = join(folder, 'child.cjs');
await bundleProgram(new URL('kills/child.ts', import.meta.url), program);
// Made before, so that the requests are the same in each play.
await Promise.all([stateBlobs.create(), storage.table('cursors').createTable()]);
const preload = new URL('../../../local/preload.cjs', import.meta.url).pathname;

interface Blow {
  /** At the how many-th of the requests that matter, from 1. */
  readonly at: number;
  readonly fate: 'before' | 'after';
}

/** Answers the requests that mattered, the last one being that at which the process was killed. */
async function pulledBy(scene: FeedScene, blow?: Blow): Promise<string[]> {
  const requests: string[] = [];
  let killed = false;
  const kill = (): void => {
    killed = true;
    child.kill('SIGKILL');
  };
  const doors = new Doors(async (asked, send) => {
    // A process that is gone sends nothing more.
    if (killed) return undefined;
    const struck = matters(asked) && requests.push(nameOf(asked)) === blow?.at;
    if (struck && blow.fate === 'before') {
      kill();
      return undefined;
    }
    const reply = await send();
    if (struck) kill();
    return reply;
  });
  const orders = await ordersFor(scene, doors);
  const { dicom: feed = '', subscriber = '' } = dicom.urls;
  const routes = { dicom: await doors.open(feed), subscriber: await doors.open(subscriber) };
  const child = fork(program, {
    execArgv: ['--require', preload],
    env: { PATH: process.env['PATH'], LOCAL_ROUTES: JSON.stringify(routes) },
  });
  const gone = once(child, 'exit');
  child.on('message', (word) => {
    if (word === 'ready') child.send(orders);
    else child.kill('SIGKILL');
  });
  await gone;
  await doors.close();
  assert.equal(killed, blow !== undefined, requests.join());
  return requests;
}

async function ordersFor({ settings }: FeedScene, doors: Doors): Promise<Orders> {
  const { state, deliveries: _, webhook: __, ...rest } = settings;
  assert.ok(state.kind === 'connectionString');
  let storage = state.connectionString.reveal();
  for (const [, origin = ''] of storage.matchAll(/Endpoint=(http:\/\/[^/]+)/g))
    storage = storage.replace(origin, await doors.open(origin));
  const token = await dicom.tokenFor(demo.managedIdentity, 'https://dicom.healthcareapis.azure.com');
  return { settings: rest, storage, webhookUrl: demo.webhookUrl, token };
}

function matters({ method, url }: Asked): boolean {
  const asks = method === 'GET' || method === 'HEAD';
  return everything || !(asks || url.includes('comp=lease') || url.includes('restype=container'));
}

function nameOf({ method, url }: Asked): string {
  const { pathname, searchParams } = new URL(url);
  const last = (pathname.split('/').at(-1) ?? '').replace(/\(.*/, '');
  return [method, last, searchParams.get('comp') ?? ''].join(' ').trimEnd();
}

interface Play {
  readonly prepared: () => Promise<FeedScene>;
  /** What later runs leave, whatever was killed; `told` names it. */
  readonly requireRest: (scene: FeedScene, told: string) => Promise<void>;
  /** Requests at which it is killed, unless at all. */
  readonly at: RegExp;
}

async function killedAtEach({ prepared, requireRest, at: named }: Play): Promise<string> {
  const untouched = await prepared();
  const requests = await pulledBy(untouched);
  await requireRest(untouched, 'not killed');
  assert.ok(requests.length >= 10, requests.join());
  const points = requests.flatMap((name, n) =>
    everything || (named.test(name) && requests.lastIndexOf(name) === n) ? [n + 1] : [],
  );
  assert.notEqual(points.length, 0, requests.join());
  for (const at of points) {
    for (const fate of ['before', 'after'] as const) {
      const scene = await prepared();
      const seen = await pulledBy(scene, { at, fate });
      await endLease(scene);
      await requireRest(scene, `killed ${fate} ${seen.join(', ')}`);
    }
  }
  return `${String(2 * points.length)} kills`;
}

async function threeChanges(): Promise<FeedScene> {
  const webhook = { url: new Secret(demo.webhookUrl), mode: 'structured', auth: { kind: 'none' } } as const;
  const scene = feedScene({ settings: { sinks: ['blob', 'queue', 'webhook'], webhook } });
  await storage.container(scene.settings.container).create();
  await storage.queue(scene.settings.queue).create();
  await scene.store(['a', 'b', 'c']);
  dicom.faults.clear();
  return scene;
}

/** What a minute does for real: Azurite's leases keep its own time. */
async function endLease({ cursorPath }: FeedScene): Promise<void> {
  await stateBlobs
    .getBlobClient(cursorPath)
    .getBlobLeaseClient()
    .breakLease(0)
    .catch(() => undefined);
}

const ids = ['1.1', '1.2', '1.3'];

function postedOf({ services: [source] }: FeedScene): string[] {
  return dicom.received.filter((event) => event.source === source).map(({ id }) => id);
}

/** Of three changes the webhook refuses the second. */
const firstRun: Play = {
  at: /./,
  async prepared() {
    const scene = await threeChanges();
    dicom.faults.add({ service: 'subscriber', skip: 1, times: 1, effect: { status: 422 } });
    return scene;
  },
  async requireRest(scene, told) {
    const report = await scene.pull();
    assert.deepEqual([report.outcome, report.cursor], ['caught_up', 3], told);
    const events = await scene.events();
    assert.deepEqual(
      events.map(({ id }) => id),
      ids,
      `${told}: one blob of the range`,
    );
    const messages = await scene.messages();
    assert.deepEqual([...new Set(messages.map(({ id }) => id))].sort(), ids, told);
    const posted = postedOf(scene);
    // The refused one may be taken after all when it is offered again, behind the next ones.
    const first = [...new Set(posted)].filter((id) => id !== '1.2');
    assert.deepEqual(first, ['1.1', '1.3'], `${told}: in order at the webhook`);
    assert.ok(posted.includes('1.2') || report.deadLetters === 1, `${told}: the refused one is lost`);
    assert.equal((await scene.pull()).delivered, 0, told);
  },
};

/** All that was delivered before, in two slices. */
const replay: Play = {
  // The blob of the second slice, which the other sinks then have yet to take.
  at: /^PUT 0*3-0*3\.ndjson$/,
  async prepared() {
    const scene = await threeChanges();
    await scene.pull();
    await scene.messages();
    const { services } = scene;
    const [service = assert.fail()] = services;
    const run = { requestId: 'test', signal: new AbortController().signal, remainingMs: () => 60_000 };
    const request = { service, from: 1, reason: 'a drill' };
    const { id } = await scene.puller().startReplay(request, 'key', run);
    const store = createReplayStore(stateBlobs, service);
    const stored = (await store.read(id)) ?? assert.fail();
    await store.write({ ...stored.replay, slice: 2 }, stored.etag);
    return scene;
  },
  async requireRest(scene, told) {
    const report = await scene.pull();
    assert.deepEqual([report.outcome, report.delivered, report.cursor], ['caught_up', 0, 3], told);
    const [shown = assert.fail()] = report.replays;
    assert.deepEqual([shown.state, shown.passed, shown.delivered], ['done', 3, 3], told);
    const blobs = Object.entries(await scene.blobs()).filter(([path]) => path.includes('/replay/'));
    const brought = blobs.flatMap(([, text]) => text.trimEnd().split('\n'));
    assert.deepEqual(
      brought.map((line) => (JSON.parse(line) as { id: string }).id),
      ids,
      `${told}: one blob of each slice`,
    );
    const messages = await scene.messages();
    assert.deepEqual([...new Set(messages.map(({ id }) => id))].sort(), ids, told);
    const posted = postedOf(scene);
    for (const id of ids)
      assert.ok(posted.indexOf(id) !== posted.lastIndexOf(id), `${told}: ${id} at the webhook`);
  },
};

describe('a process that is killed leaves nothing that later runs do not put right:', () => {
  test('a first run over three sinks, one of which refuses a change', { timeout: 600_000 }, async (t) => {
    t.diagnostic(await killedAtEach(firstRun));
  });
  test('a run that works on a replay, in two lanes over three sinks', { timeout: 600_000 }, async (t) => {
    t.diagnostic(await killedAtEach(replay));
  });
});
