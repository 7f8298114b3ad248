// What a refusal means: which change it is about, when it is buried, and when it is the receiver that is broken.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toEvent, type CloudEvent } from '../../src/changeFeed/events.ts';
import { offerBatch, type Progress } from '../../src/changeFeed/offering.ts';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import { pullService } from '../../src/changeFeed/service.ts';
import type { Batch, RequestSink } from '../../src/changeFeed/sink.ts';
import { feedRefusalsInARow, feedReserveMs } from '../../src/platform/limits.ts';
import { entryOf, FeedWorld, quiet, service, startTime } from './feedWorld.ts';

const { signal } = new AbortController();

interface Scene {
  /** Each request, its changes by number, with a `-` before those that were refused. */
  readonly requests: string[];
  readonly buried: number[];
  readonly noted: Progress[];
}

interface Options {
  readonly refused?: readonly number[];
  readonly size?: number;
  readonly progress?: Progress;
  readonly remainingMs?: () => number;
  readonly guard?: () => void;
  readonly happens?: (what: string) => void;
}

function batchOf(count: number): Batch {
  const frame = { service, epoch: 1, late: false, metadata: { kind: 'none' } } as const;
  const events = Array.from({ length: count }, (_, n) => toEvent(entryOf(n + 1, startTime), frame));
  return { host: 'h', epoch: 1, from: 1, to: count, late: false, events };
}

async function offered(count: number, options: Options = {}): Promise<Scene & { readonly error: unknown }> {
  const { refused = [], size = 4, progress = { through: 0, refusals: 0 } } = options;
  const { remainingMs = () => 60_000, guard = () => undefined, happens = () => undefined } = options;
  const scene: Scene = { requests: [], buried: [], noted: [] };
  const numbers = (events: readonly CloudEvent[]): number[] => events.map(({ data }) => data.sequenceNumber);
  const sink: RequestSink = {
    name: 'webhook',
    portions: (events) =>
      Array.from({ length: Math.ceil(events.length / size) }, (_, n) =>
        events.slice(n * size, (n + 1) * size),
      ),
    offer: async (events) => {
      const bad = numbers(events).some((number) => refused.includes(number));
      const shown = `${bad ? '-' : ''}${numbers(events).join(' ')}`;
      happens(shown);
      scene.requests.push(shown);
      return bad ? { kind: 'refused', status: 422 } : { kind: 'taken' };
    },
  };
  const error: unknown = await offerBatch(sink, batchOf(count), {
    ...{ signal, guard, remainingMs, progress },
    note: (one) => scene.noted.push(one),
    bury: async ({ event, status }) => {
      assert.equal(status, 422);
      happens(`bury ${event.data.sequenceNumber}`);
      scene.buried.push(event.data.sequenceNumber);
    },
  }).catch((thrown: unknown) => thrown);
  return { ...scene, error };
}

const rangeOf = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

test('a refused batch is halved until the one change is found, in order, and the others are taken', async () => {
  const { requests, buried, noted, error } = await offered(8, { refused: [3] });
  assert.equal(error, undefined);
  assert.deepEqual(requests, ['-1 2 3 4', '1 2', '-3 4', '-3', '4', '5 6 7 8']);
  assert.deepEqual(buried, [3]);
  assert.deepEqual(noted.at(-1), { through: 8, refusals: 0 });
});

test('a refusal is buried once something after it is taken, before that is noted, or at the end', async () => {
  const order: string[] = [];
  await offered(4, { refused: [1, 4], size: 1, happens: (what) => order.push(what) });
  assert.deepEqual(order, ['-1', '2', 'bury 1', '3', '-4', 'bury 4']);
});

test('more than ten refusals in a row are a broken receiver, and none of that row is buried', async () => {
  const all = rangeOf(1, 40);
  for (const size of [1, 16]) {
    const { buried, noted, requests, error } = await offered(40, { refused: all, size });
    assert.ok(error instanceof FeedStop && error.outcome === 'sink_down', String(error));
    assert.deepEqual([buried, noted], [[], []]);
    assert.equal(requests.filter((one) => /^-\d+$/.test(one)).length, feedRefusalsInARow + 1);
  }
  const some = await offered(40, { refused: rangeOf(6, 15), size: 1 });
  assert.equal(some.error, undefined);
  assert.deepEqual(some.buried, rangeOf(6, 15));
});

test('a row goes on over short ranges, and ends with anything that is taken', async () => {
  const before = { through: 0, refusals: feedRefusalsInARow - 1 };
  const last = await offered(1, { refused: [1], progress: before });
  assert.deepEqual([last.buried, last.noted.at(-1)], [[1], { through: 1, refusals: feedRefusalsInARow }]);
  const beyond = await offered(1, { refused: [1], progress: { through: 0, refusals: feedRefusalsInARow } });
  assert.ok(beyond.error instanceof FeedStop);
  assert.deepEqual([beyond.buried, beyond.noted], [[], []]);
  const taken = await offered(2, {
    refused: [2],
    size: 1,
    progress: { through: 0, refusals: feedRefusalsInARow },
  });
  assert.deepEqual(taken.noted.at(-1), { through: 2, refusals: 1 });
});

