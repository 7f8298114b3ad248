// The names and ids of the demo tenant: what the sample settings, the stand-ins and the tests agree on.
export const demo = {
  tenantId: '7e1e4ea1-7000-4000-8000-000000000001',
  /** The function app's managed identity. */
  managedIdentity: {
    clientId: '7e1e4ea1-7000-4000-8000-000000000002',
    principalId: '7e1e4ea1-7000-4000-8000-000000000003',
  },
  /** `IDENTITY_HEADER` of the sample settings; like the real one it keeps out requests that somebody else forges. */
  identityHeader: 'telehealth-local-identity',
  /** An imaging gateway, which may store and delete in the DICOM service. */
  gateway: {
    clientId: '7e1e4ea1-7000-4000-8000-000000000004',
    principalId: '7e1e4ea1-7000-4000-8000-000000000005',
  },
  /** The app registration whose secret is rotated: the service client of the DICOM service. */
  serviceClient: {
    appId: '7e1e4ea1-7000-4000-8000-000000000006',
    objectId: '7e1e4ea1-7000-4000-8000-000000000007',
    principalId: '7e1e4ea1-7000-4000-8000-000000000008',
    displayName: 'Imaging integration (demo)',
    secretName: 'dicom-client-secret',
  },
  /** The app registration that protects this API, and a user who is signed in to it. */
  api: { clientId: '7e1e4ea1-7000-4000-8000-000000000009', audience: 'api://telehealth-functions' },
  /** The Entra application of the Teams clients. */
  teamsClientId: '7e1e4ea1-7000-4000-8000-00000000000c',
  user: { oid: '7e1e4ea1-7000-4000-8000-00000000000a', name: 'Demo Nurse' },
  /** Who registers service clients: one may consent for the whole tenant, the other holds no directory role at all. */
  administrator: { oid: '7e1e4ea1-7000-4000-8000-00000000000d', name: 'Demo Administrator' },
  developer: { oid: '7e1e4ea1-7000-4000-8000-00000000000e', name: 'Demo Developer' },
  issuer: 'https://login.microsoftonline.com/7e1e4ea1-7000-4000-8000-000000000001/v2.0',
  communicationEndpoint: 'https://telehealth-demo.communication.azure.com',
  /** ACS resource GUID: the first half of every identity's id. */
  communicationResourceId: '7e1e4ea1-7000-4000-8000-00000000000b',
  vaultUrl: 'https://telehealth-demo.vault.azure.net',
  dicomUrl: 'https://telehealth-imaging.dicom.azurehealthcareapis.com',
  /** A system downstream; its query holds the key that it asks for. */
  webhookUrl: 'https://changes.telehealth.example/dicom?sig=local',
} as const;
