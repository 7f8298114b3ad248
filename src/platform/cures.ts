// What each service behind the app must allow it, and what mends a failure: for the health details and the doctor.

export const dependencyNames = [
  ...(['signIn', 'stateBlobs', 'rotationBlobs', 'auditBlobs', 'stateTables'] as const),
  ...(['deliveryBlobs', 'deliveryQueue'] as const),
  ...(['communication', 'keyVault', 'webhookKey', 'graph', 'entra', 'dicom', 'webhook', 'issuer'] as const),
] as const;
export type DependencyName = (typeof dependencyNames)[number];

/** How a request failed: refused for who we are, too many, no usable answer, no answer at all, or an answer that says it is not there. */
export type FailureKind = 'refused' | 'throttled' | 'broken' | 'silent' | 'odd';

interface Need {
  readonly service: string;
  /** What makes it let the app in. */
  readonly allow: string;
  /** The settings that say where it is. */
  readonly settings: string;
}

/** The roles of infra/ are narrower than Azure's own; azd would skip a deployment that it has made before (Azure docs). */
const assign = (role: string, scope: string): string =>
  `Deployed with azd: azd provision --no-state, where its environment is, gives every role again. Otherwise: az role assignment create --assignee <principal id> --role "${role}" --scope <${scope}>`;
/** A closed firewall refuses with 403 as well (Azure docs). */
const open = (place: string): string => `let its firewall pass the app: Azure portal, ${place}, Networking`;
const storage = (service: string, role: string, scope: string, setting: string): Need => ({
  service,
  allow: `${assign(role, scope)} (takes some minutes), and ${open('the storage account')}; with a connection string, its key must be a current one of the account.`,
  settings: setting,
});
const blobs = 'Storage Blob Data Contributor';
const state = 'STATE_STORAGE (or AzureWebJobsStorage)';
const deliveries = 'CHANGE_FEED_STORAGE (or STATE_STORAGE)';

export const needs: Readonly<Record<DependencyName, Need>> = {
  signIn: {
    service: 'Sign-in to Azure',
    allow: 'Assign the identity to the function app: Azure portal, the function app, Identity.',
    settings: 'AZURE_CLIENT_ID and the client id of the capability',
  },
  stateBlobs: storage('Storage, the container "state"', blobs, 'the account or its container "state"', state),
  rotationBlobs: storage(
    'Storage, the container "rotation"',
    blobs,
    'the account or its container "rotation"',
    state,
  ),
  auditBlobs: storage('Storage, the container "audit"', blobs, 'the account or its container "audit"', state),
  stateTables: storage(
    'Storage, the tables of the state',
    'Storage Table Data Contributor',
    'the account or its tables identities, cleanups and cursors',
    state,
  ),
  deliveryBlobs: storage(
    'Storage, the container of the deliveries',
    blobs,
    'the account or the container',
    deliveries,
  ),
  deliveryQueue: storage(
    'Storage, the queue of the deliveries',
    'Storage Queue Data Contributor',
    'the account or the queue',
    deliveries,
  ),
  communication: {
    service: 'Communication Services',
    allow: `${assign('Communication and Email Service Owner', 'the ACS resource')}; with a connection string, its key must be a current one of the resource.`,
    settings: 'COMMUNICATION_SERVICES_ENDPOINT or COMMUNICATION_SERVICES_CONNECTION_STRING',
  },
  keyVault: {
    service: 'Key Vault',
    allow: `${assign('Key Vault Secrets Officer', 'the vault')}, and ${open('the vault')}.`,
    settings: 'KEY_VAULT_URL',
  },
  webhookKey: {
    service: 'Key Vault, the key of the webhook',
    allow: `${assign('Key Vault Secrets User', 'the vault')}, ${open('the vault')}, and see that the secret is enabled.`,
    settings: 'CHANGE_FEED_WEBHOOK_AUTH',
  },
  graph: {
    service: 'Microsoft Graph',
    allow:
      'Grant the app role Application.ReadWrite.OwnedBy and make the identity an owner: npm run register-service-client does both. A grant can take a day to reach a managed identity.',
    settings: 'GRAPH_ENDPOINT',
  },
  entra: {
    service: 'Entra, the token endpoint of the service clients',
    allow: 'Look at Entra portal, Sign-in logs, Service principal sign-ins.',
    settings: 'AZURE_AUTHORITY_HOST and the tenant of the service client',
  },
  dicom: {
    service: 'The DICOM service',
    allow: `${assign('DICOM Data Reader', 'the DICOM service')} (takes up to five minutes), and ${open('its workspace')}.`,
    settings: 'DICOM_SERVICE_URL and DICOM_SCOPE',
  },
  webhook: {
    service: 'The receiver of the webhook',
    allow: 'Check CHANGE_FEED_WEBHOOK_AUTH, and the list of callers of the receiver.',
    settings: 'CHANGE_FEED_WEBHOOK_URL',
  },
  issuer: {
    service: 'The issuer of the callers’ tokens',
    allow: 'Its discovery document and keys must be public.',
    settings: 'AUTH_ISSUER',
  },
};

/** What somebody can do about it. */
export function cureOf(name: DependencyName, kind: FailureKind): string {
  const { allow, settings } = needs[name];
  switch (kind) {
    case 'refused':
      return allow;
    case 'throttled':
      return 'Nothing, if it passes: the app waits and tries again. If it lasts, ask for a higher limit of the service.';
    case 'broken':
      return 'Nothing, if it passes: the app tries again. If it lasts: Azure portal, Service Health.';
    case 'odd':
      return `Check ${settings}: something else answers there.`;
    case 'silent':
      return `Check ${settings}, the name in DNS and the network between: firewall, private endpoint, virtual network.`;
  }
}
