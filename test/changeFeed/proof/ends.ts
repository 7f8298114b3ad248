// What must be true in the end, when nothing fails any more and some runs have come and gone.
import { move, pull, type Scene } from './process.ts';
import { Actor } from './stage.ts';
import { minuteMs } from './world.ts';

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
  for (const { entry } of world.feed.rows) {
    if (judge.isLeftOut(entry.sopInstanceUid)) continue;
    for (const sink of world.sinks)
      if (!judge.has(sink, entry.sopInstanceUid))
        judge.violate('every change arrives', `${sink} lacks ${String(entry.sequence)}`);
  }
}

/** Every hole has been watched to its end by then. */
function isAtRest({ world: { cursor, feed } }: Scene): boolean {
  return cursor?.committed === feed.last && cursor.crossed.length === 0 && cursor.pending === null;
}
