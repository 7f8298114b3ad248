// What may be asked of a run: checked, and turned into the targets it is about and the record it leaves.
import type { AuditEntry } from '../platform/audit.ts';
import { AppError } from '../platform/errors.ts';
import type { Target } from './target.ts';

export interface RotationRequest {
  /** Client id of an application, or the name of a secret; all service clients without it. */
  readonly target?: string | undefined;
  /** Plans and reports, changes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Rotates although nothing is due, and in spite of the minimum interval. Needs `reason`. */
  readonly force?: boolean | undefined;
  /** Key id of a leaked credential, which is removed without overlap. Needs `reason`. */
  readonly revoke?: string | undefined;
  readonly reason?: string | undefined;
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Throws `invalid_request`, which names the field, and `not_found` for a target that is not configured. */
export function chooseTargets(request: RotationRequest, targets: readonly Target[]): readonly Target[] {
  requireSense(request);
  const wanted = request.target?.toLowerCase();
  if (wanted === undefined && request.revoke === undefined) return targets;
  const chosen = targets.filter(
    ({ client }) =>
      wanted === undefined ||
      client.appId.toLowerCase() === wanted ||
      client.secretName.toLowerCase() === wanted,
  );
  if (chosen.length === 0) {
    throw new AppError(
      'not_found',
      'target: no service client with this appId or secret name is configured.',
    );
  }
  if (request.revoke !== undefined && chosen.length > 1) {
    throw new AppError(
      'invalid_request',
      'target: expected the secret name of one service client, for revoke.',
    );
  }
  return chosen;
}

function requireSense({ force, revoke, reason }: RotationRequest): void {
  if (revoke !== undefined && !guid.test(revoke)) {
    throw new AppError('invalid_request', 'revoke: expected the key id of a credential, a GUID.');
  }
  if (revoke !== undefined && force === true) {
    throw new AppError(
      'invalid_request',
      'force: not together with revoke, which mints where that is needed.',
    );
  }
  if ((force === true || revoke !== undefined) && (reason ?? '').trim() === '') {
    throw new AppError(
      'invalid_request',
      'reason: expected a text that says why; it is needed with force and revoke.',
    );
  }
}

/** Forced rotations and revocations are recorded; a dry run does nothing that could be. */
export function auditEntryOf(
  { dryRun, force, revoke, reason }: RotationRequest,
  targets: readonly Target[],
  { actor, run }: { readonly actor: string; readonly run: { readonly requestId: string } },
): AuditEntry | undefined {
  if (dryRun === true || (force !== true && revoke === undefined)) return undefined;
  const clients = targets.map(({ client }) => `${client.appId}/${client.secretName}`).join(',');
  return {
    ...{ actor, reason, requestId: run.requestId },
    action: revoke === undefined ? 'rotation.force' : 'rotation.revoke',
    subject: revoke === undefined ? clients : `${clients}/${revoke.toLowerCase()}`,
  };
}
