// What must be true in the end, when nothing fails any more and some runs have come and gone.
import type { Rule } from './judge.ts';
import { client, hourMs, isOwn, type World } from './world.ts';

/** Waits before the runs that put everything right: a rejection seen again, the minimum interval, the age of orphans, the overlap. */
export const restMs = [
  ...[0, 11 * 60_000, 61 * 60_000, 3 * hourMs],
  ...[client.overlapHours * hourMs, 3 * hourMs, hourMs],
] as const;

/** The rule that the end breaks. */
export function unfit(world: World, now: number): Rule | undefined {
  const { current, versions } = world.vault;
  const serves = current?.enabled === true && world.valid(now).some(({ value }) => value === current.text);
  if (!serves) return 'in the end the vault serves a secret that works';
  const ours = world.present().filter((one) => isOwn(one, world.vault));
  const named = new Set(versions.map(({ text }) => text));
  const orphan = ours.some(({ value, addedAt }) => !named.has(value) && now - addedAt > 2 * hourMs);
  const expired = ours.some(({ endsAt }) => endsAt <= now);
  const many = world.owned(now).length > 2;
  return orphan || expired || many ? 'in the end at most two credentials and no orphan are left' : undefined;
}
