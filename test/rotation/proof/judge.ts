// Judges what processes do to the tenant by what is true, not by what they say: the rules that hold at every single step.
import {
  rotationClockToleranceMs,
  rotationMaxOwned,
  rotationMinIntervalMs,
  rotationPublishWithinMs,
  rotationRejectionGapMs,
  rotationVerifyTokens,
} from '../../../src/platform/limits.ts';
import { blurMs, judgeRemoval } from './removals.ts';
import { statePath } from '../../../src/rotation/stateDocument.ts';
import { tagsOf } from '../../../src/rotation/tags.ts';
import type { Actor } from './stage.ts';
import { client, dayMs, hourMs, mark, type Credential, type Version, type World } from './world.ts';

export type Rule =
  | 'an intent is in the state before its mint'
  | 'one mint a run'
  | 'no second mint within the minimum interval'
  | 'no more credentials than maxOwned'
  | 'a wrong vault gets nothing'
  | 'nobody starts anew while a published credential lives'
  | 'a rotation has a proven reason'
  | 'what is foreign is not touched'
  | 'an orphan is left alone until nobody can publish it any more'
  | 'a previous credential works through the overlap'
  | 'nothing is removed unless the current version is settled'
  | 'what the vault serves is not removed'
  | 'the vault is looked at again before a removal'
  | 'a leaked credential goes only when its successor is current'
  | 'the last valid credential is not removed'
  | 'what the vault may still take is not taken back'
  | 'a secret is proven several times in a row before it is published'
  | 'a credential is seen at Graph between its proof and its publication'
  | 'a secret is published soon after its mint'
  | 'a secret that is published works'
  | 'tags tell the truth'
  | 'nothing is written without the lease'
  | 'a version is disabled only when its credential is gone'
  | 'no secret shows'
  | 'nothing is changed while the clocks disagree'
  | 'in the end the vault serves a secret that works'
  | 'in the end at most two credentials and no orphan are left'
  | 'a run with nothing to do writes nothing';

/** Beside the blur, a run may be this long on its way from its decision to its mint. */
const runMs = 9 * 60_000;
/** Services tell whole seconds. */
const tolerated = rotationClockToleranceMs + 1_000;

export class Judge {
  readonly #world: World;
  readonly #now: () => number;
  /** Whether the leases of this world are real. */
  readonly #leases: boolean;
  violation: { readonly rule: Rule; readonly what: string } | undefined;

  constructor(world: World, now: () => number, leases: boolean) {
    this.#world = world;
    this.#now = now;
    this.#leases = leases;
  }

  violate(rule: Rule, what: string): void {
    this.violation ??= { rule, what };
  }

  check(good: boolean, rule: Rule, what: string): void {
    if (!good) this.violate(rule, what);
  }

