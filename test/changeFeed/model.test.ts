// A seeded model of the whole pull: random histories of the feed, the process, the service and the sinks, and what must hold after each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cursorOf, FeedWorld } from './feedWorld.ts';

const second = 1000;
const settle = 60 * second;
/** `FEED_HISTORIES=10000` for a long look. */
const numRuns = Number(process.env['FEED_HISTORIES'] ?? 600);
const sinks = ['blob', 'queue'] as const;

/** Each does something with a size from 1 to 9; the oftener it is named, the likelier. */
const happenings = {
  change: (world, size) => {
    for (let n = 0; n < size; n += 1) world.change();
  },
  late: (world, size) => void world.change(size * 5 * second),
  veryLate: (world, size) => void world.change(settle + size * 100 * second),
  gap: (world, size) => {
    world.gap(size);
  },
  wait: (world, size) => {
    world.time += size * 13 * second + 77;
  },
  delete: (world, size) => void world.deleted.add(Math.max(1, world.last - size)),
  poison: (world, size) => {
    const sequence = Math.max(1, world.last - size + 3);
    world.poisoned.add(sequence);
    world.everPoisoned.add(sequence);
  },
  heal: (world) => {
    world.poisoned.clear();
  },
  storeDown: (world, size) => {
    world.answers = size - 1;
  },
  storeUp: (world) => {
    world.answers = Infinity;
  },
  slowService: (world, size) => {
    world.longestPage = size;
  },
  fastService: (world) => {
    world.longestPage = 100;
  },
  slowSinks: (world, size) => {
    world.onDeliver = () => {
      world.time += size * 7 * second;
    };
  },
  pull: (world) => world.pull(),
  crash: (world, size) => world.pull(size),
  twoAtOnce: (world) => Promise.all([world.pull(), world.pull()]),
  down: (world, size) => void world.down.add(size % 2 ? 'blob' : 'queue'),
  up: (world) => {
    world.down.clear();
  },
} as const satisfies Record<string, (world: TroubledWorld, size: number) => unknown>;

class TroubledWorld extends FeedWorld {
  readonly everPoisoned = new Set<number>();
  /** Pages with metadata that are answered before the store of metadata goes down. */
  answers = Infinity;

  constructor(pageSize: number) {
    super({ pageSize, metadata: true, sinks });
    this.onPage = (_, metadata) => {
      this.storeDown = this.answers <= 0;
      if (metadata) this.answers -= 1;
    };
  }

  /** Everything works again, except what is broken for good; new changes come in. */
  async recover(): Promise<void> {
    this.down.clear();
    this.answers = Infinity;
    this.longestPage = 100;
    this.onDeliver = () => undefined;
    happenings.change(this, 5);
    for (let n = 0; n < 100 && !this.isDone(n); n += 1) {
      this.time += 20 * 60 * second;
      await this.pull();
    }
  }

  /** Every hole has been watched to its end by then. */
  isDone(pulls: number): boolean {
    const { committed, crossed, pending } = cursorOf(this);
    return pulls >= 6 && committed === this.last && crossed.length === 0 && pending === null;
  }
}

const kind = fc.constantFrom(
  ...(Object.keys(happenings) as (keyof typeof happenings)[]),
  ...(['change', 'pull', 'pull', 'pull', 'up', 'storeUp'] as const),
);
const history = fc.array(fc.tuple(kind, fc.integer({ min: 1, max: 9 })), { minLength: 5, maxLength: 60 });

test('whatever commits late, is skipped, deleted, unreadable, slow, crashes, overlaps or goes down: every change arrives, in order, with equal ids', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.integer({ min: 1, max: 5 }), async (steps, pageSize) => {
      const world = new TroubledWorld(pageSize);
      for (const [what, size] of steps) await happenings[what](world, size);
      await world.recover();
      assert.ok(world.isDone(6), 'nothing holds it up for good');
      for (const sink of sinks) judge(world, sink);
    }),
    { numRuns },
  );
});

function judge(world: TroubledWorld, sink: (typeof sinks)[number]): void {
  const all = world.rows.map(({ entry }) => `1.${entry.sequence}`);
  const held = world.heldBy(sink);
  assert.deepEqual([...new Set(held.map(({ id }) => id))].sort(), [...all].sort(), 'nothing lost');
  assert.equal(held.length, all.length, 'nothing twice in create-once blobs');
  const live = held.filter(({ late }) => !late).map(({ id }) => Number(id.slice(2)));
  assert.deepEqual(
    live,
    [...live].sort((left, right) => left - right),
    'in order',
  );
  const prompt = world.rows
    .filter(({ entry, visibleFrom }) => visibleFrom - Date.parse(entry.timestamp) < settle)
    .map(({ entry }) => `1.${entry.sequence}`);
  const late = held.filter((one) => one.late).map(({ id }) => id);
  assert.deepEqual(
    late.filter((id) => prompt.includes(id)),
    [],
    'no hole was crossed early',
  );
  const data = (world.taken.get(sink) ?? []).flatMap(({ events }) => events.map((event) => event.data));
  for (const { sequenceNumber, metadata, metadataError } of data) {
    if (metadataError) assert.ok(world.everPoisoned.has(sequenceNumber), 'an outage costs no metadata');
    else if (!world.deleted.has(sequenceNumber)) assert.ok(metadata, 'what is missing is said');
  }
}
