// Replays over HTTP with the host as it is deployed: a backfill, a range by time, a cancelled one, and a host that is killed.
import { BlobServiceClient } from '@azure/storage-blob';
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { demo } from '../../local/demo.ts';
import { replayShape, type ReplayReport } from '../../src/changeFeed/replayReport.ts';
import { apiOf, assertProblem, type Api } from '../support/api.ts';
import { startOwnStack } from '../support/hosts.ts';
import { storeImages } from '../support/images.ts';

/** Ten changes are a range. */
const { startHost } = await startOwnStack({ CHANGE_FEED_START: 'latest', CHANGE_FEED_PAGE_SIZE: '1' });
const [first, second] = [await startHost(), await startHost()];
const api = apiOf(first.run);
const { host } = new URL(demo.dicomUrl);
const blobs = BlobServiceClient.fromConnectionString(first.run.azure.storage);
const images = 30;
afterEach(() => api.clearFaults());

const reports = z.looseObject({
  services: z.array(z.looseObject({ outcome: z.string(), replays: z.array(replayShape) })),
});

async function run(by: Api = api): Promise<z.infer<typeof reports>['services'][number]> {
  const reply = await by.operation('POST', 'change-feed/runs');
  return reply.json(reports).services[0] ?? assert.fail(reply.text);
}

async function start(range: object): Promise<string> {
  const body = { service: demo.dicomUrl, reason: 'a drill', ...range };
  const reply = await api.operation('POST', 'change-feed/replays', body);
  assert.equal(reply.status, 202, reply.text);
  const { id } = reply.json(z.object({ id: z.string() }));
  assert.equal(reply.headers.get('location'), `replays/${id}`);
  return id;
}

async function look(id: string, by: Api = api): Promise<ReplayReport> {
  return (await by.operation('GET', `change-feed/replays/${id}`)).json(replayShape);
}

/** A slow receiver, a run that works on the replay, and the moment at which it has delivered something of it. */
async function underWay(id: string): Promise<{ readonly ended: Promise<unknown> }> {
  await api.fault({ service: 'subscriber', effect: { delayMs: 100 } });
  const ended = run().catch(() => undefined);
  for (let tries = 0; (await look(id)).passed === 0; tries += 1) {
    assert.ok(tries < 200, 'nothing is delivered');
    await sleep(50);
  }
  return { ended };
}

/** Sequences in the blobs under a folder of the service, in the order of their names. */
async function delivered(folder: string): Promise<number[]> {
  const container = blobs.getContainerClient('dicom-changes');
  const found: number[] = [];
  for await (const { name } of container.listBlobsFlat({ prefix: `${host}/${folder}` })) {
    const lines = (await container.getBlobClient(name).downloadToBuffer()).toString().trimEnd().split('\n');
    for (const line of lines) {
      const { id } = z.looseObject({ id: z.string() }).parse(JSON.parse(line));
      assert.match(id, /^1\.\d+$/);
      found.push(Number(id.slice(2)));
    }
  }
  return found;
}

const upTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

test('a feed that began at its latest is filled up afterwards, beside the live deliveries', async () => {
  const studies = Array.from({ length: images }, (_, n) => `backfill ${n}`);
  await storeImages(first.run, studies);
  assert.equal((await run()).outcome, 'caught_up');
  const id = await start({ from: 1 });
  await storeImages(first.run, ['meanwhile']);
  const [replay] = (await run()).replays;
  assert.deepEqual([replay?.id, replay?.state, replay?.delivered], [id, 'done', images]);
  assert.deepEqual(await delivered(`replay/${id}/1/`), upTo(1, images));
  assert.deepEqual(await delivered('1/'), [images + 1]);
});

test('a range by time brings what happened since, to the sinks that are named', async () => {
  await sleep(5);
  const since = new Date().toISOString();
  await storeImages(first.run, ['by time', 'by time too']);
  await run();
  const id = await start({ since, sinks: ['blob'] });
  assert.equal((await run()).replays[0]?.state, 'done');
  assert.deepEqual(await delivered(`replay/${id}/`), [images + 2, images + 3]);
});

test('a replay that is cancelled half way stops, for good', async () => {
  const id = await start({ from: 1, to: images });
  const { ended } = await underWay(id);
  const reply = await api.operation('DELETE', `change-feed/replays/${id}`, { reason: 'a drill' });
  assert.deepEqual([reply.status, reply.json(replayShape).state], [200, 'cancelled']);
  await ended;
  await api.clearFaults();
  const taken = await delivered(`replay/${id}/`);
  assert.ok(taken.length >= 10 && taken.length < images, `${taken.length} changes`);
  await run();
  assert.deepEqual(await delivered(`replay/${id}/`), taken);
  assert.equal((await look(id)).state, 'cancelled');
});

test('a replay whose host is killed goes on in another, and no blob holds another’s changes', async () => {
  const id = await start({ from: 1, to: images });
  const { ended } = await underWay(id);
  process.kill(first.pid ?? assert.fail(), 'SIGKILL');
  await ended;
  await api.clearFaults();
  const other = apiOf(second.run);
  assertProblem(await other.operation('POST', 'change-feed/runs'), 409, 'busy');
  // The lease of the dead host would end by itself after a minute.
  const cursor = blobs.getContainerClient('state').getBlobClient(`change-feed/${host}/cursor.json`);
  await cursor.getBlobLeaseClient().breakLease(0);
  assert.equal((await run(other)).outcome, 'caught_up');
  const { state, passed, delivered: count } = await look(id, other);
  assert.deepEqual([state, passed, count], ['done', images, images]);
  assert.deepEqual(await delivered(`replay/${id}/`), upTo(1, images));
});
