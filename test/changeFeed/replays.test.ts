// Replays beside the live cursor, against a feed, stores and sinks in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cursorOf, FeedWorld } from './feedWorld.ts';
import { ReplayDesk } from './replayDesk.ts';
import { hour, replayed, settled, upTo } from './replayWorld.ts';

const second = 1000;

test('a replay delivers its range again to every sink with the ids of the first time, and the live cursor stays', async () => {
  const world = await settled(50);
  const desk = new ReplayDesk(world);
  const before = cursorOf(world);
  const id = await desk.start({ from: 11, to: 30 });
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.delivered], ['caught_up', 0]);
  for (const sink of ['blob', 'queue'] as const) assert.deepEqual(replayed(world, id, sink), upTo(11, 30));
  const ids = world.taken
    .get('blob')
    ?.flatMap(({ events, replay }) => (replay ? events : []).map((one) => one.id));
  assert.equal(ids?.[0], '1.11');
  const { anchor, committed } = cursorOf(world);
  assert.deepEqual([anchor, committed], [before.anchor, before.committed]);
  const [shown] = report.replays;
  assert.deepEqual([shown?.state, shown?.passed, shown?.total, shown?.delivered], ['done', 20, 20, 20]);
  assert.deepEqual(shown, await desk.look(id));
  assert.deepEqual([shown.lastRun?.outcome, shown.lastRun?.error], ['caught_up', undefined]);
  await world.pull();
  assert.deepEqual(replayed(world, id), upTo(11, 30), 'and never again');
});

test('without an end it goes to where the cursor stands, and only to the sinks that are named', async () => {
  const world = await settled(9);
  world.change();
  const id = await new ReplayDesk(world).start({ from: 8, sinks: ['queue'] });
  await world.pull();
  assert.deepEqual(replayed(world, id, 'queue'), [8, 9]);
  assert.deepEqual(replayed(world, id, 'blob'), []);
});

test('a wide range is cut into slices, two under way at a time, each in order', async () => {
  const [slices, slice] = [5, 30];
  const last = slices * slice + 1;
  const world = await settled(last, { pageSize: 2 });
  let open = 0;
  world.onPage = () => {
    open = Math.max(open, world.shelf.all[0]?.replay.lanes.length ?? 0);
  };
  const id = await world.replay({ from: 1, to: last }, slice);
  const [shown] = (await world.pull()).replays;
  assert.deepEqual([shown?.state, shown?.delivered], ['done', last], 'the last slice has one change');
  assert.equal(open, 2);
  const sequences = replayed(world, id);
  assert.equal(new Set(sequences).size, last);
  for (let first = 1; first <= last; first += slice) {
    const end = Math.min(last, first + slice - 1);
    const mine = sequences.filter((sequence) => first <= sequence && sequence <= end);
    assert.deepEqual(mine, upTo(first, end));
  }
  assert.notDeepEqual(sequences, upTo(1, sequences.length), 'the lanes take turns');
});

test('a hole is passed for what its neighbour says only, however long the replay has seen it', async () => {
  const world = new FeedWorld({ pageSize: 3 });
  world.change();
  world.gap(1);
  world.change();
  await world.pull();
  world.time += 62 * second;
  await world.pull();
  assert.equal(cursorOf(world).committed, 3, 'the live cursor has crossed it for its age');
  const desk = new ReplayDesk(world);
  const id = await desk.start({ from: 1 });
  await world.pull();
  world.time += 8 * 60 * second;
  assert.equal((await world.pull()).replays[0]?.lastRun?.outcome, 'holding_gap');
  assert.deepEqual(replayed(world, id), [1]);
  world.time += 2 * 60 * second;
  assert.equal((await world.pull()).replays[0]?.state, 'done');
  assert.deepEqual(replayed(world, id), [1, 3]);
});

test('a hole at the end of the range is judged by the next entry, though the newest is always young', async () => {
  const world = new FeedWorld({ pageSize: 3 });
  world.change();
  world.gap(200);
  world.change();
  world.change();
  await world.pull();
  world.time += hour;
  world.change();
  await world.pull();
  assert.equal(cursorOf(world).committed, 204);
  const id = await new ReplayDesk(world).start({ from: 1, to: 150 });
  world.change();
  assert.equal((await world.pull()).replays[0]?.state, 'done');
  assert.deepEqual(replayed(world, id), [1]);
});

