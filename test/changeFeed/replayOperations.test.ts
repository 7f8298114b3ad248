// What operators may ask of replays, and what they are told: ranges by sequence and time, limits, cancelling, the audit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplayStore } from '../../src/changeFeed/replayStore.ts';
import { pullService } from '../../src/changeFeed/service.ts';
import { isAppError, type ErrorCode } from '../../src/platform/errors.ts';
import {
  feedReplayCancelTries,
  feedReplayKeptMs,
  feedReplayReportedMs,
  feedReplaysOpen,
} from '../../src/platform/limits.ts';
import { FeedWorld, startTime } from './feedWorld.ts';
import { ReplayDesk } from './replayDesk.ts';

const second = 1000;
const minute = 60 * second;

async function scene(changes: number, pageSize = 100): Promise<{ world: FeedWorld; desk: ReplayDesk }> {
  const world = new FeedWorld({ pageSize });
  for (let n = 0; n < changes; n += 1) world.change();
  await world.pull();
  return { world, desk: new ReplayDesk(world) };
}

const refuses = (work: Promise<unknown>, code: ErrorCode, words: RegExp): Promise<void> =>
  assert.rejects(work, (error) => isAppError(error, code) && words.test(error.message));

const at = (ms: number): string => new Date(startTime + ms).toISOString();

test('a request names what is wrong with it', async () => {
  const { desk, world } = await scene(9);
  world.change();
  await refuses(desk.start({}), 'invalid_request', /"from" or "since"/);
  await refuses(desk.start({ from: 1, until: at(0) }), 'invalid_request', /not both/);
  await refuses(desk.start({ to: 3 }), 'invalid_request', /^from: expected/);
  await refuses(desk.start({ until: at(0) }), 'invalid_request', /"from" or "since"/);
  await refuses(desk.start({ from: 4, to: 3 }), 'invalid_request', /^to: expected at least/);
  await refuses(
    desk.start({ since: at(5), until: at(5) }),
    'invalid_request',
    /^until: expected a time after/,
  );
  await refuses(desk.start({ from: 1, to: 10 }), 'invalid_request', /^to: expected at most 9,/);
  await refuses(desk.start({ from: 10 }), 'invalid_request', /^from: expected at most 9,/);
  await refuses(desk.start({ since: at(minute) }), 'invalid_request', /^since: no change of that time/);
  await refuses(desk.start({ from: 1, sinks: ['webhook'] }), 'invalid_request', /^sinks: .*blob, queue$/);
  await refuses(desk.start({ from: 1 }, 'https://other.example'), 'not_found', /^service:/);
  assert.deepEqual([desk.audited, world.shelf.all], [[], []]);
});

test('there is nothing to go by without a cursor', async () => {
  const { desk, world } = await scene(3);
  world.stored = undefined;
  await refuses(desk.start({ from: 1 }), 'conflict', /with a cursor/);
});

test('a range by time holds every change of that time, those that share a timestamp and those that commit late', async () => {
  const { desk, world } = await scene(3);
  world.time += minute;
  const since = world.time;
  const early = world.change(20 * second);
  for (let n = 0; n < 250; n += 1) world.change();
  world.time += 5 * minute;
  const until = world.time;
  for (let n = 0; n < 4; n += 1) world.change();
  world.time += 5 * minute;
  const after = world.change();
  await world.pull();
  const range = async (from: number, to?: number): Promise<(number | undefined)[]> => {
    const times = {
      since: new Date(from).toISOString(),
      ...(to ? { until: new Date(to).toISOString() } : {}),
    };
    const id = await desk.start(times);
    const report = await desk.cancel(id);
    return [report.from, report.to];
  };
  assert.deepEqual(await range(since, until), [early, after - 1], 'two minutes more, never less');
  assert.deepEqual(await range(since + 1), [early + 251, after]);
  const waiting = world.change();
  world.time += 5 * minute;
  world.change();
  assert.deepEqual(await range(since + 1, world.time - 1), [early + 251, after], `${waiting} waits yet`);
  assert.deepEqual(await range(since, world.time + minute), [early, after], 'no further than the cursor');
});

test('an end that is yet to come is where the cursor stands, and the service is not asked for it', async () => {
  const { desk, world } = await scene(3);
  const asking = async (until?: string): Promise<number> => {
    const before = world.requests;
    const { to } = await desk.cancel(await desk.start({ since: at(0), until }));
    assert.equal(to, 3);
    return world.requests - before;
  };
  assert.equal(await asking('9999-12-31T23:59:59Z'), await asking());
});

test('a range by time asks nothing of a feed that is not the cursor’s', async () => {
  const { desk, world } = await scene(3);
  world.rows.length = 0;
  world.last = 0;
  for (let n = 0; n < 9; n += 1) {
    world.time += second;
    world.change();
  }
  await refuses(desk.start({ since: at(0) }), 'conflict', /is not the one/);
});

test('the same range and sinks are not begun twice at a time, and no more than ten in all', async () => {
  const { desk } = await scene(20);
  const first = await desk.start({ from: 1, to: 5 });
  await refuses(
    desk.start({ from: 1, to: 5, sinks: ['queue', 'blob'] }),
    'conflict',
    new RegExp(`${first}$`),
  );
  for (let n = 1; n < feedReplaysOpen; n += 1)
    await desk.start({ from: 1 + (n % 2), to: 5 + Math.floor(n / 2) });
  await refuses(desk.start({ from: 1, to: 5, sinks: ['blob'] }), 'conflict', /10 replays are under way/);
  await desk.cancel(first);
  await desk.start({ from: 1, to: 5 });
});

