// The guards between the steps of a rotation, met by fakes that allow nothing else than what the test expects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotationPublishWithinMs } from '../../src/platform/limits.ts';
import { createLog } from '../../src/platform/log.ts';
import { Secret } from '../../src/platform/secret.ts';
import type { CurrentSecret } from '../../src/rotation/keyVaultSecrets.ts';
import { mintAndProve } from '../../src/rotation/mint.ts';
import type { Seen, Services } from '../../src/rotation/observe.ts';
import { RotationProblem, type ProblemCode } from '../../src/rotation/problems.ts';
import { publish, type Published } from '../../src/rotation/publish.ts';
import { keptIntents } from '../../src/rotation/stateDocument.ts';
import { verify } from '../../src/rotation/verify.ts';
import type { Work } from '../../src/rotation/work.ts';

const never = (what: string) => (): Promise<never> => Promise.reject(new Error(`unexpected: ${what}`));

/** A run in the middle of its work: every call that `allowed` does not name is an error. */
function workWith(allowed: {
  vouches?: boolean;
  applications?: Partial<Services['applications']>;
  vault?: Partial<Services['vault']>;
}): { work: Work; slept: number[]; removed: string[] } {
  const slept: number[] = [];
  const removed: string[] = [];
  let time = 0;
  const nothing = (): undefined => undefined;
  const services: Services = {
    applications: {
      read: never('read'),
      addPassword: never('addPassword'),
      async removePassword(_, keyId) {
        removed.push(keyId);
        return undefined;
      },
      survey: never('survey'),
      identity: () => undefined,
      ...allowed.applications,
    },
    vault: {
      ...{ current: never('current'), versions: never('versions'), isDeleted: never('isDeleted') },
      ...{ publish: never('publish'), tag: never('tag'), disable: never('disable'), ...allowed.vault },
    },
    probe: { ask: never('ask') },
    clock: {
      ...{ now: () => time, monotonic: () => time },
      async sleep(ms) {
        slept.push(ms);
        time += ms;
      },
    },
    uuid: () => 'uuid',
  };
  const client = { appId: 'app', tenantId: 'tenant', secretName: 'secret', retire: 'remove' } as const;
  const seen = { observation: { now: 0, objectId: 'object', credentials: [] } } as unknown as Seen;
  const state = { value: { intents: [] }, save: () => Promise.resolve() } as unknown as Work['state'];
  const work: Work = {
    ...{ services, seen, state, log: createLog({ info: nothing, warn: nothing, error: nothing }) },
    target: { client: { ...client, validityDays: 90, beforeDays: 30, overlapHours: 168 }, id: 'a' },
    plan: { steps: [] } as unknown as Work['plan'],
    signal: new AbortController().signal,
    remainingMs: () => 240_000,
    vouches: () => allowed.vouches ?? true,
    progress: { verifyAttempts: 0, durations: {}, warnings: [] },
  };
  return { work, slept, removed };
}

const credential = { keyId: 'k2', endsAt: 1, secret: new Secret('new value') };
const published = { publish: () => Promise.resolve({ kind: 'published', versionId: 'v2' } as const) };
const publishNow = (work: Work, mintedAt = 0): Promise<Published> =>
  publish(work, credential, 'attempt', mintedAt);

async function stopsWith(code: ProblemCode, run: Promise<unknown>): Promise<void> {
  await assert.rejects(run, (error) => error instanceof RotationProblem && error.problem === code);
}

test('without a lease that still vouches nothing is minted', async () => {
  await stopsWith('lease_lost', mintAndProve(workWith({ vouches: false }).work, 'attempt'));
});

test('without a lease that still vouches nothing is published, and the new credential is taken away', async () => {
  const { work, removed } = workWith({ vouches: false });
  await stopsWith('lease_lost', publishNow(work));
  assert.deepEqual(removed, ['k2']);
});

test('later than ten minutes after its mint a secret is never published', async () => {
  const { work, removed } = workWith({});
  await stopsWith('publish_late', publishNow(work, -rotationPublishWithinMs - 1));
  assert.deepEqual(removed, ['k2']);
});

test('a version read back is current only if its tag and its value are the new ones', async () => {
  const version: CurrentSecret = {
    ...{ versionId: 'v2', enabled: true, createdAt: 0, expiresAt: undefined },
    ...{ tags: { CredentialId: 'K2' }, value: new Secret('new value') },
  };
  const cases = [
    [version, 'current'],
    [{ ...version, value: new Secret('other value') }, 'overtaken'],
    [{ ...version, tags: { CredentialId: 'k3' } }, 'overtaken'],
    [undefined, 'overtaken'],
  ] as const;
  for (const [value, readBack] of cases) {
    const vault = { ...published, current: () => Promise.resolve({ value, serverTime: 0 }) };
    assert.equal((await publishNow(workWith({ vault }).work)).readBack, readBack);
  }
  const unread = { ...published, current: never('no answer') };
  assert.equal((await publishNow(workWith({ vault: unread }).work)).readBack, 'unknown');
});

function proofs(...answers: boolean[]): () => Promise<boolean> {
  return () => {
    const next = answers.shift();
    return next === undefined ? Promise.reject(new Error('asked too often')) : Promise.resolve(next);
  };
}

test('the proof is four in a row, three seconds apart, begun at once, and each failure begins it anew', async () => {
  const { work, slept } = workWith({});
  const options = { deadlineMs: 180_000, signal: work.signal, onAttempt: () => undefined };
  const answers = proofs(true, true, true, false, true, true, true, true);
  assert.equal(await verify(answers, work.services.clock, options), true);
  assert.deepEqual(
    slept,
    Array.from({ length: 7 }, () => 3_000),
  );
});

test('the proof gives up when the next question would come after the deadline', async () => {
  const { work, slept } = workWith({});
  const options = { deadlineMs: 6_000, signal: work.signal, onAttempt: () => undefined };
  assert.equal(await verify(proofs(true, true, true), work.services.clock, options), false);
  assert.equal(slept.length, 2);
});

test('an intent is remembered for a day, and as long as its credential exists', () => {
  const day = 24 * 3_600_000;
  const intent = (displayName: string, time: number) => ({ displayName, time, published: false });
  const [recent, old, existing] = [intent('recent', 1), intent('old', 0), intent('existing', -day)];
  assert.deepEqual(keptIntents([recent, old, existing], new Set(['existing']), day), [recent, existing]);
});