  /** Asked when a process sends a write for which it needs the lease; that somebody broke it by hand it may not know yet. */
  sends(actor: Actor, what: string): void {
    if (!this.#leases) return;
    this.check(
      actor.leasedUntil > this.#now(),
      'nothing is written without the lease',
      `${actor.name} ${what}`,
    );
  }

  /** When something is changed at Graph or in the vault: the three clocks must be near each other, right or wrong. */
  changes(actor: Actor, what: string): void {
    const { graph, vault } = this.#world.skew;
    const apart = Math.max(graph, vault, actor.offsetMs) - Math.min(graph, vault, actor.offsetMs);
    // Whoever looked before the clocks went wrong may not know yet.
    if (actor.frozenUntil > 0) return;
    this.check(apart <= tolerated, 'nothing is changed while the clocks disagree', `${actor.name} ${what}`);
  }

  minted(actor: Actor, displayName: string): void {
    const [world, now] = [this.#world, this.#now()];
    const who = `${actor.name} ${displayName}`;
    actor.mints += 1;
    this.check(actor.mints === 1, 'one mint a run', who);
    const living = world.owned(now).filter(({ addedAt }) => addedAt < now - world.staleMs - runMs);
    const wrong = actor.vault !== world.vault && !actor.looked?.version && living.length > 0;
    this.check(!wrong, 'a wrong vault gets nothing', who);
    const unfinished = this.#unfinished(actor);
    this.check(unfinished.has(displayName), 'an intent is in the state before its mint', who);
    const least = rotationMinIntervalMs - blurMs - runMs;
    const asked = actor.wanted.force === true || actor.wanted.revoke !== undefined;
    if (!asked) {
      const last = actor.vault.lastMint;
      // One that was asked for after this run had decided is no fault of this run.
      const later = last.asked && last.at >= actor.stateReadAt;
      const soon = now - last.at < least && !later;
      this.check(!soon, 'no second mint within the minimum interval', who);
      this.check(this.#hasReason(actor), 'a rotation has a proven reason', who);
      const inUse = actor.looked?.version ? [] : living.filter((one) => !unfinished.has(one.displayName));
      this.check(inUse.length === 0, 'nobody starts anew while a published credential lives', who);
    }
    actor.vault.lastMint = { at: now, asked };
    this.check(world.owned(now).length <= rotationMaxOwned, 'no more credentials than maxOwned', who);
  }

  /** Display names of mints that are not known to have been published. */
  #unfinished({ vault }: Actor): ReadonlySet<string> {
    const state = this.#world.blobs.get(statePath(vault.target))?.text ?? '{}';
    const { intents = [] } = JSON.parse(state) as { intents?: { displayName: string; published: boolean }[] };
    return new Set(intents.filter(({ published }) => !published).map((one) => one.displayName));
  }

  #hasReason({ looked }: Actor): boolean {
    const version = looked?.version;
    if (!version) return true;
    const ends = Math.min(version.expiresAt ?? Infinity, this.#endOf(version) ?? Infinity);
    if (ends - this.#now() <= client.beforeDays * dayMs + hourMs) return true;
    const rejections = this.#world.rejections.get(version.text) ?? [];
    const [first = 0] = rejections;
    return (rejections.at(-1) ?? 0) - first >= rotationRejectionGapMs - blurMs;
  }

  #endOf({ tags, text }: Version): number | undefined {
    const { credentialId } = tagsOf(tags);
    const named = this.#world.credentials.find(({ keyId }) => keyId === credentialId);
    return (named ?? this.#world.byValue(text))?.endsAt;
  }

  removed(actor: Actor, credential: Credential): void {
    judgeRemoval({ world: this.#world, now: this.#now(), judge: this }, actor, credential);
  }

  /** When the write of a new version is sent. */
  publishes(actor: Actor, value: string): void {
    const proofs = actor.proofs.get(value) ?? 0;
    this.check(
      proofs >= rotationVerifyTokens,
      'a secret is proven several times in a row before it is published',
      actor.name,
    );
    const rule = 'a credential is seen at Graph between its proof and its publication';
    this.check(actor.seenSinceProof, rule, actor.name);
    const age = this.#now() - (actor.minted?.at ?? -Infinity);
    this.check(age <= rotationPublishWithinMs, 'a secret is published soon after its mint', actor.name);
    this.sends(actor, 'publishes');
  }

  /** When a new version has come to be, perhaps long after it was sent. */
  published(version: Version): void {
    const [world, now] = [this.#world, this.#now()];
    const credential = world.byValue(version.text);
    const told = tagsOf(version.tags).credentialId === credential?.keyId;
    this.check(told, 'tags tell the truth', version.versionId);
    this.noSecret(JSON.stringify(version.tags));
    if (credential?.removedBy === 'operator') return;
    const works = credential !== undefined && credential.removedAt > now && credential.endsAt > now;
    this.check(works, 'a secret that is published works', version.versionId);
  }

  tagged(version: Version, tags: Version['tags']): void {
    const { credentialId } = tagsOf(tags);
    const told = this.#world.byValue(version.text)?.keyId === credentialId;
    this.check(told, 'tags tell the truth', version.versionId);
    this.noSecret(JSON.stringify(tags));
  }

  disabled(actor: Actor, version: Version): void {
    const { vault } = actor;
    const untouched = actor.looked?.disturbed === vault.disturbed;
    const current = untouched && vault.current === version;
    const { credentialId } = tagsOf(version.tags);
    // A version that came before the credential was only tagged with it by somebody.
    const alive = this.#world
      .valid(this.#now())
      .some(({ keyId, addedAt }) => keyId === credentialId && addedAt <= version.setAt);
    const rule = 'a version is disabled only when its credential is gone';
    this.check(!current && !alive, rule, version.versionId);
  }

  noSecret(text: string): void {
    const at = text.indexOf(mark);
    this.check(at < 0, 'no secret shows', text.slice(Math.max(0, at - 40), at + 10));
  }
}
