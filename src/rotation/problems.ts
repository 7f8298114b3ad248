// What can stop a rotation, in words that say which command or portal page mends it.
import { signInFailed } from '../platform/credential.ts';
import { AppError, isAppError, type ErrorCode } from '../platform/errors.ts';
import { UnreadableDocument } from '../platform/stateDocuments.ts';

interface ProblemText {
  /** How the app answers where this problem leaves the capability as an error. */
  readonly answer: ErrorCode;
  readonly message: string;
  readonly advice: string;
}

const ownerCommand =
  'az ad app owner add --id <appId> --owner-object-id <object id of the managed identity’s service principal>';

const texts = {
  application_missing: {
    answer: 'misconfigured',
    message: 'Microsoft Graph knows no application with this client id.',
    advice: 'Check the appId and the tenant: az ad app show --id <appId>.',
  },
  graph_denied: {
    answer: 'misconfigured',
    message: 'Microsoft Graph does not let the app’s identity read the application.',
    advice:
      'Grant its service principal the Graph app role Application.ReadWrite.OwnedBy (Entra portal, Enterprise applications, Permissions). A new grant can take a day to reach a managed identity.',
  },
  graph_write_denied: {
    answer: 'misconfigured',
    message: 'Microsoft Graph lets the app’s identity read the application but not change it.',
    advice: `Grant Application.ReadWrite.OwnedBy and make the identity an owner: ${ownerCommand}. Owning the enterprise application is not enough.`,
  },
  lifetime_policy: {
    answer: 'misconfigured',
    message: 'A policy of the tenant refuses secrets that live this long.',
    advice:
      'Lower ROTATION_VALIDITY_DAYS (or the client’s validityDays), or ask for an exemption under Entra portal, Enterprise applications, Application policies.',
  },
  secret_policy: {
    answer: 'misconfigured',
    message: 'A policy of the tenant forbids client secrets for this application.',
    advice:
      'Use a managed identity or a federated credential instead, or ask for an exemption under Entra portal, Enterprise applications, Application policies.',
  },
  application_full: {
    answer: 'misconfigured',
    message: 'The application has reached its size limit: it takes no further credential.',
    advice:
      'Remove credentials that nobody uses: az ad app credential list --id <appId>, then az ad app credential delete.',
  },
  vault_denied: {
    answer: 'misconfigured',
    message: 'Key Vault refuses the app’s identity.',
    advice:
      'az role assignment create --role "Key Vault Secrets Officer" --assignee <principal id> --scope <vault resource id>.',
  },
  vault_firewall: {
    answer: 'misconfigured',
    message: 'The firewall of the key vault refuses this app.',
    advice:
      'Allow the app’s outbound addresses or its virtual network: az keyvault network-rule add --name <vault>.',
  },
  vault_tenant: {
    answer: 'misconfigured',
    message: 'Key Vault does not accept tokens of the app’s tenant.',
    advice: 'Check KEY_VAULT_URL: the vault must belong to the tenant of the app’s identity.',
  },
  secret_disabled: {
    answer: 'misconfigured',
    message: 'The current version of the secret is disabled, so that nobody can read it.',
    advice: 'Enable it, or set a good version: az keyvault secret set-attributes --enabled true.',
  },
  secret_deleted: {
    answer: 'misconfigured',
    message: 'The secret is soft-deleted: its name cannot be written until it is recovered.',
    advice: 'az keyvault secret recover --vault-name <vault> --name <secret>.',
  },
  deleted_unreadable: {
    answer: 'misconfigured',
    message:
      'The deleted secrets of the vault could not be read, so that a first secret might go to a wrong vault.',
    advice: 'Give the app’s identity the role "Key Vault Secrets Officer" on the vault.',
  },
  other_target: {
    answer: 'conflict',
    message:
      'The vault holds no such secret, but the application has a credential that was made for another vault or secret.',
    advice:
      'If KEY_VAULT_URL or the secret name is wrong, correct it. Else remove that credential: az ad app credential delete --id <appId> --key-id <keyId>.',
  },
  own_credentials_left: {
    answer: 'conflict',
    message:
      'The vault holds no such secret, yet a credential published under this name still exists: somebody may use it.',
    advice: 'Restore the secret in the vault, or start anew with force and a reason.',
  },
  wrong_tenant: {
    answer: 'misconfigured',
    message: 'Entra does not know the application in this tenant.',
    advice:
      'Check SERVICE_CLIENT_TENANT_ID (or tenantId) and that the app has a service principal: az ad sp create --id <appId>.',
  },
  entra_unusable: {
    answer: 'upstream_failed',
    message: 'Entra’s token endpoint gave no usable answer, so that a new secret could not be proven.',
    advice: 'Nothing was changed. Look at the application’s sign-in logs in the Entra portal if it lasts.',
  },
  clocks_disagree: {
    answer: 'upstream_failed',
    message:
      'The clocks of Graph, Key Vault and this machine differ by more than five minutes, or one could not be read.',
    advice: 'Correct this machine’s clock; with a proxy in between, check that it passes the Date header on.',
  },
  min_interval: {
    answer: 'conflict',
    message: 'A credential was minted for this target less than an hour ago.',
    advice: 'Wait, look at what became of it, or force the rotation with a reason.',
  },
  max_owned: {
    answer: 'conflict',
    message: 'As many credentials of this target exist, or may exist, as are allowed.',
    advice:
      'Older ones are removed by later runs; a revoke of a credential that is no longer current makes room at once.',
  },
  no_time: {
    answer: 'conflict',
    message: 'Too little of the run’s time is left to prove and publish a new secret.',
    advice: 'Run it again, for this client alone.',
  },
  revoke_unknown: {
    answer: 'not_found',
    message: 'The application has no credential with the key id to revoke.',
    advice: 'It may have been removed already: az ad app credential list --id <appId>.',
  },
  mint_unanswered: {
    answer: 'upstream_failed',
    message:
      'Microsoft Graph did not say whether it made the credential; what could be found of it was removed.',
    advice: 'A later run tries again and sweeps what is left.',
  },
  verify_failed: {
    answer: 'upstream_timeout',
    message: 'Entra did not accept the new secret steadily within the deadline, so it was not published.',
    advice: 'A later run tries again. If it lasts, look at the application’s sign-in logs.',
  },
  credential_gone: {
    answer: 'conflict',
    message: 'The new credential disappeared from the application before it was published.',
    advice: 'Look in the audit log of the application for who removed it.',
  },
  publish_late: {
    answer: 'upstream_timeout',
    message: 'The new secret was not published: too much time had passed since its mint.',
    advice: 'A later run tries again.',
  },
  publish_unanswered: {
    answer: 'upstream_failed',
    message:
      'Key Vault did not say whether it stored the new version; the credential is kept, for it may have.',
    advice: 'A later run sees which it was and cleans up.',
  },
  lease_lost: {
    answer: 'busy',
    message: 'The lease on the application was lost: another run may be at work.',
    advice: 'The next run goes on.',
  },
  stopped: {
    answer: 'upstream_timeout',
    message: 'The time of the run was up, or the process was shut down.',
    advice: 'The next run goes on.',
  },
  overtaken: {
    answer: 'conflict',
    message: 'Another version became current in between.',
    advice: 'Run it again.',
  },
  state_unreadable: {
    answer: 'misconfigured',
    message: 'The stored state of this target was written by a newer release, or is damaged.',
    advice:
      'Deploy the newest release everywhere. Only if the state is damaged: delete its blob, then run again.',
  },
  sign_in_failed: {
    answer: 'misconfigured',
    message: 'The app could not sign in to Azure.',
    advice: 'Check the managed identity and AZURE_CLIENT_ID; on a workstation run az login.',
  },
} as const satisfies Record<string, ProblemText>;

export type ProblemCode = keyof typeof texts;

/** What a report says of an error: never an upstream's words. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}

/** An `AppError` that a person can mend. */
export class RotationProblem extends AppError {
  readonly problem: ProblemCode;

  constructor(problem: ProblemCode, cause?: unknown) {
    super(texts[problem].answer, texts[problem].message, { cause });
    this.problem = problem;
  }
}

/** `detail` is put behind the message: ids only. */
export function problemOf(code: ProblemCode, detail?: string): Problem {
  const { message, advice } = texts[code];
  return { code, message: detail === undefined ? message : `${message} ${detail}`, advice };
}

/** Turns whatever was thrown into words for the report. */
export function explain(error: unknown): Problem {
  if (error instanceof RotationProblem) return problemOf(error.problem);
  if (error instanceof UnreadableDocument) return problemOf('state_unreadable');
  if (signInFailed(error)) return problemOf('sign_in_failed');
  if (isAppError(error)) {
    return {
      code: error.code,
      message: error.message,
      advice: 'A later run tries again; the log has the cause.',
    };
  }
  return {
    code: 'internal',
    message: 'An unexpected error ended the run.',
    advice: 'The log has the cause.',
  };
}