test('an id that can be none is refused, one that is unknown is not found', async () => {
  const { desk } = await scene(1);
  for (const id of ['', 'latest', '..', '20260301T120102000-0F8C2A6D'])
    await refuses(desk.look(id), 'invalid_request', /^id:/);
  const unknown = '20260301T120102000-0f8c2a6d';
  await refuses(desk.look(unknown), 'not_found', /^id:/);
  await refuses(desk.cancel(unknown), 'not_found', /^id:/);
});

test('cancelling ends a replay for good, may be repeated, and comes too late for one that is done', async () => {
  const { desk, world } = await scene(9);
  world.time += 60 * minute;
  const id = await desk.start({ from: 2 });
  const cancelled = await desk.cancel(id);
  assert.deepEqual([cancelled.state, cancelled.endedAt], ['cancelled', at(60 * minute)]);
  world.time += second;
  assert.deepEqual(await desk.cancel(id), cancelled);
  await world.pull();
  assert.ok(world.taken.get('blob')?.every(({ replay }) => replay === undefined));
  assert.deepEqual(await desk.look(id), cancelled);
  const done = await desk.start({ from: 2 });
  await world.pull();
  await refuses(desk.cancel(done), 'conflict', /it is done/);
  const { host } = new URL('https://feed.dicom.azurehealthcareapis.com');
  assert.deepEqual(
    desk.audited.map(({ action, subject, reason }) => [action, subject, reason]),
    [
      ['feed.replay', `${host}/replays/${id}/1/2-9`, 'a drill'],
      ['feed.cancelReplay', `${host}/replays/${id}/1/2-9`, undefined],
      ['feed.cancelReplay', `${host}/replays/${id}/1/2-9`, undefined],
      ['feed.replay', `${host}/replays/${done}/1/2-9`, 'a drill'],
      ['feed.cancelReplay', `${host}/replays/${done}/1/2-9`, undefined],
    ],
  );
});

test('cancelling is tried again while a run writes, and given up as busy', async () => {
  const { desk, world } = await scene(9);
  const id = await desk.start({ from: 2 });
  let left = 3;
  const store = world.shelf.store();
  const contested: ReplayStore = {
    ...store,
    write: async (replay, etag) => {
      left -= 1;
      if (left >= 0) await store.write({ ...replay, state: 'running' }, etag);
      return store.write(replay, etag);
    },
  };
  assert.equal((await desk.cancel(id, contested)).state, 'cancelled');
  const other = await desk.start({ from: 2 });
  left = feedReplayCancelTries;
  await refuses(desk.cancel(other, contested), 'busy', /Try again/);
  const write: ReplayStore['write'] = () => Promise.reject(new Error('no storage'));
  await assert.rejects(desk.cancel(other, { ...store, write }), /no storage/, 'what is no contest is told');
});

test('cancelled in the middle of a run, no lane begins another range, and the run says nothing more', async () => {
  const { desk, world } = await scene(12_000);
  world.time += 60 * minute;
  const id = await desk.start({ from: 1, sinks: ['blob'] });
  let cancelling: Promise<unknown> | undefined;
  world.onDeliver = () => {
    cancelling ??= desk.cancel(id);
  };
  const before = world.taken.get('blob')?.length ?? 0;
  const lines: string[] = [];
  const note = (event: string): void => void lines.push(event);
  const frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };
  const report = await pullService(world.parts(), frame, { info: note, warn: note, error: note });
  await cancelling;
  assert.deepEqual([report.outcome, lines], ['caught_up', ['feed_pulled']]);
  const taken = (world.taken.get('blob')?.length ?? 0) - before;
  assert.ok(taken <= 2, `${taken} ranges`);
  const { state, lastRun } = await desk.look(id);
  assert.deepEqual([state, lastRun], ['cancelled', undefined]);
});

test('reports show those that are under way and of the others those of the last day; after thirty days they are forgotten', async () => {
  const { desk, world } = await scene(40);
  world.time += 60 * minute;
  const old = await desk.start({ from: 1 });
  await world.pull();
  world.time += feedReplayReportedMs - second;
  assert.equal((await world.pull()).replays.length, 1);
  world.time += 2 * second;
  assert.equal((await world.pull()).replays.length, 0);
  const open = await desk.start({ from: 1 });
  for (let n = 2; n < 28; n += 1) {
    world.time += second;
    await desk.cancel(await desk.start({ from: n }));
  }
  world.down.add('queue');
  const { replays } = await world.pull();
  assert.equal(replays.length, 20);
  assert.deepEqual(
    [replays.at(-1)?.id, replays[0]?.from],
    [open, 27],
    'newest first, none that is open left out',
  );
  assert.equal((await desk.look(old)).state, 'done');
  world.time += feedReplayKeptMs;
  await world.pull();
  await refuses(desk.look(old), 'not_found', /^id:/);
  assert.equal((await desk.look(open)).state, 'running');
});

test('the live cursor has three quarters of the time while there is a replay, and the replay a quarter', async () => {
  const { desk, world } = await scene(400, 2);
  world.time += 60 * minute;
  const id = await desk.start({ from: 1 });
  for (let n = 0; n < 2_000; n += 1) world.change();
  world.time += 60 * minute;
  // Ten pages of two are a range, and each of the two sinks takes a second for one; a run has a minute.
  world.onDeliver = () => {
    world.time += second;
  };
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.delivered], ['budget', (20 * 42) / 2], '45 s but for the reserve');
  const replay = await desk.look(id);
  assert.deepEqual([replay.lastRun?.outcome, replay.delivered], ['budget', (20 * 12) / 2], '15 s');
  await desk.cancel(id);
  const whole = await world.pull();
  assert.equal(whole.outcome, 'caught_up', 'all of it without a replay');
});
