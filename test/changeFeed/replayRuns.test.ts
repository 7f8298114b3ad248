// How a run divides its time and its requests among the live cursor and the replays, and what it says of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangeFeedReader } from '../../src/changeFeed/dicomChangeFeed.ts';
import { ended } from '../../src/changeFeed/replay.ts';
import { recentReplays } from '../../src/changeFeed/replays.ts';
import type { ReplayStore } from '../../src/changeFeed/replayStore.ts';
import { pullService } from '../../src/changeFeed/service.ts';
import type { Sink } from '../../src/changeFeed/sink.ts';
import { AppError } from '../../src/platform/errors.ts';
import { feedReplaysReported, feedScanPages, feedSinkPauseMs } from '../../src/platform/limits.ts';
import type { Log } from '../../src/platform/log.ts';
import { cursorOf, FeedWorld, quiet, service } from './feedWorld.ts';
import { ReplayDesk } from './replayDesk.ts';
import { fullReplay, ReplayShelf } from './replayShelf.ts';
import { hour, replayed, settled, upTo, type ReplayWorld } from './replayWorld.ts';

const second = 1000;
const frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };

/** One run, with this instead of what the parts have; answers what it logs about replays and stops. */
async function linesOf(world: FeedWorld, instead: { replays?: ReplayStore; sinks?: readonly Sink[] }) {
  const lines: string[] = [];
  const note: (level: string) => Log['info'] = (level) => (event, fields) => {
    if (event !== 'feed_pulled') lines.push(`${level} ${event} ${String(fields?.['outcome'])}`);
  };
  const log: Log = { info: note('info'), warn: note('warn'), error: note('error') };
  await pullService({ ...world.parts(), ...instead }, frame, log);
  return lines;
}

/** A store that does something before a write that tells how the run ended. */
function storeBefore(world: ReplayWorld, lastWord: () => Promise<unknown>): ReplayStore {
  const store = world.shelf.store();
  return {
    ...store,
    write: async (replay, etag) => {
      if (replay.lastRun) await lastWord();
      return store.write(replay, etag);
    },
  };
}

test('a replay that cannot be written to in the end is told as an error, one that is cancelled then not at all', async () => {
  const world = await settled(5);
  const id = await world.desk.start({ from: 1 });
  const failing = storeBefore(world, () => Promise.reject(new Error('no storage')));
  assert.deepEqual(await linesOf(world, { replays: failing }), [
    'warn feed_stopped failed',
    'error feed_replayed failed',
  ]);
  const cancelling = storeBefore(world, () => world.desk.cancel(id));
  assert.deepEqual(await linesOf(world, { replays: cancelling }), []);
  assert.equal((await world.desk.look(id)).state, 'cancelled');
  await world.desk.start({ from: 1 });
  assert.deepEqual(await linesOf(world, {}), ['info feed_replayed caught_up']);
});

test('a write that fails stops its lane, not those of the other', async () => {
  const world = await settled(60, { pageSize: 2 });
  const id = await world.replay({ from: 1, to: 60 }, 20);
  const store = world.shelf.store();
  let writes = 0;
  const write: ReplayStore['write'] = (replay, etag) => {
    writes += 1;
    return writes === 1 ? Promise.reject(new Error('no storage')) : store.write(replay, etag);
  };
  await linesOf(world, { replays: { ...store, write } });
  assert.deepEqual(replayed(world, id), upTo(1, 60));
  assert.equal((await world.desk.look(id)).lastRun?.outcome, 'failed');
});

test('of two lanes that fail the first one is told', async () => {
  const world = await settled(60, { pageSize: 2 });
  const id = await world.replay({ from: 1, to: 60, sinks: ['blob'] }, 30);
  world.onPage = ({ from }) => {
    if (from === 1) throw new Error('a page that fails');
  };
  world.onDeliver = () => {
    world.down.add('blob');
  };
  await world.pull();
  assert.equal((await world.desk.look(id)).lastRun?.outcome, 'failed');
});