test('what commits late in a replayed range comes by the live cursor, late', async () => {
  const world = new FeedWorld({ pageSize: 3 });
  world.change();
  const late = world.change(2 * hour);
  world.change();
  await world.pull();
  world.time += hour;
  await world.pull();
  const id = await new ReplayDesk(world).start({ from: 1 });
  assert.equal((await world.pull()).replays[0]?.state, 'done');
  world.time += 2 * hour;
  assert.equal((await world.pull()).late, 1);
  assert.deepEqual(replayed(world, id), [1, 3]);
  assert.ok(world.heldBy('blob').some((held) => held.late && held.id === `1.${late}`));
});

test('a replay whose sink is down fails alone: the live run is well, and another replay goes on', async () => {
  const world = await settled(20);
  const desk = new ReplayDesk(world);
  const failing = await desk.start({ from: 1, to: 5 });
  world.time += second;
  const fine = await desk.start({ from: 1, to: 5, sinks: ['blob'] });
  world.down.add('queue');
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.error], ['caught_up', undefined]);
  const shown = new Map(report.replays.map((replay) => [replay.id, replay]));
  assert.deepEqual([...shown.keys()], [fine, failing], 'newest first');
  assert.equal(shown.get(fine)?.state, 'done');
  const { state, lastRun, passed } = shown.get(failing) ?? assert.fail();
  assert.deepEqual([state, lastRun?.outcome, passed], ['running', 'sink_down', 0]);
  assert.match(lastRun?.error?.message ?? '', /queue sink did not take/);
  world.down.clear();
  await world.pull();
  assert.deepEqual(replayed(world, failing, 'blob'), upTo(1, 5), 'the blob sink kept what it took');
  assert.deepEqual(replayed(world, failing, 'queue'), upTo(1, 5));
});

test('while the live run is not well, and once the feed has another epoch, a replay is not worked on', async () => {
  const world = await settled(5);
  const desk = new ReplayDesk(world);
  const id = await desk.start({ from: 1 });
  world.rows.length = 0;
  assert.equal((await world.pull()).outcome, 'feed_reset');
  assert.deepEqual([(await desk.look(id)).lastRun, replayed(world, id)], [undefined, []]);
  world.last = 0;
  for (let n = 0; n < 5; n += 1) world.change();
  world.stored = { cursor: { ...cursorOf(world), epoch: 2, committed: 5, anchor: null }, report: null };
  world.time += hour;
  const again = await desk.start({ from: 1 });
  assert.equal((await world.pull()).outcome, 'caught_up');
  const { state, lastRun, endedAt } = await desk.look(id);
  assert.deepEqual([state, lastRun?.outcome, endedAt !== undefined], ['failed', 'feed_reset', true]);
  assert.match(lastRun?.error?.advice ?? '', /another replay/);
  assert.deepEqual(replayed(world, id), []);
  assert.deepEqual(replayed(world, again), upTo(1, 5), 'the same range of the feed as it is now is no twin');
  assert.equal(world.batchesOf('blob', again)[0]?.events[0]?.id, '2.1');
});

test('a sink that is not configured any more stops the replay and says which setting', async () => {
  const world = await settled(5);
  const desk = new ReplayDesk(world);
  const id = await desk.start({ from: 1 });
  const stored = world.shelf.all[0] ?? assert.fail();
  const webhook = { ...stored.replay, sinks: ['webhook', 'blob'] as const };
  await world.shelf.store().write(webhook, stored.etag);
  await world.pull();
  const { state, lastRun } = await desk.look(id);
  assert.deepEqual([state, lastRun?.outcome], ['running', 'misconfigured']);
  assert.match(lastRun?.error?.advice ?? '', /CHANGE_FEED_SINKS/);
});

test('while a sink of the live cursor is down, a replay to others goes on, and one to it waits and says so', async () => {
  const world = await settled(9);
  const desk = new ReplayDesk(world);
  const waiting = await desk.start({ from: 1 });
  const other = await desk.start({ from: 1, sinks: ['blob'] });
  world.down.add('queue');
  world.change();
  for (let runs = 0; runs < 4; runs += 1) assert.equal((await world.pull()).outcome, 'sink_down');
  const { state, lastRun, passed } = await desk.look(waiting);
  assert.deepEqual([state, lastRun?.outcome, passed], ['running', 'sink_down', 0]);
  assert.match(lastRun?.error?.message ?? '', /waits for the live cursor, whose queue sink/);
  assert.deepEqual([replayed(world, waiting), replayed(world, other)], [[], upTo(1, 9)]);
  assert.equal((await desk.look(other)).state, 'done');
  world.down.clear();
  world.time += hour;
  await world.pull();
  assert.deepEqual(
    [(await desk.look(waiting)).state, replayed(world, waiting, 'queue')],
    ['done', upTo(1, 9)],
  );
});
