// The runs and moves that are struck at each of their calls, with what there is before them.
import type { Scenario } from './explorer.ts';
import { host, cursorPath, minuteMs, settleMs, type World } from './world.ts';

export type Deed = Pick<Scenario, 'name' | 'setting' | 'sinks' | 'before' | 'move'>;

/** A second change that has not committed when its number is crossed. */
const crossed: Deed['before'] = async (world, stage, pull) => {
  world.changes(1);
  world.draw();
  world.changes(1);
  await pull();
  stage.advance(settleMs + minuteMs);
  await pull();
  stage.advance(2 * minuteMs);
};

const pulled =
  (many: number, more: (world: World) => void): Deed['before'] =>
  async (world, _, pull) => {
    world.changes(many);
    await pull();
    more(world);
  };

export const deeds: readonly Deed[] = [
  {
    name: 'the first run of all',
    before: (world) => {
      world.changes(5);
    },
  },
  {
    name: 'a start at the newest change, with one below that has not committed',
    setting: { start: { kind: 'latest' } },
    before: (world) => {
      world.changes(2);
      world.draw();
      world.changes(1);
    },
  },
  {
    name: 'a start at a time',
    setting: { start: { kind: 'time', time: '2026-01-01T00:01:00Z' } },
    before: (world, stage) => {
      world.changes(2);
      stage.advance(2 * minuteMs);
      world.feed.time = stage.now();
      world.changes(3);
    },
  },
  {
    name: 'several ranges, to every kind of sink',
    sinks: ['blob', 'queue', 'webhook'],
    setting: { pageSize: 1 },
    before: pulled(1, (world) => {
      world.changes(12);
    }),
  },
  {
    name: 'a young hole before more than one range',
    sinks: ['blob'],
    setting: { pageSize: 1 },
    before: pulled(2, (world) => {
      world.draw();
      world.changes(14);
    }),
  },
  {
    name: 'holes that come of age',
    before: async (world, stage, pull) => {
      world.changes(1);
      world.feed.gap(3);
      world.changes(1);
      await pull();
      stage.advance(settleMs + minuteMs);
      world.feed.time = stage.now();
      world.changes(2);
    },
  },
  {
    name: 'a change that commits after its number was crossed',
    before: async (world, stage, pull) => {
      await crossed(world, stage, pull);
      world.commit(2);
      world.changes(1);
    },
  },
  {
    name: 'changes whose metadata cannot be read',
    setting: { metadata: true, pageSize: 4 },
    before: pulled(2, (world) => {
      world.changes(6);
      world.feed.poisoned.add(4).add(7);
    }),
  },
  {
    name: 'changes whose metadata cannot be read, in the run that delivers them without',
    setting: { metadata: true, pageSize: 4 },
    before: async (world, _, pull) => {
      world.changes(8);
      world.feed.poisoned.add(4).add(7);
      await pull();
    },
  },
  {
    name: 'changes that the webhook refuses',
    before: pulled(1, (world) => {
      world.changes(6);
      world.refused.add(3).add(4).add(7);
    }),
  },
  {
    name: 'a webhook that is down',
    sinks: ['blob', 'queue', 'webhook'],
    before: pulled(1, (world) => {
      world.changes(3);
      world.webhookFails = 1;
    }),
  },
  {
    name: 'a webhook that comes back in the middle of a range',
    before: async (world, stage, pull) => {
      await pulled(1, () => {
        world.changes(3);
        world.webhookFails = 1;
      })(world, stage, pull);
      await pull();
    },
  },
  {
    name: 'a run on a feed that was made anew and has outgrown the cursor',
    before: pulled(3, (world) => {
      world.replaceFeed(5);
    }),
  },
  {
    name: 'the move that acknowledges a feed that was made anew',
    before: pulled(3, (world) => {
      world.replaceFeed(5);
    }),
    move: { sequence: 0, expect: 3 },
  },
  {
    name: 'the run after that',
    before: async (world, stage, pull) => {
      await pulled(3, () => {
        world.replaceFeed(5);
      })(world, stage, pull);
      await pull();
    },
  },
  {
    name: 'a move back',
    before: pulled(3, (world) => {
      world.changes(2);
    }),
    move: { sequence: 1, expect: 3 },
  },
  {
    name: 'a move ahead',
    before: pulled(3, (world) => {
      world.changes(2);
    }),
    move: { sequence: 4, expect: 3 },
  },
  {
    name: 'a run without its cursor',
    before: pulled(3, (world) => {
      world.blobs.delete(cursorPath);
      world.changes(1);
    }),
  },
  {
    name: 'a run without its cursor and its birth',
    before: pulled(3, (world) => {
      world.blobs.delete(cursorPath);
      world.births.clear();
      world.changes(1);
    }),
  },
  {
    name: 'the move that acknowledges a lost cursor',
    before: pulled(3, (world) => {
      world.blobs.delete(cursorPath);
      world.changes(1);
    }),
    move: { sequence: 2, expect: null },
  },
  {
    name: 'a replay in slices of several ranges, two at a time, beside the live cursor',
    setting: { pageSize: 1 },
    before: pulled(23, (world) => {
      world.beginReplay(11);
      world.changes(1);
    }),
  },
  {
    name: 'a run whose birth is not on record any more',
    before: pulled(3, (world) => {
      world.births.delete(host);
      world.changes(1);
    }),
  },
];
