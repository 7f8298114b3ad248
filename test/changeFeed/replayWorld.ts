// A feed in memory with replays of small slices, and what must hold of what each replay delivered.
import assert from 'node:assert/strict';
import type { ReplayReport } from '../../src/changeFeed/replayReport.ts';
import { padded, type Batch, type SinkName } from '../../src/changeFeed/sink.ts';
import { cursorOf, FeedWorld, type WorldOptions } from './feedWorld.ts';
import { ReplayDesk } from './replayDesk.ts';

const minute = 60_000;
export const hour = 60 * minute;
/** A hole whose neighbour is older than this may be passed. */
const oldNeighbourMs = 10 * minute;

export class ReplayWorld extends FeedWorld {
  readonly desk = new ReplayDesk(this);
  readonly started: string[] = [];

  constructor(options: WorldOptions) {
    super({ pageSize: 2, ...options });
  }

  /** Begins one whose slices have `slice` sequences. */
  async replay(
    range: { from: number; to: number; sinks?: readonly SinkName[] },
    slice: number,
  ): Promise<string> {
    const id = await this.desk.start(range);
    const stored = this.shelf.all.find(({ replay }) => replay.id === id) ?? assert.fail();
    await this.shelf.store().write({ ...stored.replay, slice }, stored.etag);
    this.started.push(id);
    return id;
  }

  /** Everything works again; new changes come in, until the live cursor and every replay are done. */
  async recover(): Promise<void> {
    this.down.clear();
    this.onDeliver = () => undefined;
    for (let n = 0; n < 5; n += 1) this.change();
    for (let n = 0; n < 100 && !this.isDone(); n += 1) {
      this.time += 20 * minute;
      await this.pull();
    }
    assert.ok(this.isDone(), 'nothing holds it up for good');
  }

  isDone(): boolean {
    const { committed, crossed, pending } = cursorOf(this);
    const open = this.shelf.all.some(({ replay }) => replay.state === 'running');
    return !open && committed === this.last && crossed.length === 0 && pending === null;
  }

  /** What the sink took of a replay, or of the live cursor. */
  batchesOf(sink: SinkName, replay?: string): Batch[] {
    return (this.taken.get(sink) ?? []).filter((batch) => batch.replay === replay);
  }

  judgeLive(sink: SinkName): void {
    const all = this.rows.map(({ entry }) => `1.${entry.sequence}`);
    assert.deepEqual(
      idsOf(distinct(this.batchesOf(sink))).sort(),
      all.sort(),
      'the live cursor loses nothing',
    );
  }

  judge(id: string, report: ReplayReport): void {
    const { from, to, sinks, state, passed, total } = report;
    const existing = this.rows.filter(({ entry }) => from <= entry.sequence && entry.sequence <= to);
    for (const sink of sinks) {
      const batches = distinct(this.batchesOf(sink, id));
      const ids = idsOf(batches);
      assert.equal(new Set(ids).size, ids.length, 'repeated only as the same range');
      judgeOrder(batches, this.sliceOf(id), from);
      const missing = existing.filter(({ entry }) => !ids.includes(`1.${entry.sequence}`));
      if (state === 'done') {
        assert.equal(ids.length, report.delivered);
        assert.equal(passed, total);
        for (const { entry, visibleFrom } of missing)
          assert.ok(
            visibleFrom - Date.parse(entry.timestamp) > oldNeighbourMs,
            `${entry.sequence} is left out`,
          );
      }
      const strange = ids.filter((one) => !existing.some(({ entry }) => one === `1.${entry.sequence}`));
      assert.deepEqual(strange, [], 'nothing beyond the range');
    }
  }

  sliceOf(id: string): number {
    return this.shelf.all.find(({ replay }) => replay.id === id)?.replay.slice ?? assert.fail();
  }
}

/** A feed of `changes`, an hour old and delivered by the live cursor. */
export async function settled(changes: number, options: WorldOptions = {}): Promise<ReplayWorld> {
  const world = new ReplayWorld({ pageSize: 100, ...options });
  for (let n = 0; n < changes; n += 1) world.change();
  await world.pull();
  world.time += hour;
  return world;
}

/** Sequences that a replay delivered to the sink, in the order of delivery. */
export function replayed(world: FeedWorld, id: string, sink: SinkName = 'blob'): number[] {
  const batches = (world.taken.get(sink) ?? []).filter(({ replay }) => replay === id);
  return batches.flatMap(({ events }) => events.map(({ data }) => data.sequenceNumber));
}

export function upTo(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}

/** As create-once blobs hold them; a repetition must be the same. */
function distinct(batches: readonly Batch[]): Batch[] {
  const blobs = new Map<string, Batch>();
  for (const batch of batches) {
    const name = `${batch.epoch}/${batch.late}/${padded(batch.from)}-${padded(batch.to)}`;
    const held = blobs.get(name);
    if (held) assert.deepEqual(batch.events, held.events, 'a range is repeated exactly');
    else blobs.set(name, batch);
  }
  return [...blobs.values()];
}

function idsOf(batches: readonly Batch[]): string[] {
  return batches.flatMap(({ events }) => events.map(({ id }) => id));
}

/** Of each slice the ranges come in order, none beyond it, and each begins where the last one ended. */
function judgeOrder(batches: readonly Batch[], slice: number, first: number): void {
  const ends = new Map<number, number>();
  for (const { from, to, events } of batches) {
    const number = Math.floor((from - first) / slice);
    assert.equal(Math.floor((to - first) / slice), number, 'a range stays in its slice');
    assert.ok(from > (ends.get(number) ?? 0), 'in order, and none overlaps');
    ends.set(number, to);
    const sequences = events.map(({ data }) => data.sequenceNumber);
    assert.deepEqual(
      sequences,
      [...sequences].sort((left, right) => left - right),
    );
  }
}
