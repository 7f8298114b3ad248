// What each problem of a rotation means, and which command, setting or page mends it.
import type { ErrorCode } from '../platform/errors.ts';

interface ProblemText {
  /** How the app answers where this problem leaves the capability as an error. */
  readonly answer: ErrorCode;
  readonly message: string;
  /** `<appId>`, `<secret>`, `<vault>`, `<keyId>` and `<principal id>` are filled in where they are known. */
  readonly advice: string;
}

const ownerCommand = 'az ad app owner add --id <appId> --owner-object-id <principal id>';
/** Application.ReadWrite.OwnedBy of Microsoft Graph; its service principal has an object id of its own in every tenant. */
const roleCommand =
  'az rest --method POST --uri https://graph.microsoft.com/v1.0/servicePrincipals/<principal id>/appRoleAssignments ' +
  '--body "{\\"principalId\\":\\"<principal id>\\",\\"appRoleId\\":\\"18a4783c-866b-4cc7-a460-3d5e5662c884\\",' +
  '\\"resourceId\\":\\"$(az ad sp show --id 00000003-0000-0000-c000-000000000000 --query id --output tsv)\\"}"';
const vaultRoleCommand =
  'azd provision --no-state, where it was deployed so, or az role assignment create --role "Key Vault Secrets Officer" --assignee-object-id <principal id> ' +
  '--assignee-principal-type ServicePrincipal --scope $(az keyvault show --name <vault> --query id --output tsv)';
const policyPage = 'Entra portal, Enterprise applications, Application policies';
const retry = 'A later run tries again: npm run rotation -- status.';

