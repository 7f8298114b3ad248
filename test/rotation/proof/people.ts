// What people do to the application and the vault while the rotation is at work, by chance.
import type { Chance } from './chance.ts';
import { dayMs, hourMs, objectId, type Credential, type World } from './world.ts';

export interface Doing {
  readonly world: World;
  readonly chance: Chance;
  readonly now: number;
}

/** Each answers in words what was done, or nothing where there was nothing to do. */
export const deeds: Readonly<Record<string, (doing: Doing) => string | undefined>> = {
  'adds a foreign credential': ({ world, chance, now }) =>
    portal(world, now, chance.between(2, 400) * dayMs).keyId,

  'removes some credential': ({ world, chance, now }) => {
    const all = world.present();
    return all.length === 0 ? undefined : drop(world, chance.pick(all), now);
  },

  'removes the credential in use': ({ world, now }) => {
    const used = world.present().find(({ value }) => value === world.vault.current?.text);
    return used && drop(world, used, now);
  },

  'sets garbage': (doing) => set(doing, doing.world.newValue()),

  'rolls back without tags': (doing) => {
    const older = doing.world.vault.versions.slice(0, -1);
    return older.length === 0 ? undefined : set(doing, doing.chance.pick(older).text);
  },

  'rolls back with the tags that it had': (doing) => {
    const older = doing.world.vault.versions.slice(0, -1);
    if (older.length === 0) return undefined;
    const { text, tags } = doing.chance.pick(older);
    return set(doing, text, tags);
  },

  'rolls back and keeps the tags of the current version': (doing) => {
    const { versions } = doing.world.vault;
    const tags = versions.at(-1)?.tags;
    return versions.length < 2 ? undefined : set(doing, doing.chance.pick(versions).text, tags);
  },

  'sets a secret of the portal': (doing) =>
    set(doing, portal(doing.world, doing.now, doing.chance.between(5, 300) * dayMs).value),

  'tags an older version with a foreign credential': ({ world, chance, now }) => {
    const older = world.vault.versions.slice(0, -1);
    if (older.length === 0) return undefined;
    const version = chance.pick(older);
    const { keyId } = portal(world, now, chance.between(2, 400) * dayMs);
    version.tags = { ...version.tags, CredentialId: keyId, ProviderAddress: objectId };
    return `${version.versionId} ${keyId}`;
  },

  'copies the version of another vault': (doing) => {
    const { world, now, chance } = doing;
    const { keyId } = portal(world, now, chance.between(2, 400) * dayMs);
    const current = world.vault.current;
    if (!current) return undefined;
    set(doing, world.newValue(), { CredentialId: keyId, 'rotation-app': 'app-1' });
    return set(doing, current.text, current.tags);
  },

  'disables the current version': ({ world }) => {
    const { current } = world.vault;
    if (!current) return undefined;
    current.enabled = false;
    world.vault.disturbed += 1;
    return current.versionId;
  },

  'enables the current version': ({ world }) => enable(world),

  'deletes the secret': ({ world }) => {
    if (world.vault.versions.length === 0) return undefined;
    world.vault.deleted = true;
    world.vault.disturbed += 1;
    return 'softly';
  },

  'loses the vault': ({ world }) => {
    world.vault.versions.length = 0;
    world.vault.disturbed += 1;
    return 'all versions';
  },

  'recovers the secret': ({ world }) => recover(world),

  'breaks the lease': ({ world }) => breakLease(world),
};

export function enable({ vault }: World): string | undefined {
  const current = vault.versions.at(-1);
  if (!current || current.enabled) return undefined;
  current.enabled = true;
  return current.versionId;
}

export function recover({ vault }: World): string | undefined {
  if (!vault.deleted) return undefined;
  vault.deleted = false;
  vault.disturbed += 1;
  return 'all versions';
}

export function breakLease({ blobs }: World): string | undefined {
  const held = [...blobs.values()].find(({ lease }) => lease);
  if (!held) return undefined;
  delete held.lease;
  return 'it was held';
}

/** A credential as a person makes it in the portal. */
export function portal(world: World, now: number, lifeMs: number): Credential {
  const keyId = `portal-${String(world.next())}`;
  const times = { startsAt: now, addedAt: now, endsAt: now + lifeMs };
  const credential = { keyId, displayName: 'made in the portal', value: world.newValue(), ...times };
  world.add(credential);
  return { ...credential, removedAt: Infinity };
}

/** A credential of ours as an earlier run made it, published or not. */
export function earlier(
  world: World,
  { now, age, published }: { now: number; age: number; published: boolean },
): void {
  const random = `e${String(world.next())}`;
  const keyId = `key-${random}`;
  const [startsAt, value] = [now - age, world.newValue()];
  const endsAt = startsAt + 90 * dayMs;
  world.add({ keyId, displayName: world.ownName(random), value, startsAt, endsAt, addedAt: startsAt });
  if (!published) return;
  const tags = { CredentialId: keyId, 'rotation-app': 'app-1' };
  world.set(world.vault, { text: value, tags, now: startsAt + hourMs / 60, by: 'an earlier run' }, endsAt);
}

/** As with the Azure CLI. */
export function drop(world: World, credential: Credential, now: number): string {
  world.remove(credential, now, 'operator');
  world.graphDisturbed += 1;
  return credential.keyId;
}

function set({ world, now }: Doing, text: string, tags?: Readonly<Record<string, string>>): string {
  const { vault } = world;
  // Key Vault docs: a deleted name cannot be written until it is recovered.
  if (vault.deleted) return 'but could not';
  const version = world.set(vault, { text, now, by: 'operator', ...(tags ? { tags } : {}) });
  vault.disturbed += 1;
  const used = world.byValue(text);
  if (used && !tags) world.adoptable.add(used.keyId);
  return `${version.versionId} with ${used?.keyId ?? 'garbage'}`;
}
