// Long and hard days of the puller, in memory: runs that end early, and what is down for hours.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import { pullService } from '../../src/changeFeed/service.ts';
import { cursorOf, FeedWorld, quiet } from './feedWorld.ts';

const second = 1000;
const minute = 60 * second;
const sinks = ['blob', 'queue', 'webhook'] as const;
const frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };
const ids = (world: FeedWorld): string[] => world.heldBy('blob').map(({ id }) => id);

test('a run whose time is up ends between two ranges, and the next one goes on', async () => {
  const world = new FeedWorld({ pageSize: 1, sinks: ['blob'] });
  for (let n = 0; n < 25; n += 1) world.change();
  let left = 60_000;
  world.onDeliver = () => {
    left -= 30_000;
  };
  const short = { ...frame, remainingMs: () => left };
  const report = await pullService(world.parts(), short, quiet);
  assert.deepEqual([report.outcome, report.cursor], ['budget', 20]);
  left = 60_000;
  assert.equal((await world.pull()).cursor, 25);
});

test('a young hole before pages that are fetched already holds up everything behind it', async () => {
  const world = new FeedWorld({ pageSize: 1 });
  world.change();
  world.change(30 * second);
  for (let n = 0; n < 24; n += 1) world.change();
  const held = await world.pull();
  assert.deepEqual([held.outcome, held.cursor], ['holding_gap', 1]);
  world.time += 30 * second;
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.late], ['caught_up', 0]);
  assert.deepEqual(
    ids(world),
    Array.from({ length: 26 }, (_, n) => `1.${String(n + 1)}`),
  );
});

test('of a recorded range no page is asked for that holds nothing to repeat', async () => {
  const world = new FeedWorld({ pageSize: 100, sinks: ['blob'] });
  world.change();
  world.gap(10_000);
  world.change();
  world.time += 11 * 60 * second;
  assert.equal((await world.pull(3)).outcome, 'failed');
  assert.equal(cursorOf(world).pending?.to, 10_002);
  const before = world.requests;
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.repeated], ['caught_up', 2]);
  assert.ok(world.requests - before < 10, `${String(world.requests - before)} requests`);
});

test('a sink that is down for hours is asked less and less, and the others get nothing twice', async () => {
  for (const down of sinks) {
    const world = new FeedWorld({ sinks });
    for (let n = 0; n < 7; n += 1) world.change();
    world.down.add(down);
    const before = world.requests;
    let tries = 0;
    for (let passed = 0; passed < 240; passed += 1) {
      if (passed % 30 === 0) world.change();
      const report = await world.pull();
      assert.deepEqual([report.outcome, report.cursor], ['sink_down', 0], down);
      if (!/asked again/.test(report.error?.advice ?? '')) tries += 1;
      world.time += minute;
    }
    assert.ok(tries > 40 && tries < 60, `${down}: ${String(tries)} tries, one in five minutes`);
    assert.ok(world.requests - before < 1000);
    world.down.clear();
    world.time += 5 * minute;
    const report = await world.pull();
    assert.deepEqual([report.outcome, report.cursor], ['caught_up', 15]);
    for (const sink of ['blob', 'queue'] as const) {
      const taken = (world.taken.get(sink) ?? []).flatMap(({ events }) => events.map(({ id }) => id));
      assert.deepEqual([taken.length, new Set(taken).size], [15, 15], `${sink} while ${down} was down`);
    }
    const posted = world.offers.filter((offer) => offer.taken).flatMap((offer) => offer.ids);
    assert.deepEqual([posted.length, new Set(posted).size, world.letters.size], [15, 15, 0]);
  }
});

test('a store of metadata that is down for hours costs no change its metadata, and no sink hears of it', async () => {
  const world = new FeedWorld({ metadata: true, pageSize: 10, sinks });
  for (let n = 0; n < 40; n += 1) world.change();
  await world.pull();
  world.storeDown = true;
  for (let passed = 0; passed < 240; passed += 1) {
    if (passed % 10 === 0) world.change();
    const before = world.requests;
    const report = await world.pull();
    assert.deepEqual([report.outcome, report.cursor], ['upstream_failed', 40]);
    assert.ok(world.requests - before < 100, 'the service is not worn out');
    world.time += minute;
  }
  world.storeDown = false;
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.cursor, report.fallbacks], ['caught_up', 64, 0]);
  const data = (world.taken.get('queue') ?? []).flatMap(({ events }) => events.map((event) => event.data));
  assert.equal(data.length, 64);
  assert.ok(data.every(({ metadata, metadataError }) => metadata && !metadataError));
});