export const problemTexts = {
  application_missing: {
    answer: 'misconfigured',
    message: 'Microsoft Graph knows no application with this client id.',
    advice: 'Check the appId and the tenant: az ad app show --id <appId>.',
  },
  graph_denied: {
    answer: 'misconfigured',
    message: 'Microsoft Graph does not let the app’s identity read the application.',
    advice: `Grant Application.ReadWrite.OwnedBy: ${roleCommand}. A new grant can take a day to reach a managed identity.`,
  },
  graph_role_missing: {
    answer: 'misconfigured',
    message:
      'The app’s identity may read applications but change none: it lacks the Graph app role Application.ReadWrite.OwnedBy.',
    advice: `${roleCommand}, then ${ownerCommand}. A new grant can take a day to reach a managed identity.`,
  },
  not_owner: {
    answer: 'misconfigured',
    message:
      'The app’s identity may only change applications that it owns, and it is no owner of this one. Owning the enterprise application is not enough.',
    advice: `${ownerCommand}.`,
  },
  graph_write_denied: {
    answer: 'misconfigured',
    message: 'Microsoft Graph lets the app’s identity read the application but not change it.',
    advice: `Make the identity an owner: ${ownerCommand}. It needs Application.ReadWrite.OwnedBy too: ${roleCommand}.`,
  },
  lifetime_policy: {
    answer: 'misconfigured',
    message: 'A policy of the tenant refuses secrets that live this long.',
    advice: `Lower ROTATION_VALIDITY_DAYS (or the client’s validityDays), or ask for an exemption: ${policyPage}.`,
  },
  secret_policy: {
    answer: 'misconfigured',
    message: 'A policy of the tenant forbids client secrets for this application.',
    advice: `Use a managed identity or a federated credential instead, or ask for an exemption: ${policyPage}.`,
  },
  application_full: {
    answer: 'misconfigured',
    message: 'The application has reached its size limit: it takes no further credential.',
    advice:
      'Remove credentials that nobody uses: az ad app credential list --id <appId>, then az ad app credential delete --id <appId> --key-id <keyId>.',
  },
  vault_denied: {
    answer: 'misconfigured',
    message: 'Key Vault refuses the app’s identity.',
    advice: `${vaultRoleCommand}. A vault with access policies: az keyvault set-policy --name <vault> --object-id <principal id> --secret-permissions get list set.`,
  },
  vault_firewall: {
    answer: 'misconfigured',
    message: 'The firewall of the key vault refuses this app.',
    advice:
      'Allow the app’s outbound addresses: az keyvault network-rule add --name <vault> --ip-address <address>; or its virtual network: Azure portal, the vault, Networking.',
  },
  vault_tenant: {
    answer: 'misconfigured',
    message: 'Key Vault does not accept tokens of the app’s tenant.',
    advice:
      'Check KEY_VAULT_URL: the vault must belong to the tenant of the app’s identity: az keyvault show --name <vault> --query properties.tenantId.',
  },
  secret_disabled: {
    answer: 'misconfigured',
    message: 'The current version of the secret is disabled, so that nobody can read it.',
    advice:
      'Enable it: az keyvault secret set-attributes --vault-name <vault> --name <secret> --enabled true; or set a good version.',
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
    advice: `Let the app’s identity list the deleted secrets: ${vaultRoleCommand}.`,
  },
  other_target: {
    answer: 'conflict',
    message:
      'The vault holds no such secret, but the application has a credential that was made for another vault or secret.',
    advice:
      'If KEY_VAULT_URL or the secret name is wrong, correct it. If both secrets are wanted, store a first one under this name by hand ' +
      '(az ad app credential reset --append --id <appId>, az keyvault secret set): the next run adopts it. Only if nobody uses that ' +
      'credential any more, remove it: az ad app credential delete --id <appId> --key-id <keyId>.',
  },
  own_credentials_left: {
    answer: 'conflict',
    message:
      'The vault holds no such secret, yet a credential published under this name still exists: somebody may use it.',
    advice:
      'Restore the secret in the vault, or start anew: npm run rotation -- run --target <secret> --force --reason …',
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
    advice:
      'Nothing was changed. If it lasts, look at Entra portal, Sign-in logs, Service principal sign-ins, for <appId>.',
  },
  clocks_disagree: {
    answer: 'upstream_failed',
    message:
      'The clocks of Graph, Key Vault and this machine differ by more than five minutes, or one could not be read.',
    advice:
      'Correct this machine’s clock (NTP); with a proxy in between, check that it passes the Date header on.',
  },
  min_interval: {
    answer: 'conflict',
    message: 'A credential was minted for this target less than an hour ago.',
    advice:
      'Wait, look at what became of it (npm run rotation -- status), or force the rotation: npm run rotation -- run --target <secret> --force --reason …',
  },
  max_owned: {
    answer: 'conflict',
    message: 'As many credentials of this target exist, or may exist, as are allowed.',
    advice:
      'Older ones are removed by later runs; to make room at once: npm run rotation -- run --target <secret> --revoke <keyId> --reason …; ' +
      'while the current secret does not work, that is refused too, and this helps: az ad app credential delete --id <appId> --key-id <keyId>.',
  },
  no_time: {
    answer: 'conflict',
    message: 'Too little of the run’s time is left to prove and publish a new secret.',
    advice: 'Run it again for this client alone: npm run rotation -- run --target <secret>.',
  },
  revoke_unknown: {
    answer: 'not_found',
    message: 'The application has no credential with the key id to revoke.',
    advice: 'It may have been removed already: az ad app credential list --id <appId>.',
  },
  revoke_other_target: {
    answer: 'conflict',
    message: 'The credential to revoke was made for another target, whose vault may still serve it.',
    advice:
      'Revoke it with the secret name of that target: npm run rotation -- run --target <secret> --revoke <keyId> --reason …; ' +
      'if no app serves that target any more: az ad app credential delete --id <appId> --key-id <keyId>.',
  },
  mint_unanswered: {
    answer: 'upstream_failed',
    message:
      'Microsoft Graph did not say whether it made the credential; what could be found of it was removed.',
    advice: `${retry} It sweeps what is left.`,
  },
  verify_failed: {
    answer: 'upstream_timeout',
    message: 'Entra did not accept the new secret steadily within the deadline, so it was not published.',
    advice: `${retry} If it lasts, look at Entra portal, Sign-in logs, Service principal sign-ins, for <appId>.`,
  },
  credential_gone: {
    answer: 'conflict',
    message: 'The new credential disappeared from the application before it was published.',
    advice: 'Who removed it: Entra portal, App registrations, the application, Audit logs.',
  },
  publish_late: {
    answer: 'upstream_timeout',
    message: 'The new secret was not published: too much time had passed since its mint.',
    advice: retry,
  },
  publish_refused: {
    answer: 'upstream_failed',
    message: 'Key Vault refused the new version, so the new credential was removed again.',
    advice: 'Look at Azure portal, the vault, Logs (AzureDiagnostics), for the request id of the publish.',
  },
  publish_unanswered: {
    answer: 'upstream_failed',
    message:
      'Key Vault did not say whether it stored the new version; the credential is kept, for it may have.',
    advice: `${retry} It sees whether the version was stored, and cleans up.`,
  },
  lease_lost: {
    answer: 'busy',
    message: 'The lease on the application was lost: another run may be at work.',
    advice: retry,
  },
  stopped: {
    answer: 'upstream_timeout',
    message: 'The time of the run was up, or the process was shut down.',
    advice: retry,
  },
  overtaken: {
    answer: 'conflict',
    message: 'Another version became current in between.',
    advice: 'Run it again: npm run rotation -- run --target <secret>.',
  },
  state_unreadable: {
    answer: 'misconfigured',
    message: 'The stored state of this target was written by a newer release, or is damaged.',
    advice:
      'Deploy the newest release everywhere. Only if the state is damaged: delete its blob rotation/<appId>/… of the container "rotation" (az storage blob delete), then run again.',
  },
  sign_in_failed: {
    answer: 'misconfigured',
    message: 'The app could not sign in to Azure.',
    advice:
      'Check the managed identity (az functionapp identity show) and AZURE_CLIENT_ID; on a workstation run az login.',
  },
} as const satisfies Record<string, ProblemText>;
