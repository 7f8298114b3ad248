// What must be true in the end, when nothing fails any more and some runs have come and gone.
import { eventsIn } from './judge.ts';
import { move, pull, type Scene } from './process.ts';
import { Actor } from './stage.ts';
import { host, minuteMs, type World } from './world.ts';

const mostRuns = 40;

/** Undisturbed runs, and an operator where one is asked for, until every change is where it belongs. */
export async function comesToRest(scene: Scene): Promise<void> {
  const { world, stage, judge } = scene;
  stage.holding = false;
  stage.fuse = undefined;
  world.webhookFails = 0;
  let outcome = '';
  for (let n = 0; n < mostRuns && !isAtRest(scene); n += 1) {
    stage.advance(20 * minuteMs);
    // What was only drawn so far commits while it is watched.
    if (n === 1) for (const { entry } of [...world.feed.rows]) world.commit(entry.sequence);
    world.feed.time = stage.now();
    const report = await pull(scene, new Actor(`f${String(n)}`));
    ({ outcome } = report);
    if (outcome === 'feed_reset' || outcome === 'cursor_lost')
      await move(scene, new Actor(`operator ${String(n)}`), { sequence: 0, expect: report.cursor });
  }
  if (!isAtRest(scene)) judge.violate('every change arrives', `not at rest: ${outcome}`);
  for (const what of lacking(scene)) judge.violate('every change arrives', what);
  for (const what of lackingOfReplays(world)) judge.violate('a replay brings its range once more', what);
}

function* lacking({ world, judge }: Scene): Generator<string> {
  for (const { entry } of world.feed.rows) {
    if (judge.isLeftOut(entry.sopInstanceUid)) continue;
    for (const sink of world.sinks)
      if (!judge.has(sink, entry.sopInstanceUid)) yield `${sink} lacks ${String(entry.sequence)}`;
  }
}

/** Before it began the cursor had delivered all of its range, each change once. A blob that is repeated is the same one. */
function* lackingOfReplays(world: World): Generator<string> {
  for (const { id, from, to, sinks } of world.replays) {
    const blobs = [...world.blobs].filter(([path]) => path.startsWith(`changes/${host}/replay/${id}/`));
    const { messages: queue, posted: webhook } = world;
    const held = { blob: blobs.flatMap(([, { text }]) => eventsIn(text)), queue, webhook };
    for (let sequence = from; sequence <= to; sequence += 1) {
      for (const sink of sinks) {
        const times = held[sink].filter(({ data }) => data.sequenceNumber === sequence).length;
        if (sink === 'blob' ? times !== 1 : times < 2)
          yield `${sink} has ${String(sequence)} ${String(times)} times`;
      }
    }
  }
}

/** Every hole has been watched to its end by then. */
function isAtRest({ world: { cursor, feed, replays } }: Scene): boolean {
  if (replays.some(({ state }) => state === 'running')) return false;
  return cursor?.committed === feed.last && cursor.crossed.length === 0 && cursor.pending === null;
}
