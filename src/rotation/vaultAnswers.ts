// Judges what Key Vault answers when it does not do what it was asked.
import { signInFailed } from '../platform/credential.ts';
import { AppError } from '../platform/errors.ts';
import { wordsOf } from '../platform/log.ts';
import { RotationProblem, type ProblemCode } from './problems.ts';
import { UpstreamAnswer } from './requestIds.ts';

/** Key Vault's own word that there is none: a proxy's 404 must not look like an empty vault. */
export function saysAbsent(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === 'SecretNotFound';
}

/**
 * The error that a failure of the client stands for. The client's own error holds on to the request, and the body of a
 * PUT is the secret: only its words and the status go into the cause.
 */
export function vaultFailure(
  error: unknown,
  { status, requestId }: { readonly status: number | undefined; readonly requestId: string | undefined },
): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : '';
  const cause = signInFailed(error)
    ? error
    : new UpstreamAnswer(`Key Vault: ${String(status ?? 'no answer')} ${wordsOf(error)}`, requestId);
  const problem = problemIn(status, message);
  if (problem) return new RotationProblem(problem, cause);
  if (status === 429)
    return new AppError('upstream_throttled', 'Key Vault is throttling this app.', { cause });
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return new AppError('upstream_timeout', 'Key Vault did not answer in time.', { cause });
  }
  return new AppError('upstream_failed', 'Key Vault refused or failed.', { cause });
}

function problemIn(status: number | undefined, message: string): ProblemCode | undefined {
  if (status === 401) return 'vault_tenant';
  if (status === 403) {
    if (/disabled secret/i.test(message)) return 'secret_disabled';
    return /firewall|client address is not authorized|public network access is disabled/i.test(message)
      ? 'vault_firewall'
      : 'vault_denied';
  }
  // Key Vault docs: a deleted name cannot be written until it is recovered or purged.
  return status === 409 && /deleted but recoverable/i.test(message) ? 'secret_deleted' : undefined;
}
