// Graph, Key Vault and Entra's token endpoint as one process sees them; each request is a step.
import { AppError } from '../../../src/platform/errors.ts';
import { Secret } from '../../../src/platform/secret.ts';
import type { Applications, MintReply } from '../../../src/rotation/graphApplications.ts';
import type { PublishReply, VaultSecrets } from '../../../src/rotation/keyVaultSecrets.ts';
import type { ProbeAnswer, TokenProbe } from '../../../src/rotation/tokenProbe.ts';
import type { Judge } from './judge.ts';
import type { Source } from './source.ts';
import type { Actor, Stage, Step } from './stage.ts';
import { mark, objectId, type Credential, type World } from './world.ts';

export interface Place {
  readonly world: World;
  readonly stage: Stage;
  readonly judge: Judge;
  readonly source: Source;
}

const failure = (): AppError => new AppError('upstream_failed', 'no answer');
const unanswered = (): never => {
  throw failure();
};

export function applicationsOf({ world, stage, judge, source }: Place, actor: Actor): Applications {
  const seenAt = (time: number): Credential[] =>
    world.credentials.filter(({ addedAt, removedAt }) => addedAt <= time && removedAt > time);
  const answer = (shown: Credential[]) => {
    actor.seenSinceProof = shown.some(({ keyId }) => keyId === actor.minted?.keyId);
    const credentials = shown.map(({ keyId, displayName, startsAt, endsAt, value }) => {
      return { keyId, displayName, startsAt, endsAt, hint: new Secret(value.slice(0, 3)) };
    });
    return { id: objectId, serverTime: stage.now() + world.skew.graph, credentials };
  };
  return {
    read: () =>
      stage.step(actor, {
        name: 'reads the application',
        go: () => {
          actor.graphSeen = world.graphDisturbed;
          return answer(world.present());
        },
        unanswered,
        others: { stale: () => answer(seenAt(stage.now() - world.staleMs)) },
      }),
    addPassword(_appId, displayName, endsAt) {
      judge.sends(actor, 'mints');
      const go = (): MintReply => {
        judge.changes(actor, 'mints');
        const now = stage.now();
        const keyId = `key-${displayName.slice(-6)}`;
        const [value, startsAt] = [world.newValue(), now + world.skew.graph];
        world.add({ keyId, displayName, value, startsAt, endsAt, addedAt: now });
        actor.minted = { keyId, at: now };
        judge.minted(actor, displayName);
        return { kind: 'minted', credential: { keyId, endsAt, secret: new Secret(value) } };
      };
      const refused = (): MintReply => ({ kind: 'refused', error: failure() });
      const policy = (): MintReply => ({
        kind: 'refused',
        error: new source.RotationProblem('lifetime_policy'),
      });
      return stage.step(actor, {
        ...{ name: 'mints', go, others: { refused, policy } },
        unanswered: () => ({ kind: 'unanswered', error: failure() }),
      });
    },
    removePassword(_appId, keyId) {
      const own = actor.minted?.keyId === keyId;
      if (!own) judge.sends(actor, `removes ${keyId}`);
      const go = (): undefined => {
        const found = world.present().find((one) => one.keyId === keyId);
        if (!found) return;
        if (!own) judge.changes(actor, `removes ${keyId}`);
        judge.removed(actor, found);
        // What a person asked for is that person's doing.
        world.remove(found, stage.now(), actor.wanted.revoke === keyId ? 'operator' : actor.name);
      };
      return stage.step(actor, { name: `removes ${keyId}`, go, unanswered, others: { refused: unanswered } });
    },
    survey: async () => ({}),
    identity: () => undefined,
  };
}

