// Every version that a user's row ever had, and what no change of a row and no deletion at ACS may do, whoever makes it.
import assert from 'node:assert/strict';
import { identitiesOf, names, type Row } from '../../../src/communication/directory.ts';
import { sha256Hex } from '../../../src/platform/hash.ts';
import { tombstoneMs } from '../../../src/platform/limits.ts';
import type { World } from '../world.ts';
import type { Watcher } from './play.ts';
import { endpoints, users, type Resource, type Misfortune, type Slot, type UserName } from './commands.ts';

/** A row from one moment on, until the next version; moments are counted by `World.unique`. */
export interface Version {
  readonly row?: Row;
  readonly since: number;
  readonly etag?: string;
}

/** The moment at which the world made such a name: tokens, identities and versions are numbered together. */
export function momentOf(name: string): number {
  return Number(name.slice(-12));
}

/** As the service fingerprints a resource in its rows. */
export function fingerprint(resource: Resource): string {
  return sha256Hex(endpoints[resource]).slice(0, 32);
}

const emptyRow: Row = { lifecycle: 'none', access: 'enabled', previous: [], lostClaims: 0, changedOn: 0 };

/** Whether another creator has the claim though the time of the first one was not over. */
function takenOver({ claim }: Row, after: Row, now: number): boolean {
  return (
    claim !== undefined &&
    after.claim !== undefined &&
    claim.writer !== after.claim.writer &&
    now < claim.until
  );
}

export class Timeline implements Watcher {
  readonly #world: World;
  readonly #versions = new Map<UserName, Version[]>(users.map((user) => [user, [{ since: 0 }]]));
  readonly #reads: { readonly by: Slot; readonly at: number }[] = [];
  /** By process: what it created and nobody has written down yet, and whether it will not hear of what it creates. */
  readonly #unsaved = new Map<Slot, readonly string[]>();
  readonly #unheard = new Set<Slot>();
  /** When the row last said that what was handed out before shall end: by a ban, or to older bearers. */
  readonly revokedAt = new Map<UserName, number>();
  /** Identities that may be nobody's. */
  readonly excused = new Set<string>();
  #deleted = 0;
  /** Claims that ended with nobody knowing whether an identity was created, as the rows count them. */
  lostClaims = 0;
  /** Users whom somebody is enabling at the moment. */
  readonly enabling = new Set<UserName>();

  constructor(world: World) {
    this.#world = world;
  }

  now(): number {
    return momentOf(this.#world.unique());
  }

  /** The versions that a call could have met which began at that moment and ends now. */
  since(user: UserName, moment: number): readonly Version[] {
    const all = this.#versions.get(user) ?? [];
    return all.filter((_, index) => (all[index + 1]?.since ?? Infinity) > moment);
  }

  /** When the process read a row, from that moment on. */
  readsSince(slot: Slot, moment: number): readonly number[] {
    return this.#reads.filter(({ by, at }) => by === slot && at > moment).map(({ at }) => at);
  }

  current(user: UserName): Row | undefined {
    return this.#world.row(`app.${user}`);
  }

  stepped(step: string, here: Resource, by: Slot): void {
    if (step === 'acs.create') this.#created(by);
    if (step === 'rows.read') this.#reads.push({ by, at: this.now() });
    if (step === 'acs.delete') this.#checkDeletion();
    if (step === 'rows.write' || step === 'rows.remove') for (const user of users) this.#look(user, here);
  }

  /** Everything of a round has ended or died. */
  roundEnded(): void {
    this.enabling.clear();
    this.#unheard.clear();
  }

  /** What excuses an identity that nobody wrote down: its creator died, or could not hear of it, read or write. */
  suffers(by: Slot, fate: Misfortune, step?: string): void {
    if (fate.startsWith('stall')) return;
    const dies = fate.startsWith('die');
    if (dies || (step === 'acs.create' && fate.endsWith('after'))) this.#unheard.add(by);
    const gap = step === undefined || ['rows.read', 'rows.write', 'outbox.add'].includes(step);
    if (!gap && !dies) return;
    for (const id of this.#unsaved.get(by) ?? []) this.excused.add(id);
  }

  #created(by: Slot): void {
    const id = [...this.#world.identities.keys()].at(-1) ?? '';
    if (this.#unheard.has(by)) this.excused.add(id);
    const unsaved = [...(this.#unsaved.get(by) ?? []), id];
    this.#unsaved.set(
      by,
      unsaved.filter((one) => !this.#world.durable.has(one)),
    );
  }

  #look(user: UserName, here: Resource): void {
    const versions = this.#versions.get(user) ?? [];
    const last = versions.at(-1);
    const found = this.#world.rows.get(sha256Hex(`app.${user}`));
    if (last?.etag === found?.etag) return;
    versions.push({ ...found, since: found ? momentOf(found.etag) : this.now() });
    const before = last?.row ?? emptyRow;
    this.#checkIdentities(before, found?.row ?? emptyRow, here);
    if (found) this.#checkKept(user, before, found.row);
    else assert.ok(this.#mayGo(before), 'only a row that protects nobody any more is removed');
  }

  #checkIdentities(before: Row, after: Row, here: Resource): void {
    const { identities, deleted } = this.#world;
    for (const id of identitiesOf(before)) {
      if (names(after, id)) continue;
      assert.ok(!identities.has(id), 'a row forgets an identity only when it exists no more');
      assert.equal(before.lifecycle, 'deleting', 'a row forgets identities only by an erasure');
      assert.equal(before.resource, fingerprint(here), 'only its own resource confirms an erasure');
    }
    if (after.lifecycle !== 'ready') return;
    assert.ok(
      after.identity !== undefined && !deleted.has(after.identity),
      'a ready identity was never deleted',
    );
  }

  #checkKept(user: UserName, before: Row, after: Row): void {
    const lost = after.lostClaims - before.lostClaims;
    assert.ok(lost >= 0);
    this.lostClaims += lost;
    assert.ok(!takenOver(before, after, this.#world.storeTime), 'a claim is taken over when it has expired');
    assert.ok((after.tokensValidFrom ?? 0) >= (before.tokensValidFrom ?? 0), 'bearers stay refused');
    const banned = before.access === 'enabled' && after.access === 'disabled';
    if (banned || after.tokensValidFrom !== before.tokensValidFrom) {
      this.revokedAt.set(user, this.now());
    }
    const lifted = before.access === 'disabled' && after.access === 'enabled';
    assert.ok(!lifted || this.enabling.has(user), 'only enabling lifts a ban');
  }

  #mayGo({ changedOn, lifecycle, access, tokensValidFrom, cycles, lostClaims }: Row): boolean {
    const old = changedOn <= this.#world.storeTime - tombstoneMs;
    const blank = tokensValidFrom === undefined && cycles === undefined && lostClaims === 0;
    return (old || blank) && lifecycle === 'none' && access === 'enabled';
  }

  #checkDeletion(): void {
    if (this.#world.deleted.size === this.#deleted) return;
    this.#deleted = this.#world.deleted.size;
    const id = [...this.#world.deleted].at(-1) ?? '';
    for (const { row } of this.#world.rows.values()) {
      assert.ok(
        !names(row, id) || row.lifecycle === 'deleting',
        'what a row names is deleted only by an erase',
      );
    }
  }
}
