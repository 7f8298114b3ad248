// Judges what Microsoft Graph answers when it does not do what it was asked.
import * as z from 'zod/mini';
import { AppError } from '../platform/errors.ts';
import type { RestReply } from '../platform/restClient.ts';
import { RotationProblem, type ProblemCode } from './problems.ts';
import { requestIdIn, UpstreamAnswer } from './requestIds.ts';

const errorShape = z.looseObject({ error: z.looseObject({ code: z.string(), message: z.string() }) });

export const dateShape = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)), 'a date'));

interface GraphErrorText {
  readonly code: string;
  readonly message: string;
}

/** Graph's own code and words, empty where the answer is not of its shape: to be judged, never to be shown. */
export function errorIn({ text }: RestReply): GraphErrorText {
  try {
    return errorShape.parse(JSON.parse(text)).error;
  } catch {
    return { code: '', message: '' };
  }
}

/** Throttled, or refused because of a concurrent change: certainly not executed. */
export function happenedNever(reply: RestReply): boolean {
  if (reply.status === 429) return true;
  return reply.status === 409 && errorIn(reply).code === 'Directory_ConcurrencyViolation';
}

/** Milliseconds that `Retry-After` asks for, in its form of whole seconds. */
export function waitOf(reply: RestReply): number | undefined {
  const value = reply.header('retry-after') ?? reply.header('x-retry-after') ?? '';
  return /^\d+$/.test(value) ? Number(value) * 1000 : undefined;
}

export function requestIdOf(reply: RestReply): string | undefined {
  return requestIdIn(reply.header('request-id'));
}

/** The one refusal of `removePassword` that means it is done. */
export function isGone(reply: RestReply): boolean {
  return reply.status === 400 && /No password credential found with keyId/i.test(errorIn(reply).message);
}

/** The error that `reply` stands for; Graph's own code and request id go into its cause. */
export function graphFailure(reply: RestReply, kind: 'read' | 'write'): AppError {
  const { code, message } = errorIn(reply);
  const cause = new UpstreamAnswer(`Graph answered ${reply.status} ${code}`, requestIdOf(reply));
  const problem = problemIn(reply.status, code, message, kind);
  if (problem) return new RotationProblem(problem, cause);
  if (reply.status === 429) {
    const wait = waitOf(reply);
    const retryAfterSeconds = wait === undefined ? undefined : Math.ceil(wait / 1000);
    return new AppError('upstream_throttled', 'Microsoft Graph is throttling this app.', {
      cause,
      retryAfterSeconds,
    });
  }
  return new AppError('upstream_failed', 'Microsoft Graph refused or failed.', { cause });
}

function problemIn(
  status: number,
  code: string,
  message: string,
  kind: 'read' | 'write',
): ProblemCode | undefined {
  if (code === 'CredentialInvalidLifetimeAsPerAppPolicy') return 'lifetime_policy';
  if (code === 'CredentialTypeNotAllowedAsPerAppPolicy') return 'secret_policy';
  if (/size of the object has exceeded its limit/i.test(message)) return 'application_full';
  if (status === 403) return kind === 'read' ? 'graph_denied' : 'graph_write_denied';
  return status === 404 && kind === 'read' ? 'application_missing' : undefined;
}
