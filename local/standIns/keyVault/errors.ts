// Key Vault's refusals: statuses and codes as documented or observed; the wording is approximate where no test should lean on it.
import type { ContentfulStatusCode } from 'hono/utils/http-status';

export class VaultError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly inner: string | undefined;

  constructor(status: ContentfulStatusCode, code: string, message: string, inner?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.inner = inner;
  }
}

export interface DeniedCall {
  readonly appId: string;
  readonly oid: string;
  readonly issuer: string;
  readonly action: string;
  readonly vault: string;
  /** `/secrets/<name>`, or nothing for a list. */
  readonly resource: string;
}

export const refused = {
  token: (message: string): VaultError => new VaultError(401, 'Unauthorized', message),
  /** Not an answer of Key Vault, whose unknown names do not resolve; 421 is neither retried nor taken for a missing secret. */
  host: (host: string): VaultError =>
    new VaultError(421, 'VaultNotFound', `No vault of this local run is called ${host}.`),
  parameter: (message: string): VaultError => new VaultError(400, 'BadParameter', message),
  method: (method: string): VaultError =>
    new VaultError(405, 'MethodNotAllowed', `Method ${method} is not allowed here.`),
  role: ({ appId, oid, issuer, action, vault, resource }: DeniedCall): VaultError =>
    new VaultError(
      403,
      'Forbidden',
      [
        'Caller is not authorized to perform action on resource.',
        'If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.',
        `Caller: appid=${appId};oid=${oid};iss=${issuer}`,
        `Action: '${action}'`,
        `Resource: '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/telehealth/providers/microsoft.keyvault/vaults/${vault}${resource}'`,
        'Assignment: (not found)',
        'DenyAssignmentId: null',
        'DecisionReason: null ',
        `Vault: ${vault};location=westeurope`,
        '',
      ].join('\r\n'),
      'ForbiddenByRbac',
    ),
  disabled: (): VaultError =>
    new VaultError(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', 'SecretDisabled'),
  absent: (id: string): VaultError =>
    new VaultError(
      404,
      'SecretNotFound',
      `A secret with (name/id) ${id} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`,
    ),
  notDeleted: (name: string): VaultError =>
    new VaultError(404, 'SecretNotFound', `Deleted Secret not found: ${name}`),
  deleted: (name: string): VaultError =>
    new VaultError(
      409,
      'Conflict',
      `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.`,
      'ObjectIsDeletedButRecoverable',
    ),
};