test('a sink that failed three times is left alone for its pause, from run to run', async () => {
  const world = await settled(5);
  const id = await world.desk.start({ from: 1, sinks: ['blob'] });
  world.down.add('blob');
  for (let run = 0; run < 3; run += 1) await world.pull();
  world.down.clear();
  await world.pull();
  assert.match((await world.desk.look(id)).lastRun?.error?.message ?? '', /failed 3 times in a row/);
  world.time += feedSinkPauseMs;
  await world.pull();
  assert.equal((await world.desk.look(id)).state, 'done');
});

test('a lane asks no more in its next slice than the service could answer in the last one', async () => {
  const world = await settled(500, { metadata: true });
  await world.replay({ from: 1, to: 500 }, 100);
  const lengths = new Map<number, number>();
  world.onPage = ({ from, to }, metadata) => {
    if (!metadata) return;
    const slice = Math.ceil(from / 100);
    lengths.set(slice, Math.max(lengths.get(slice) ?? 0, to - from + 1));
    if (to - from >= 80) throw new AppError('upstream_timeout', 'too slow');
  };
  assert.equal((await world.pull()).replays[0]?.state, 'done');
  assert.deepEqual([lengths.get(1), lengths.get(2)], [100, 100]);
  for (const slice of [3, 4, 5]) assert.ok((lengths.get(slice) ?? 100) < 60, `slice ${slice}`);
});

test('behind a slice no more is asked for than a jump of the numbers needs, and nothing behind the newest change', async () => {
  const pageSize = 100;
  const world = new FeedWorld({ pageSize, auditMs: second });
  for (let n = 0; n < 9; n += 1) world.change();
  world.gap((feedScanPages + 5) * pageSize);
  world.change();
  // What the live cursor has crossed is watched no more, so that all requests are those of the replay.
  do {
    await world.pull();
    world.time += hour;
  } while (cursorOf(world).committed < world.last || cursorOf(world).crossed.length > 0);
  const desk = new ReplayDesk(world);
  const askedBehind = async (to: number): Promise<number> => {
    await desk.start({ from: 1, to });
    let asked = 0;
    world.onPage = (range) => {
      // The newest change is also read for itself, to know the feed by it.
      if (range.from >= to && range.from !== range.to) asked += 1;
    };
    assert.equal((await world.pull()).replays[0]?.state, 'done');
    return asked;
  };
  assert.equal(await askedBehind(world.last), 0);
  assert.equal(await askedBehind(12), feedScanPages);
});

test('a replay goes on while the live cursor waits for a hole to come of age', async () => {
  const world = await settled(5);
  const id = await world.desk.start({ from: 1 });
  world.gap(1);
  world.change();
  assert.equal((await world.pull()).outcome, 'holding_gap');
  assert.equal((await world.desk.look(id)).state, 'done');
});

test('a live cursor that takes longer than its part leaves less to the replays', async () => {
  const world = await settled(5);
  const id = await world.desk.start({ from: 1 });
  world.change();
  world.onDeliver = () => {
    world.time += 28 * second;
  };
  const end = world.time + 60 * second;
  const remainingMs = (): number => end - world.time;
  await pullService(world.parts(), { ...frame, remainingMs }, quiet);
  const { lastRun } = await world.desk.look(id);
  assert.deepEqual([lastRun, replayed(world, id)], [undefined, []]);
});

test('a request has a third of the time of the live cursor, or of the replays', async () => {
  const world = await settled(5);
  await world.desk.start({ from: 1 });
  const parts = world.parts();
  const asked: (number | undefined)[] = [];
  const latest: ChangeFeedReader['latest'] = (part) => {
    asked.push(part.requestMs);
    return parts.reader.latest(part);
  };
  await pullService({ ...parts, reader: { ...parts.reader, latest } }, frame, quiet);
  assert.deepEqual(asked, [15 * second, 5 * second]);
});

test('where more replays run than a report has room for, it shows these and none that ended', async () => {
  const replay = fullReplay(service);
  const over = ended(replay, 'done', replay.startedAt);
  const many = Array.from({ length: feedReplaysReported + 1 }, () => replay);
  const readable = [over, over, over, ...many].map((one) => ({ replay: one, etag: '' }));
  const store = { ...new ReplayShelf().store(), list: async () => ({ readable, unreadable: [] }) };
  const { replays } = await recentReplays(store, Date.parse(replay.startedAt));
  assert.deepEqual([replays.length, replays.some(({ state }) => state === 'done')], [many.length, false]);
});
