// Gives the application a new credential and proves it; whatever fails after the mint takes the credential away again.
import { describeError } from '../platform/log.ts';
import {
  rotationFinishMs,
  rotationPollGapMs,
  rotationPolls,
  rotationVerifyDeadlineMs,
} from '../platform/limits.ts';
import type { MintedCredential } from './graphApplications.ts';
import { RotationProblem } from './problems.ts';
import { probeIds } from './requestIds.ts';
import { keptIntents } from './stateDocument.ts';
import { displayNameOf } from './target.ts';
import { proves } from './tokenProbe.ts';
import { verify } from './verify.ts';
import { noteIds, remove, requireLease, timed, type Work } from './work.ts';

const dayMs = 24 * 3_600_000;

/**
 * Writes the intent, mints, proves. Throws without leaving a credential behind as far as that can be known; what is left
 * carries the target's display name and is swept by a later run.
 */
export async function mintAndProve(work: Work, attempt: string): Promise<MintedCredential> {
  const { services, target, progress } = work;
  const displayName = displayNameOf(target.id, attempt);
  await writeIntent(work, displayName);
  const credential = await timed(services, progress.durations, 'mint', () => mint(work, displayName));
  progress.newKeyId = credential.keyId;
  try {
    await timed(services, progress.durations, 'verify', () => prove(work, credential));
    return credential;
  } catch (error) {
    await compensate(work, credential.keyId);
    throw error;
  }
}

/** The compare-and-swap is what keeps two runs from minting at once: no written intent, no mint. */
async function writeIntent({ state, seen }: Work, displayName: string): Promise<void> {
  const { now, credentials } = seen.observation;
  const existing = new Set(credentials.map((credential) => credential.displayName));
  const intents = keptIntents(state.value.intents, existing, now);
  await state.save({ intents: [...intents, { displayName, time: now, published: false }] });
}

async function mint(work: Work, displayName: string): Promise<MintedCredential> {
  const { services, target, seen, signal } = work;
  requireLease(work);
  const endsAt = seen.observation.now + target.client.validityDays * dayMs;
  const reply = await services.applications.addPassword(target.client.appId, displayName, endsAt, signal);
  noteIds(work.progress, { mint: reply.requestId });
  if (reply.kind === 'minted') return reply.credential;
  if (reply.kind === 'refused') {
    if (reply.error instanceof RotationProblem) work.progress.obstacle = reply.error.problem;
    throw reply.error;
  }
  await removeByName(work, displayName);
  throw new RotationProblem('mint_unanswered', reply.error);
}

/** An unanswered mint is found by its display name; Graph may show it late, so one look is not enough. */
async function removeByName(work: Work, displayName: string): Promise<void> {
  const { applications, clock } = work.services;
  const { appId } = work.target.client;
  try {
    for (let polls = 1; polls <= rotationPolls; polls += 1) {
      await clock.sleep(rotationPollGapMs);
      const { credentials } = await applications.read(appId);
      const found = credentials.find((credential) => credential.displayName === displayName);
      if (!found) continue;
      await remove(work, found.keyId);
      return;
    }
  } catch (error) {
    work.log.warn('rotation_mint_not_found_again', { appId, ...describeError(error) });
  }
}

async function prove(work: Work, credential: MintedCredential): Promise<void> {
  const { services, target, seen, signal, progress } = work;
  const control = await seen.control();
  const proven = await verify(
    async () => {
      const answer = await services.probe.ask(target.client, credential.secret, signal);
      const proof = proves(answer, control);
      if (!proof) noteIds(progress, probeIds(answer.ids));
      return proof;
    },
    services.clock,
    {
      deadlineMs: Math.min(rotationVerifyDeadlineMs, work.remainingMs() - rotationFinishMs),
      signal,
      onAttempt: () => {
        progress.verifyAttempts += 1;
      },
    },
  );
  if (!proven) throw new RotationProblem('verify_failed');
  await requireCredential(work, credential.keyId);
}

/** Somebody may have removed it meanwhile. From here on the run finishes even when its time is up: the secret is proven. */
async function requireCredential({ services, target }: Work, keyId: string): Promise<void> {
  for (let polls = 1; polls <= rotationPolls; polls += 1) {
    if (polls > 1) await services.clock.sleep(rotationPollGapMs);
    const { credentials } = await services.applications.read(target.client.appId);
    if (credentials.some((one) => one.keyId === keyId)) return;
  }
  throw new RotationProblem('credential_gone');
}

/** Takes a credential away that was never published. Never throws: a later run sweeps what stays. */
export async function compensate(work: Work, keyId: string): Promise<void> {
  const { appId } = work.target.client;
  try {
    await remove(work, keyId);
  } catch (error) {
    work.progress.warnings.push(
      `the unpublished credential ${keyId} could not be removed: a later run sweeps it`,
    );
    work.log.warn('rotation_compensation_failed', { appId, keyId, ...describeError(error) });
  }
}