export function vaultOf(place: Place, actor: Actor): VaultSecrets {
  const { world, stage, judge, source } = place;
  const { vault } = actor;
  const step = <T>(name: string, go: () => T): Promise<T> => stage.step(actor, { name, go, unanswered });
  const find = (versionId: string) => vault.versions.find((one) => one.versionId === versionId);
  return {
    current: () =>
      step('reads the secret', () => {
        const { current } = vault;
        actor.looks += 1;
        actor.looked = { version: current, disturbed: vault.disturbed };
        const serverTime = stage.now() + world.skew.vault;
        if (!current) return { value: undefined, serverTime };
        if (!current.enabled) throw new source.RotationProblem('secret_disabled');
        return { value: { ...current, value: new Secret(current.text) }, serverTime };
      }),
    versions: () => step('lists the versions', () => vault.versions.map((one) => ({ ...one }))),
    isDeleted: () => step('looks for a deleted secret', () => vault.deleted),
    publish: (_name, publication) => publish(place, actor, publication),
    tag(_name, versionId, tags, expiresAt) {
      judge.sends(actor, 'tags');
      return step(`tags ${versionId}`, () => {
        const version = find(versionId);
        if (!version) return;
        judge.changes(actor, 'tags');
        judge.tagged(version, tags);
        Object.assign(version, { tags, expiresAt });
      });
    },
    disable(_name, versionId) {
      judge.sends(actor, 'disables');
      return step(`disables ${versionId}`, () => {
        const version = find(versionId);
        if (!version?.enabled) return;
        judge.disabled(actor, version);
        version.enabled = false;
      });
    },
  };
}

function publish(
  { world, stage, judge, source }: Place,
  actor: Actor,
  { value, expiresAt, tags }: Parameters<VaultSecrets['publish']>[1],
): Promise<PublishReply> {
  const { vault } = actor;
  const text = value.reveal();
  judge.publishes(actor, text);
  const put = (): string => {
    const version = world.set(vault, { text, tags, now: stage.now(), by: actor.name }, expiresAt);
    judge.published(version);
    return version.versionId;
  };
  const no = (kind: 'refused' | 'throttled' | 'unanswered') => (): PublishReply => ({
    kind,
    error: failure(),
  });
  const go = (): PublishReply => {
    if (vault.deleted) return { kind: 'refused', error: new source.RotationProblem('secret_deleted') };
    // What another one publishes is seen only by looking again.
    vault.disturbed += 1;
    return { kind: 'published', versionId: put() };
  };
  const late = () => {
    world.underWay.push(text);
    return (): void => {
      world.underWay.splice(world.underWay.indexOf(text), 1);
      if (vault.deleted) return;
      vault.disturbed += 1;
      put();
    };
  };
  const step: Step<PublishReply> = {
    ...{ name: 'publishes', go, late, unanswered: no('unanswered') },
    others: { refused: no('refused'), throttled: no('throttled') },
  };
  return stage.step(actor, step);
}

export function probeOf({ world, stage }: Place, actor: Actor): TokenProbe {
  return {
    async ask(_client, secret) {
      const value = secret.reveal();
      const knows = world.byValue(value) !== undefined;
      const answered = (kind: ProbeAnswer['kind']): ProbeAnswer => {
        actor.proofs.set(value, kind === 'issued' ? (actor.proofs.get(value) ?? 0) + 1 : 0);
        if (kind === 'issued') actor.seenSinceProof = false;
        const own = world.byValue(value)?.keyId === actor.minted?.keyId && actor.minted !== undefined;
        if (!own && (kind === 'rejected' || kind === 'expired')) {
          world.rejections.set(value, [...(world.rejections.get(value) ?? []), stage.now()]);
        }
        return { kind };
      };
      const others = {
        throttled: () => answered('unknown'),
        ...(knows ? { flapping: () => answered('rejected') } : {}),
      };
      return stage.step(actor, {
        name: knows || value.includes(mark) ? 'asks for a token' : 'asks with a wrong secret',
        go: () => answered(judgeOf(world, value, stage.now())),
        ...{ unanswered: () => answered('unknown'), others },
      });
    },
  };
}

function judgeOf(world: World, value: string, now: number): ProbeAnswer['kind'] {
  const found = world.byValue(value);
  const known = found && found.addedAt + world.lagMs <= now && found.removedAt > now;
  if (!known) return 'rejected';
  return found.endsAt > now ? 'issued' : 'expired';
}
