// One thing that the doctor looked at: how it is, and what mends it where it is not well.
import { cureOf, needs, type DependencyName, type FailureKind } from '../../src/platform/cures.ts';
import { signInErrorIn } from '../../src/platform/credential.ts';
import { judgeStatus } from '../../src/platform/dependencies.ts';
import { isAppError } from '../../src/platform/errors.ts';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import { networkCodeIn } from '../here/networkCode.ts';
import { explain, fillIn, RotationProblem } from '../../src/rotation/problems.ts';

/** `unproven`: nothing harmless shows it, or it could not be looked at. */
export type Verdict = 'ok' | 'failed' | 'unproven';

export interface Finding {
  /** As in `Key Vault: read dicom-client-secret`. */
  readonly check: string;
  readonly verdict: Verdict;
  readonly detail: string;
  /** Role, command or page. */
  readonly cure?: string;
}

export interface Looked {
  readonly verdict: Exclude<Verdict, 'failed'>;
  readonly detail: string;
}

export const fine = (detail = ''): Looked => ({ verdict: 'ok', detail });
export const unproven = (detail: string): Looked => ({ verdict: 'unproven', detail });

/** Runs one check of a service; whatever it throws becomes a finding in our words, never in those of an upstream. */
export async function look(
  name: DependencyName,
  check: string,
  work: () => Promise<Looked>,
  known: Readonly<Record<string, string | undefined>> = {},
): Promise<Finding> {
  try {
    return { check, ...(await work()) };
  } catch (error) {
    const { detail, cure } = failureOf(name, error);
    return { check, verdict: 'failed', detail, cure: fillIn(cure, known) };
  }
}

function failureOf(name: DependencyName, error: unknown): { readonly detail: string; readonly cure: string } {
  const signIn = signInErrorIn(error);
  if (signIn) return { detail: 'no token for it', cure: signIn.message };
  if (error instanceof FeedStop) return { detail: error.message, cure: error.advice };
  if (error instanceof RotationProblem) {
    const { message, advice } = explain(error);
    return { detail: message, cure: advice };
  }
  const status = statusIn(error);
  const kind: FailureKind = (status === undefined ? undefined : judgeStatus(name, status)) ?? 'silent';
  const { service } = needs[name];
  const told = status === undefined ? silence(error) : `answers ${status}`;
  const detail = `${service}: ${kind === 'refused' ? `refuses (${told})` : told}`;
  return { detail, cure: cureOf(name, kind) };
}

function silence(error: unknown): string {
  if (isAppError(error) && error.code === 'upstream_timeout') return 'no answer in time';
  const code = networkCodeIn(error);
  return code === undefined ? 'no usable answer' : `no answer (${code})`;
}

/** Nothing of an app that is configured for nothing can be wrong, nor be of use. */
export function idle(states: readonly string[]): readonly Finding[] {
  if (states.some((state) => state !== 'off')) return [];
  const cure = 'Set what at least one job needs; the README lists the settings.';
  return [{ check: 'Settings', verdict: 'failed', detail: 'no job is on: the app does nothing', cure }];
}

/** Of the error or what lies underneath it. */
export function statusIn(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const status: unknown = Reflect.get(at, 'statusCode');
    if (typeof status === 'number') return status;
    const told = isAppError(at) ? undefined : /^the issuer answered (\d{3})$/.exec(at.message)?.[1];
    if (told !== undefined) return Number(told);
  }
  return undefined;
}