test('what was taken of a range before is not sent again, and time that is up ends it between two requests', async () => {
  const rest = await offered(6, { size: 2, progress: { through: 4, refusals: 0 } });
  assert.deepEqual(rest.requests, ['5 6']);
  let left = feedReserveMs + 2;
  const { requests, noted, error } = await offered(6, { size: 2, remainingMs: () => (left -= 1) });
  assert.ok(error instanceof FeedStop);
  assert.deepEqual([error.outcome, error.code], ['budget', 'upstream_timeout']);
  assert.deepEqual([requests, noted.at(-1)?.through], [['1 2', '3 4'], 4]);
});

test('nothing is buried once the guard refuses', async () => {
  const guard = (): void => {
    throw new Error('the lease is gone');
  };
  const { buried, noted, error } = await offered(2, { refused: [1], size: 1, guard });
  assert.match(String(error), /lease is gone/);
  assert.deepEqual([buried, noted], [[], []]);
});

test('wherever the process dies: every change is with the webhook or a dead letter, once in each, in order', async () => {
  const settled = (world: FeedWorld): string[] =>
    world.offers.filter(({ taken }) => taken).flatMap(({ ids }) => ids);
  for (let dieAt = 0; dieAt < 60; dieAt += 1) {
    const world = new FeedWorld({ sinks: ['blob', 'webhook'], pageSize: 4 });
    for (let n = 0; n < 12; n += 1) world.change();
    for (const sequence of [2, 3, 12]) world.refused.add(sequence);
    await world.pull(dieAt);
    const early = [...world.letters.keys()];
    const report = await world.pull();
    assert.deepEqual(
      [report.outcome, report.cursor, report.deadLetters],
      ['caught_up', 12, 3],
      `died at ${dieAt}`,
    );
    assert.deepEqual(
      [...world.letters.keys()].map((key) => Number(key.slice(-2))),
      [2, 3, 12],
    );
    assert.ok(early.every((key) => world.letters.has(key)));
    const taken = settled(world);
    assert.deepEqual(
      [...new Set(taken)].map((id) => Number(id.slice(2))),
      [1, 4, 5, 6, 7, 8, 9, 10, 11],
    );
    assert.deepEqual(
      world.heldBy('blob').map(({ id }) => Number(id.slice(2))),
      rangeOf(1, 12),
    );
  }
});

test('a webhook that is down for hours holds the cursor, and the other sinks get nothing twice', async () => {
  const world = new FeedWorld({ sinks: ['blob', 'webhook'] });
  for (let n = 0; n < 9; n += 1) world.change();
  world.down.add('webhook');
  for (let minute = 0; minute < 240; minute += 1) {
    await world.pull();
    world.time += 60_000;
  }
  assert.equal(world.stored?.cursor.committed, 0);
  assert.equal(world.taken.get('blob')?.length, 1);
  assert.deepEqual([...world.letters], []);
  assert.ok(world.offers.length < 70, 'the pauses grow');
  world.down.clear();
  world.time += 600_000;
  assert.equal((await world.pull()).cursor, 9);
  assert.deepEqual(world.offers.filter(({ taken }) => taken).flatMap(({ ids }) => ids).length, 9);
});

test('a receiver that refuses the one change of each run is broken after ten of them', async () => {
  const world = new FeedWorld({ sinks: ['webhook'] });
  for (let n = 0; n < 15; n += 1) {
    world.refused.add(world.change());
    await world.pull();
    world.time += 600_000;
  }
  assert.deepEqual([world.letters.size, world.stored?.cursor.committed], [10, 10]);
  world.refused.clear();
  assert.equal((await world.pull()).cursor, 15);
});

test('a run that ends in the middle of a range goes on behind what the webhook has taken of it', async () => {
  const world = new FeedWorld({ sinks: ['webhook'], pageSize: 10 });
  for (let n = 0; n < 9; n += 1) world.change();
  world.webhookTakes = 2;
  assert.equal((await world.pull()).outcome, 'sink_down');
  world.webhookTakes = Number.POSITIVE_INFINITY;
  world.time += 60_000;
  assert.equal((await world.pull()).cursor, 9);
  const taken = world.offers.filter((one) => one.taken).flatMap(({ ids }) => ids);
  assert.deepEqual(taken.length, 9);
});

test('a range that takes the time of several runs is no failure of the webhook', async () => {
  const world = new FeedWorld({ sinks: ['webhook'], pageSize: 10 });
  for (let n = 0; n < 10; n += 1) world.change();
  const { signal: never } = new AbortController();
  for (let run = 1; run <= 4; run += 1) {
    const asked = world.offers.length;
    const remainingMs = (): number => (world.offers.length > asked ? 0 : 60_000);
    const report = await pullService(world.parts(), { signal: never, remainingMs }, quiet);
    assert.deepEqual([report.outcome, world.offers.length], ['budget', run]);
  }
  assert.equal((await world.pull()).cursor, 10);
});
