// Microsoft's own APIs in the tenant, with the permissions they publish: Graph and the DICOM service.
import type { Directory } from './directory.ts';

export const graphAppId = '00000003-0000-0000-c000-000000000000';
/** As the DICOM service's principal looks in a real tenant: one delegated permission, and no app role at all. */
export const dicomApi = {
  displayName: 'Azure API for DICOM',
  appId: '75e725bf-66ce-4cea-9b9a-5c4caae57f33',
  principalId: '7e1e4ea1-7000-4000-8000-000000000011',
  scope: { id: 'e69ab058-b8ae-4c0f-b687-5d97888ddccb', value: 'Dicom.ReadWrite' },
} as const;

export function addMicrosoftApis(directory: Directory): void {
  directory.addServicePrincipal('Microsoft Graph', 'Application', {
    id: '7e1e4ea1-7000-4000-8000-000000000010',
    appId: graphAppId,
    published: {
      servicePrincipalNames: [graphAppId, 'https://graph.microsoft.com', 'https://graph.microsoft.com/'],
      appRoles: [{ id: '18a4783c-866b-4cc7-a460-3d5e5662c884', value: 'Application.ReadWrite.OwnedBy' }],
      oauth2PermissionScopes: [],
    },
  });
  const resource = 'https://dicom.healthcareapis.azure.com';
  directory.addServicePrincipal(dicomApi.displayName, 'Application', {
    id: dicomApi.principalId,
    appId: dicomApi.appId,
    published: {
      servicePrincipalNames: [dicomApi.appId, resource, `${resource}/`],
      appRoles: [],
      oauth2PermissionScopes: [dicomApi.scope],
    },
  });
}
