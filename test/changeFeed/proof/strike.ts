// Strikes a run or a move before and after each of its calls, and sees that later runs put everything right.
import type { Violation } from '../../support/search.ts';
import type { Deed } from './deeds.ts';
import { comesToRest } from './ends.ts';
import { begun } from './explorer.ts';
import type { Rule } from './rules.ts';
import { move, pull, type Scene } from './process.ts';
import type { Source } from './source.ts';
import { Actor, type Fuse } from './stage.ts';
import { minuteMs } from './world.ts';

type Blow = Pick<Fuse, 'at' | 'fate'>;

/** Answers how many calls there were; none where the blow met none. */
async function struck(scene: Scene, { move: wanted }: Pick<Deed, 'move'>, blow?: Blow): Promise<number> {
  const { stage } = scene;
  const actor = new Actor(`${wanted ? 'operator' : 'r'} ${JSON.stringify(blow)}`);
  stage.calls = 0;
  const burnt = new Promise<false>((resolve) => {
    stage.fuse = blow && {
      ...blow,
      burnt: () => {
        resolve(false);
      },
    };
  });
  const work = wanted ? move(scene, actor, wanted) : pull(scene, actor);
  const ended = await Promise.race([work.then(() => true), burnt]);
  stage.fuse = undefined;
  return ended && blow ? 0 : stage.calls;
}

export interface Strikes {
  readonly blows: number;
  readonly violation: Violation<Rule> | undefined;
}

/** `twice`: also the run after a struck one is struck at each of its calls. Ends at the first violation. */
export async function strikeAll(deed: Deed, source: Source, twice = false): Promise<Strikes> {
  let blows = 0;
  const calls = await struck(await begun(deed, source), deed);
  for (let at = 1; at <= calls; at += 1) {
    for (const fate of ['before', 'after'] as const) {
      const scene = await begun(deed, source);
      if ((await struck(scene, deed, { at, fate })) === 0)
        throw new Error(`${deed.name}: no call ${String(at)}`);
      await comesToRest(scene);
      blows += 1;
      let { violation } = scene.judge;
      if (twice && !violation) {
        const again = await strikeAgain(deed, source, { at, fate });
        blows += again.blows;
        ({ violation } = again);
      }
      if (violation) return { blows, violation };
    }
  }
  return { blows, violation: undefined };
}

async function strikeAgain(deed: Deed, source: Source, first: Blow): Promise<Strikes> {
  for (let at = 1; ; at += 1) {
    const scene = await begun(deed, source);
    await struck(scene, deed, first);
    scene.stage.advance(20 * minuteMs);
    if ((await struck(scene, {}, { at, fate: 'after' })) === 0)
      return { blows: at - 1, violation: undefined };
    await comesToRest(scene);
    if (scene.judge.violation) return { blows: at, violation: scene.judge.violation };
  }
}
