// Carries out a plan, step by step, and tells what became of it.
import { describeError } from '../platform/log.ts';
import type { Step } from './plan.ts';
import { RotationProblem } from './problems.ts';
import { mintAndProve } from './mint.ts';
import { publish } from './publish.ts';
import { lifeOf, type Outcome, type RotationReport } from './report.ts';
import { tagsFor } from './tags.ts';
import { attemptId, displayNameOf } from './target.ts';
import { remove, requireLease, timed, type Work } from './work.ts';

type Change = Partial<RotationReport>;

/** Throws at the first step that fails; what was done before it stays done, and a later run plans the rest anew. */
export async function act(work: Work): Promise<Change> {
  const { steps } = work.plan;
  if (!steps.some(isMint) && steps.some(removes)) await requireCurrent(work);
  let change: Change = {};
  for (const step of steps) {
    requireLease(work);
    change = { ...change, ...(await take(work, step)) };
  }
  return { ...change, outcome: outcomeOf(steps) };
}

function isMint({ kind }: Step): boolean {
  return kind === 'mint';
}

function removes({ kind }: Step): boolean {
  return kind === 'retire' || kind === 'sweep' || kind === 'removeExpired' || kind === 'revoke';
}

async function take(work: Work, step: Step): Promise<Change> {
  const { services, target } = work;
  switch (step.kind) {
    case 'adopt':
      return work.plan.steps.some(isMint) ? adoptIfPossible(work, step) : adopt(work, step);
    case 'mint':
      return rotate(work);
    case 'revoke':
    case 'retire':
    case 'sweep':
    case 'removeExpired':
      await remove(work, step.keyId, work.signal);
      return {};
    case 'disableVersion':
      await services.vault.disable(target.client.secretName, step.versionId, work.signal);
      return {};
  }
}

type Adoption = Extract<Step, { kind: 'adopt' }>;

/** The new secret is due whether or not the old one could be tagged; what has no tag is only never removed. */
async function adoptIfPossible(work: Work, step: Adoption): Promise<Change> {
  try {
    return await adopt(work, step);
  } catch (error) {
    const { appId } = work.target.client;
    const { keyId } = step;
    work.progress.warnings.push(
      `the old version could not be tagged with ${keyId}: that is left alone for ever`,
    );
    work.log.warn('rotation_adoption_failed', { appId, keyId, ...describeError(error) });
    return {};
  }
}

/** Recorded first: without the record the tag is only a claim, and the credential is left alone for ever. */
async function adopt(work: Work, { versionId, keyId, endsAt }: Adoption): Promise<Change> {
  const { services, target, state, seen, signal } = work;
  const { appId, secretName } = target.client;
  const { now, objectId, credentials } = seen.observation;
  await state.save({ adopted: [...new Set([...state.value.adopted, keyId])] });
  const startsAt = credentials.find((one) => one.keyId === keyId)?.startsAt ?? now;
  const validityDays = Math.round((endsAt - startsAt) / (24 * 3_600_000));
  const tags = {
    ...seen.current?.tags,
    ...tagsFor({ keyId, objectId, appId, validityDays, verifiedAt: now }),
  };
  requireLease(work);
  await services.vault.tag(secretName, versionId, tags, endsAt, signal);
  return { keyId, versionId };
}

async function rotate(work: Work): Promise<Change> {
  const { services, state, seen, plan, progress } = work;
  const { clock, uuid } = services;
  const { now } = seen.observation;
  const attempt = attemptId(now, uuid());
  const mintedAt = clock.monotonic();
  const credential = await mintAndProve(work, attempt);
  const published = await timed(services, progress.durations, 'publish', () =>
    publish(work, credential, attempt, mintedAt),
  );
  const displayName = displayNameOf(work.target.id, attempt);
  const intents = state.value.intents.map((one) =>
    one.displayName === displayName ? { ...one, published: true } : one,
  );
  await state.save({ intents }).catch(() => {
    progress.warnings.push('the state could not be written: it does not know that the mint was published');
  });
  // Whoever overtook us has published a proven secret too; ours stays valid and is retired like any previous one.
  if (published.readBack !== 'current')
    progress.warnings.push(`the new version was read back as: ${published.readBack}`);
  const revoking = plan.steps.some(({ kind }) => kind === 'revoke');
  if (revoking && published.readBack !== 'current') throw new RotationProblem('overtaken');
  const { keyId, endsAt } = credential;
  const previous = previousKeyId(work);
  return {
    ...{ keyId, newKeyId: keyId, versionId: published.versionId },
    ...lifeOf(now, endsAt, work.target.client),
    ...(previous === undefined ? {} : { previousKeyId: previous }),
  };
}

function previousKeyId({ plan, seen }: Work): string | undefined {
  const adopted = plan.steps.find((step) => step.kind === 'adopt');
  return adopted?.keyId ?? seen.observation.current?.credentialId;
}

/** An operator may have set another version since it was observed: then the one to be removed may be in use again. */
async function requireCurrent({ services, target, seen, signal }: Work): Promise<void> {
  const { value } = await services.vault.current(target.client.secretName, signal);
  if (value?.versionId !== seen.current?.versionId) throw new RotationProblem('overtaken');
}

function outcomeOf(steps: readonly Step[]): Outcome {
  const has = (kind: Step['kind']): boolean => steps.some((step) => step.kind === kind);
  if (has('revoke')) return 'revoked';
  if (has('mint')) return 'rotated';
  if (has('adopt')) return 'adopted';
  return steps.length > 0 ? 'cleaned' : 'noop';
}
