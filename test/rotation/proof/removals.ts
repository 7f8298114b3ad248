// What a removal must not do: to consumers, to people, to other targets.
import { rotationOrphanAgeMs } from '../../../src/platform/limits.ts';
import { tagsOf } from '../../../src/rotation/tags.ts';
import type { Judge } from './judge.ts';
import type { Actor } from './stage.ts';
import { client, hourMs, isOwn, type Credential, type World } from './world.ts';

/** Clocks may differ by this much before anybody must notice. */
export const blurMs = 6 * 60_000;

interface Scene {
  readonly world: World;
  readonly now: number;
  readonly judge: Judge;
}

export function judgeRemoval(scene: Scene, actor: Actor, credential: Credential): void {
  const { world, judge } = scene;
  const { keyId, value } = credential;
  const who = `${actor.name} ${keyId}`;
  if (actor.minted?.keyId === keyId) {
    const stored = world.vault.versions.some(({ text }) => text === value) || world.underWay.includes(value);
    judge.check(!stored, 'what the vault may still take is not taken back', who);
    return;
  }
  judge.check(actor.looks >= 2, 'the vault is looked at again before a removal', who);
  judgeForConsumers(scene, actor, credential);
  if (actor.wanted.revoke === keyId) {
    const successor = actor.minted && world.credentials.find((one) => one.keyId === actor.minted?.keyId);
    const follows = !successor || actor.looked?.version?.text === successor.value;
    judge.check(follows, 'a leaked credential goes only when its successor is current', who);
    return;
  }
  const ours = isOwn(credential, actor.vault) || world.adoptable.has(keyId);
  judge.check(ours, 'what is foreign is not touched', who);
  judgeStanding(scene, actor, credential);
  if (credential.endsAt > scene.now + blurMs) judgeAge(scene, actor, credential);
}

/** What happened after the process looked is no fault of it. */
const knowsVault = ({ looked, vault }: Actor): boolean => looked?.disturbed === vault.disturbed;

function judgeForConsumers({ world, now, judge }: Scene, actor: Actor, { keyId, value }: Credential): void {
  const who = `${actor.name} ${keyId}`;
  if (knowsVault(actor)) {
    judge.check(actor.vault.current?.text !== value, 'what the vault serves is not removed', who);
  }
  if (actor.graphSeen === world.graphDisturbed) {
    const others = world.valid(now).filter((one) => one.keyId !== keyId);
    judge.check(others.length > 0, 'the last valid credential is not removed', who);
  }
}

function judgeStanding({ world, now, judge }: Scene, actor: Actor, { keyId, endsAt }: Credential): void {
  const version = actor.looked?.version;
  if (!knowsVault(actor) || !version) return;
  const rule = 'nothing is removed unless the current version is settled';
  const proven = (actor.proofs.get(version.text) ?? 0) > 0 || endsAt <= now + blurMs;
  judge.check(proven, rule, `${actor.name} ${keyId}`);
  if (actor.graphSeen !== world.graphDisturbed) return;
  const { credentialId } = tagsOf(version.tags);
  const named = world.present().find((one) => one.keyId === credentialId);
  const settled = named?.value === version.text && named.endsAt > now - blurMs;
  judge.check(settled, rule, `${actor.name} ${keyId}`);
}

function judgeAge({ world, now, judge }: Scene, actor: Actor, { keyId, addedAt }: Credential): void {
  const who = `${actor.name} ${keyId}`;
  if (!world.vault.versions.some(({ tags }) => tagsOf(tags).credentialId === keyId)) {
    const old = now - addedAt >= rotationOrphanAgeMs - blurMs;
    judge.check(old, 'an orphan is left alone until nobody can publish it any more', who);
    return;
  }
  const since = actor.looked?.version?.setAt ?? now;
  const over = now - since >= client.overlapHours * hourMs - blurMs;
  judge.check(over, 'a previous credential works through the overlap', who);
}
