// The end of a schedule: the clean-up runs until nothing is due, then two days pass, and then the user asks for a token.
import { tombstoneMs } from '../../../src/platform/limits.ts';
import { Process, type Stage } from './actor.ts';
import { noRow, type World } from './world.ts';

const soonMs = 2 * 3_600_000;
const mostRuns = 12;

/** `elsewhere`: processes with another ACS resource took part; its clean-up runs as well, and first. */
export async function finish(stage: Stage, elsewhere: boolean): Promise<void> {
  const { world, scheduler } = stage;
  scheduler.holding = false;
  const timers = [
    { name: 'timer', does: [] },
    ...(elsewhere ? [{ name: 'timer elsewhere', does: [], elsewhere }] : []),
  ]
    .map((role) => new Process(stage, role))
    .reverse();
  const cleanUp = async (): Promise<void> => {
    for (const timer of timers) await timer.do('cleanUp');
    scheduler.advance(1000);
  };
  for (let runs = 0; dueIn(world, scheduler.time) < soonMs; runs += 1) {
    if (runs > mostRuns) {
      world.violate('nothing stays owed', 'the clean-up never rests');
      return;
    }
    scheduler.advance(Math.max(0, dueIn(world, scheduler.time)));
    const [timer] = timers.length > 1 && runs === 0 ? timers : timers.slice(-1);
    await timer?.do('cleanUp');
  }
  judgeEnd(stage);
  if (world.broken()) return;
  scheduler.advance(tombstoneMs + soonMs);
  for (let runs = 0; runs < 2; runs += 1) await cleanUp();
  if (world.entries.size > 0) world.violate('nothing stays owed', 'the outbox is not empty after days');
  if (!world.broken()) await judgeService(stage, elsewhere);
}

function dueIn({ entries }: World, now: number): number {
  const due = [...entries.values()].map(({ dueAt }) => Date.parse(String(dueAt)));
  return Math.min(...due) - now;
}

function judgeEnd(stage: Stage): void {
  const { world } = stage;
  const { identities } = world;
  const { lifecycle, owed, access } = world.row ?? noRow;
  const rests = ['none', 'ready'].includes(lifecycle) && owed === undefined;
  if (!rests || world.strays().length > 0) world.violate('nothing stays owed', lifecycle);
  for (const id of world.mustGo) if (identities.has(id)) world.violate('what was erased does not exist', id);
  const known = [...identities].filter(([, { denied }]) => !denied).map(([id]) => id);
  for (const token of world.liveTokens(known)) {
    if (world.mustDie.has(token)) world.violate('what was revoked is dead', token);
    if (access === 'disabled' && world.held.has(token)) {
      world.violate('nobody holds a live token of a disabled user', token);
    }
  }
  judgeOrphans(stage);
}

/** The one gap: an id that was not yet written down when its creator died or was cut off. */
function judgeOrphans({ world, scheduler }: Stage): void {
  const { names, lostClaims } = world.row ?? noRow;
  const dead = scheduler.actors.filter((actor) => actor.dead).map(({ name }) => name);
  const orphans = [...world.identities].filter(([id]) => !names.includes(id));
  for (const [id, { creator }] of orphans) {
    const gap = world.unanswered.has(id) || dead.includes(creator) || world.notRecorded > 0;
    if (!gap || world.durable.has(id)) {
      world.violate('an identity that nobody names was never written down, and is counted', id);
    }
  }
  if (orphans.length > lostClaims + world.notRecorded) {
    world.violate('an identity that nobody names was never written down, and is counted', 'is not counted');
  }
}

/** Nothing is left that stands in the way of the user, or lets a banned one in. */
async function judgeService(stage: Stage, elsewhere: boolean): Promise<void> {
  const { world } = stage;
  const answer = await new Process(stage, { name: 'later', does: [] }).do('issue');
  const expected = world.row?.access === 'disabled' ? 'disabled' : undefined;
  if (answer === expected || (elsewhere && answer === 'identity_of_other_resource')) return;
  world.violate('in the end the user is served as the row says', answer ?? 'a token');
}