test('a service that throttles requests for metadata makes no change suspicious', async () => {
  const world = new FeedWorld({ metadata: true });
  for (let n = 0; n < 6; n += 1) world.change();
  world.onPage = (_, metadata) => {
    if (metadata) throw new FeedStop('throttled', 'HTTP 429', { advice: '' });
  };
  for (let run = 0; run < 3; run += 1) assert.equal((await world.pull()).outcome, 'throttled');
  assert.deepEqual(cursorOf(world).reading.suspects, []);
  world.onPage = () => undefined;
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.fallbacks], ['caught_up', 0]);
});

test('the last change that could be read does not vouch for the store once it is deleted', async () => {
  const world = new FeedWorld({ metadata: true, sinks: ['blob'] });
  const witness = world.change();
  await world.pull();
  world.storeDown = true;
  world.deleted.add(witness);
  world.change();
  for (let run = 0; run < 3; run += 1) {
    const report = await world.pull();
    assert.deepEqual([report.outcome, report.cursor], ['upstream_failed', 1]);
  }
  assert.deepEqual(cursorOf(world).reading.suspects, []);
});

test('a range ends when its pages are large, and where a jump of the numbers is wider than a scan', async () => {
  const world = new FeedWorld({ pageSize: 1, sinks: ['blob'] });
  for (let n = 0; n < 6; n += 1) world.change();
  const parts = world.parts();
  const large: typeof parts.reader.page = async (...asked) => ({
    ...(await parts.reader.page(...asked)),
    bytes: 5 * 1024 * 1024,
  });
  const answer: typeof parts.reader.answer = async (...asked) => {
    const page = await large(...asked);
    return { bytes: page.bytes, page: () => page };
  };
  const reader = { ...parts.reader, page: large, answer };
  assert.equal((await pullService({ ...parts, reader }, frame, quiet)).cursor, 6);
  assert.deepEqual(
    world.taken.get('blob')?.map(({ events }) => events.length),
    [2, 2, 2],
  );
  const wide = new FeedWorld({ pageSize: 100, sinks: ['blob'] });
  wide.change();
  wide.gap(40_000);
  wide.change();
  wide.time += 11 * minute;
  assert.equal((await wide.pull()).cursor, 40_002);
  assert.equal(wide.writes, 4, 'three ranges, the last two of which are one scan and its rest');
});

test('the pause that a sink asks for is kept, no longer than five minutes, nor past a clock that was set back', async () => {
  const world = new FeedWorld({ sinks: ['webhook'] });
  world.change();
  world.down.add('webhook');
  const asked = async (ms: number): Promise<boolean> => {
    world.time += ms;
    const before = world.offers.length;
    await world.pull();
    return world.offers.length > before;
  };
  world.webhookPause = 200;
  assert.deepEqual([await asked(0), await asked(199 * second), await asked(second)], [true, false, true]);
  world.webhookPause = 86_400;
  assert.deepEqual([await asked(200 * second), await asked(299 * second)], [true, false]);
  assert.equal(await asked(second), true);
  const parts = world.parts();
  const setBack = { ...parts, clock: { ...parts.clock, now: () => world.time - 100 * minute } };
  const before = world.offers.length;
  await pullService(setBack, frame, quiet);
  assert.equal(world.offers.length, before + 1);
});

test('failures of a sink that is configured no more are not counted for another', async () => {
  const world = new FeedWorld({ sinks: ['blob', 'queue'] });
  world.change();
  world.down.add('queue');
  for (let run = 0; run < 2; run += 1) assert.equal((await world.pull()).outcome, 'sink_down');
  world.down.add('blob');
  world.change();
  const parts = world.parts();
  const sinks = parts.sinks.filter(({ name }) => name === 'blob');
  const pending = cursorOf(world).pending;
  assert.deepEqual(pending?.accepted, ['blob']);
  await pullService({ ...parts, sinks }, frame, quiet);
  const why = 'The blob sink did not take a range.';
  assert.deepEqual(cursorOf(world).failure, { sink: 'blob', count: 1, notBefore: world.time, why });
});

test('what comes before a page that fails is delivered', async () => {
  const world = new FeedWorld({ pageSize: 3 });
  for (let n = 0; n < 9; n += 1) world.change();
  world.onPage = ({ from }) => {
    if (from > 6) throw new FeedStop('upstream_failed', 'HTTP 500', { advice: '' });
  };
  const report = await world.pull();
  assert.deepEqual([report.outcome, report.cursor], ['upstream_failed', 6]);
});

test('a lease that is lost is not told as a failure of the sink', async () => {
  const world = new FeedWorld({ sinks: ['blob'] });
  world.change();
  const told: unknown[] = [];
  const log = { ...quiet, warn: (_: string, fields: unknown) => void told.push(fields) };
  const sink = {
    name: 'blob',
    deliver: () => Promise.reject(new FeedStop('lost_lease', 'taken over', { advice: '' })),
  } as const;
  const report = await pullService({ ...world.parts(), sinks: [sink] }, frame, log);
  assert.equal(report.outcome, 'lost_lease');
  assert.doesNotMatch(JSON.stringify(told), /sink_down/);
});
