// Seeded histories of a feed with replays beside its live cursor, and a kill at every call of one: what must hold after each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cursorOf } from './feedWorld.ts';
import { ReplayWorld } from './replayWorld.ts';

const second = 1000;
const settle = 60 * second;
/** `REPLAY_HISTORIES=10000` for a long look. */
const numRuns = Number(process.env['REPLAY_HISTORIES'] ?? 300);
const sinks = ['blob', 'queue'] as const;

/** Each does something with a size from 1 to 9; the oftener it is named, the likelier. */
const happenings = {
  change: (world, size) => {
    for (let n = 0; n < size; n += 1) world.change();
  },
  late: (world, size) => void world.change(size * 5 * second),
  veryLate: (world, size) => void world.change(settle + size * 200 * second),
  gap: (world, size) => {
    world.gap(size);
  },
  wait: (world, size) => {
    world.time += size * 53 * second + 77;
  },
  slowSinks: (world, size) => {
    world.onDeliver = () => {
      world.time += size * second;
    };
  },
  pull: (world) => world.pull(),
  crash: (world, size) => world.pull(size),
  laterCrash: (world, size) => world.pull(8 + 3 * size),
  twoAtOnce: (world) => Promise.all([world.pull(), world.pull()]),
  down: (world, size) => void world.down.add(size % 2 ? 'blob' : 'queue'),
  up: (world) => {
    world.down.clear();
  },
  replay: async (world, size) => {
    const { committed } = cursorOf(world);
    if (committed === 0 || (await world.pull()).replays.some(({ state }) => state === 'running')) return;
    const from = 1 + ((size * 7) % committed);
    await world.replay({ from, to: committed, ...(size % 3 ? {} : { sinks: ['queue'] }) }, size);
  },
  secondReplay: async (world, size) => {
    const { committed } = cursorOf(world);
    const to = Math.ceil((committed * size) / 9);
    const twin = world.shelf.all.some(({ replay }) => replay.from === 1 && replay.to === to);
    if (to > 0 && !twin) await world.replay({ from: 1, to }, 1 + (size % 4));
  },
  cancel: async (world, size) => {
    const id = world.started[size % Math.max(1, world.started.length)];
    if (id !== undefined && (await world.desk.look(id)).state === 'running') await world.cancelAndWatch(id);
  },
  cancelInRun: async (world, size) => {
    const id = world.started.at(-1);
    let left = size;
    const slow = world.onDeliver;
    world.onDeliver = () => {
      slow();
      left -= 1;
      if (left === 0 && id !== undefined) world.cancelling = world.desk.cancel(id).catch(() => undefined);
    };
    await world.pull();
    await world.cancelling;
    world.onDeliver = slow;
  },
} as const satisfies Record<string, (world: TroubledWorld, size: number) => unknown>;

class TroubledWorld extends ReplayWorld {
  cancelling: Promise<unknown> = Promise.resolve();
  /** What each cancelled replay had delivered when it was cancelled between two runs. */
  readonly cancelled = new Map<string, number>();

  async cancelAndWatch(id: string): Promise<void> {
    assert.equal((await this.desk.cancel(id)).state, 'cancelled');
    this.cancelled.set(id, this.takenOf(id));
  }

  takenOf(id: string): number {
    return sinks.reduce((sum, sink) => sum + this.batchesOf(sink, id).length, 0);
  }
}

const kind = fc.constantFrom(
  ...(Object.keys(happenings) as (keyof typeof happenings)[]),
  ...(['change', 'change', 'pull', 'pull', 'replay', 'replay', 'cancelInRun', 'wait', 'up'] as const),
);
const history = fc.array(fc.tuple(kind, fc.integer({ min: 1, max: 9 })), { minLength: 8, maxLength: 60 });

test('whatever commits late, crashes, overlaps, goes down or is cancelled: a replay brings its range, in order, and the live cursor all', async () => {
  const ends = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const world = new TroubledWorld({ sinks });
      for (const [what, size] of steps) await happenings[what](world, size);
      await world.recover();
      for (const sink of sinks) world.judgeLive(sink);
      for (const id of world.started) {
        const report = await world.desk.look(id);
        world.judge(id, report);
        ends.set(report.state, (ends.get(report.state) ?? 0) + 1);
      }
      for (const [id, taken] of world.cancelled) assert.equal(world.takenOf(id), taken, 'cancelled is over');
    }),
    { numRuns },
  );
  for (const state of ['done', 'cancelled'])
    assert.ok((ends.get(state) ?? 0) > numRuns / 60, `too few are ${state}: ${[...ends].join(' ')}`);
});

test('wherever the process dies in a replay, the next run goes on and the range arrives once in each slice', async () => {
  let dieAt = 0;
  for (let died = true; died; dieAt += 1) {
    const world = new ReplayWorld({ sinks: ['blob', 'queue', 'webhook'] });
    for (let n = 0; n < 30; n += 1) world.change();
    await world.pull();
    world.time += 3_600 * second;
    const id = await world.replay({ from: 4, to: 29 }, 9);
    const offered = world.offers.length;
    await world.pull(dieAt);
    died = (await world.desk.look(id)).state === 'running';
    await world.recover();
    const report = await world.desk.look(id);
    assert.deepEqual([report.state, report.delivered, report.passed], ['done', 26, 26]);
    world.judge(id, { ...report, sinks: ['blob', 'queue'] });
    const brought = new Set(world.offers.slice(offered).flatMap(({ ids }) => ids));
    for (let sequence = 4; sequence <= 29; sequence += 1) assert.ok(brought.has(`1.${sequence}`));
    for (const sink of sinks) world.judgeLive(sink);
  }
  assert.ok(dieAt > 40, `${dieAt} calls`);
});
