// A seeded model of the whole pull: random histories of the feed, the process, the service and the sinks, and what must hold after each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cursorOf, FeedWorld } from './feedWorld.ts';

const second = 1000;
const settle = 60 * second;
/** `FEED_HISTORIES=10000` for a long look. */
const numRuns = Number(process.env['FEED_HISTORIES'] ?? 600);
const stores = ['blob', 'queue'] as const;
const sinks = [...stores, 'webhook'] as const;

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
  laterCrash: (world, size) => world.pull(9 + 2 * size),
  twoAtOnce: (world) => Promise.all([world.pull(), world.pull()]),
  down: (world, size) => void world.down.add(sinks[size % 3] ?? 'blob'),
  /** After some more requests. */
  webhookDown: (world, size) => {
    world.webhookTakes = world.offers.length + size;
  },
  /** It answers 429 with a time to come back. */
  throttled: (world, size) => {
    world.webhookTakes = 0;
    world.webhookPause = size * 40;
  },
  refuse: (world, size) => {
    const sequence = Math.max(1, world.last - size + 3);
    world.refused.add(sequence);
    world.everRefused.add(sequence);
  },
  up: (world) => {
    world.up();
  },
} as const satisfies Record<string, (world: TroubledWorld, size: number) => unknown>;

class TroubledWorld extends FeedWorld {
  readonly everPoisoned = new Set<number>();
  readonly everRefused = new Set<number>();
  /** Pages with metadata that are answered before the store of metadata goes down. */
  answers = Infinity;

  constructor(pageSize: number) {
    super({ pageSize, metadata: true, sinks });
    this.onPage = (_, metadata) => {
      this.storeDown = this.answers <= 0;
      if (metadata) this.answers -= 1;
    };
  }

  up(): void {
    this.down.clear();
    this.webhookTakes = Infinity;
    this.webhookPause = undefined;
  }

  /** Everything works again, except what is broken for good; new changes come in. */
  async recover(): Promise<void> {
    this.up();
    // Ten refusals in a row are a broken receiver, which somebody mends.
    this.refused.clear();
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
      for (const sink of stores) judge(world, sink, world.heldBy(sink));
      for (const sink of stores) judgeMetadata(world, sink);
      const posted = postedBy(world);
      const buried = [...world.letters.keys()].map((key) => Number(key.slice(-19)));
      assert.ok(
        buried.every((sequence) => world.everRefused.has(sequence)),
        'nothing is buried that was not refused',
      );
      judge(world, 'webhook', posted, buried);
    }),
    { numRuns },
  );
});

interface Held {
  readonly id: string;
  readonly late: boolean;
}

/** What the webhook took, without what it was sent again. */
function postedBy(world: TroubledWorld): Held[] {
  const first = new Map<string, Held>();
  for (const { ids, late, taken } of world.offers)
    for (const id of taken ? ids : []) if (!first.has(id)) first.set(id, { id, late });
  return [...first.values()];
}

/** `buried`: sequences that a refusal kept from the sink. */
function judge(
  world: TroubledWorld,
  sink: string,
  held: readonly Held[],
  buried: readonly number[] = [],
): void {
  const ids = [...new Set([...held.map(({ id }) => id), ...buried.map((sequence) => `1.${sequence}`)])];
  const all = world.rows.map(({ entry }) => `1.${entry.sequence}`);
  assert.deepEqual(ids.sort(), [...all].sort(), `nothing lost: ${sink}`);
  assert.equal(new Set(held.map(({ id }) => id)).size, held.length, 'nothing twice in create-once blobs');
  // A change that was refused may be taken after all when it is offered again, behind the next ones.
  const live = held
    .filter(({ late }) => !late)
    .map(({ id }) => Number(id.slice(2)))
    .filter((sequence) => sink !== 'webhook' || !world.everRefused.has(sequence));
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
}

function judgeMetadata(world: TroubledWorld, sink: (typeof stores)[number]): void {
  const data = (world.taken.get(sink) ?? []).flatMap(({ events }) => events.map((event) => event.data));
  for (const { sequenceNumber, metadata, metadataError } of data) {
    if (metadataError) assert.ok(world.everPoisoned.has(sequenceNumber), 'an outage costs no metadata');
    else if (!world.deleted.has(sequenceNumber)) assert.ok(metadata, 'what is missing is said');
  }
}
