// One target's run while it acts: what it stands on, and what it has to tell afterwards.
import type { Log } from '../platform/log.ts';
import type { Seen, Services } from './observe.ts';
import type { Plan } from './plan.ts';
import { RotationProblem, type ProblemCode } from './problems.ts';
import type { RequestIds } from './requestIds.ts';
import type { TargetState } from './stateDocument.ts';
import type { Target } from './target.ts';

export interface Work {
  readonly services: Services;
  readonly target: Target;
  readonly state: Pick<TargetState, 'value' | 'save'>;
  readonly seen: Seen;
  readonly plan: Plan;
  readonly log: Log;
  /** Aborts at the end of the budget, at shutdown and when the lease is lost. */
  readonly signal: AbortSignal;
  readonly remainingMs: () => number;
  /** Whether the lease still holds for certain. */
  readonly vouches: () => boolean;
  readonly progress: Progress;
}

/** Told in the report even when the run fails. */
export interface Progress {
  verifyAttempts: number;
  newKeyId?: string;
  readonly durations: Record<string, number>;
  readonly warnings: string[];
  requestIds?: RequestIds;
  /** What definitely refused the mint or the publish. */
  obstacle?: ProblemCode;
}

/** Adds ids to those that the report tells. */
export function noteIds(progress: Progress, ids: RequestIds): void {
  if (Object.values(ids).every((id) => id === undefined)) return;
  progress.requestIds = { ...progress.requestIds, ...ids };
}

/** Removes a credential and notes under which id. Throws as `Applications.removePassword`. */
export async function remove(
  { services, target, progress }: Work,
  keyId: string,
  signal?: AbortSignal,
): Promise<void> {
  const requestId = await services.applications.removePassword(target.client.appId, keyId, signal);
  if (requestId === undefined) return;
  noteIds(progress, { removals: [...(progress.requestIds?.removals ?? []), requestId] });
}

/** Asked before each write: without the lease another run may be at the same step. */
export function requireLease(work: Work): void {
  work.signal.throwIfAborted();
  if (!work.vouches()) throw new RotationProblem('lease_lost');
}

/** Runs `phase` and notes how long it took, however it ends. */
export async function timed<T>(
  { clock }: Pick<Services, 'clock'>,
  durations: Record<string, number>,
  name: string,
  phase: () => Promise<T>,
): Promise<T> {
  const begun = clock.monotonic();
  try {
    return await phase();
  } finally {
    durations[name] = Math.round(clock.monotonic() - begun);
  }
}
