// One DICOM service: made here with its workspace, or found where it is.

import { placeType } from 'shared.bicep'

@description('Name of the Health Data Services workspace.')
param workspaceName string

@description('Name of the DICOM service in it.')
param serviceName string

@description('True makes both, false uses those there are.')
param create bool

@description('Where and how they are made, when they are.')
param place placeType

resource workspace 'Microsoft.HealthcareApis/workspaces@2024-03-31' = if (create) {
  name: workspaceName
  location: place.location
  tags: place.tags
  properties: { publicNetworkAccess: place.private ? 'Disabled' : 'Enabled' }
}

resource created 'Microsoft.HealthcareApis/workspaces/dicomservices@2024-03-31' = if (create) {
  parent: workspace
  name: serviceName
  location: place.location
  tags: place.tags
  properties: { publicNetworkAccess: place.private ? 'Disabled' : 'Enabled' }
}

resource found 'Microsoft.HealthcareApis/workspaces/dicomservices@2024-03-31' existing = if (!create) {
  name: '${workspaceName}/${serviceName}'
}

@description('Its URL.')
output url string = create ? created!.properties.serviceUrl : found!.properties.serviceUrl
