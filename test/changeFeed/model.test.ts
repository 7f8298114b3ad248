// A seeded model of the whole pull: random histories of the feed, the process and the sinks, and what must hold after each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FeedWorld } from './feedWorld.ts';

const second = 1000;
const settle = 60 * second;

interface Step {
  readonly kind: 'change' | 'late' | 'veryLate' | 'gap' | 'wait' | 'pull' | 'crash' | 'down' | 'up';
  readonly size: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    'change',
    'change',
    'late',
    'veryLate',
    'gap',
    'wait',
    'pull',
    'pull',
    'crash',
    'down',
    'up',
  ),
  size: fc.integer({ min: 1, max: 9 }),
});

async function perform(world: FeedWorld, { kind, size }: Step): Promise<void> {
  switch (kind) {
    case 'change':
      for (let n = 0; n < size; n += 1) world.change();
      return;
    case 'late':
      world.change(size * 5 * second);
      return;
    case 'veryLate':
      world.change(settle + size * 100 * second);
      return;
    case 'gap':
      world.gap(size);
      return;
    case 'wait':
      world.time += size * 13 * second + 77;
      return;
    case 'pull':
      await world.pull();
      return;
    case 'crash':
      await world.pull(size);
      return;
    case 'down':
      world.down.add(size % 2 ? 'blob' : 'queue');
      return;
    case 'up':
      world.down.clear();
      return;
  }
}

test('whatever commits late, is skipped, crashes or goes down: every change arrives, in order, with equal ids', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      async (steps, pageSize) => {
        const world = new FeedWorld({ pageSize });
        for (const one of steps) await perform(world, one);
        world.down.clear();
        for (let n = 0; n < 6; n += 1) {
          world.time += 20 * 60 * second;
          await world.pull();
        }
        const all = world.rows.map(({ entry }) => `1.${entry.sequence}`);
        const prompt = new Set(
          world.rows
            .filter(({ entry, visibleFrom }) => visibleFrom - Date.parse(entry.timestamp) < settle)
            .map(({ entry }) => `1.${entry.sequence}`),
        );
        for (const sink of ['blob', 'queue'] as const) {
          const held = world.heldBy(sink);
          assert.deepEqual([...new Set(held.map(({ id }) => id))].sort(), [...all].sort(), 'nothing lost');
          assert.equal(held.length, all.length, 'nothing twice in create-once blobs');
          const live = held.filter(({ late }) => !late).map(({ id }) => Number(id.slice(2)));
          assert.deepEqual(
            live,
            [...live].sort((left, right) => left - right),
            'in order',
          );
          const lateOnes = held.filter(({ late }) => late);
          assert.deepEqual(
            lateOnes.filter(({ id }) => prompt.has(id)),
            [],
            'no hole was crossed early',
          );
        }
      },
    ),
    { numRuns: 400 },
  );
});
