// Stores a proven secret as the vault's new current version, and says what is certain about it.
import { signInFailed } from '../platform/credential.ts';
import type { AppError } from '../platform/errors.ts';
import { describeError } from '../platform/log.ts';
import {
  rotationPublishWithinMs,
  rotationVaultTimeoutMs,
  rotationWriteTries,
  rotationWriteWaitMs,
} from '../platform/limits.ts';
import type { MintedCredential } from './graphApplications.ts';
import type { Publication } from './keyVaultSecrets.ts';
import { compensate } from './mint.ts';
import { RotationProblem } from './problems.ts';
import { tagsFor, tagsOf } from './tags.ts';
import { noteIds, type Work } from './work.ts';

/** Not observed: the version was written, but reading it back failed. */
export type ReadBack = 'current' | 'overtaken' | 'unknown';

export interface Published {
  readonly versionId: string;
  readonly readBack: ReadBack;
}

/**
 * Publishes within ten minutes of the mint (`mintedAt`, monotonic). A definite refusal removes the credential; after an
 * unanswered write it stays, for Key Vault may still carry the write out.
 */
export async function publish(
  work: Work,
  credential: MintedCredential,
  attempt: string,
  mintedAt: number,
): Promise<Published> {
  const publication = publicationOf(work, credential, attempt);
  let unsure: AppError | undefined;
  const giveUp = async (error: AppError): Promise<never> => {
    if (unsure) throw new RotationProblem('publish_unanswered', unsure);
    await compensate(work, credential.keyId);
    throw error;
  };
  for (let tries = 1; ; tries += 1) {
    const late = tooLate(work, mintedAt);
    if (late) return giveUp(late);
    const reply = await work.services.vault.publish(work.target.client.secretName, publication);
    noteIds(work.progress, { publish: reply.requestId });
    if (reply.kind === 'published') {
      return { versionId: reply.versionId, readBack: await readBack(work, credential) };
    }
    if (reply.kind === 'refused') return giveUp(refusal(work, reply.error));
    if (reply.kind === 'unanswered') {
      unsure = reply.error;
      const stored = await currentVersionOf(work, credential).catch(() => undefined);
      if (stored !== undefined) return { versionId: stored, readBack: 'current' };
    }
    const another = tries < rotationWriteTries && work.remainingMs() > 2 * rotationVaultTimeoutMs;
    if (!another) return giveUp(reply.error);
    await work.services.clock.sleep(rotationWriteWaitMs * 2 ** (tries - 1));
  }
}

/** Remembered, for the next run would be refused too; a sign-in that failed is no word of Key Vault. */
function refusal({ progress }: Work, error: AppError): AppError {
  if (signInFailed(error)) return error;
  const problem = error instanceof RotationProblem ? error : new RotationProblem('publish_refused', error);
  progress.obstacle = problem.problem;
  return problem;
}

function tooLate(work: Work, mintedAt: number): RotationProblem | undefined {
  if (!work.vouches()) return new RotationProblem('lease_lost');
  const late = work.services.clock.monotonic() - mintedAt > rotationPublishWithinMs;
  return late ? new RotationProblem('publish_late') : undefined;
}

function publicationOf({ target, seen }: Work, credential: MintedCredential, attempt: string): Publication {
  const { appId, validityDays } = target.client;
  const { objectId, now } = seen.observation;
  const { keyId, endsAt, secret } = credential;
  const tags = tagsFor({ keyId, objectId, appId, validityDays, attempt, verifiedAt: now });
  return { value: secret, expiresAt: endsAt, tags };
}

async function readBack(work: Work, credential: MintedCredential): Promise<ReadBack> {
  try {
    return (await currentVersionOf(work, credential)) === undefined ? 'overtaken' : 'current';
  } catch (error) {
    work.log.warn('rotation_read_back_failed', { appId: work.target.client.appId, ...describeError(error) });
    return 'unknown';
  }
}

/** The vault's current version where it is the one that carries `credential`, by its tag and by its value. */
async function currentVersionOf(
  work: Work,
  { keyId, secret }: MintedCredential,
): Promise<string | undefined> {
  const { value: current } = await work.services.vault.current(work.target.client.secretName);
  if (!current || tagsOf(current.tags).credentialId !== keyId) return undefined;
  return current.value.reveal() === secret.reveal() ? current.versionId : undefined;
}
