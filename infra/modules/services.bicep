// The services that the app works for, made here or found where they are.

import { partsType, placeType } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('What is deployed.')
param parts partsType

@description('Resource id of the Communication Services resource.')
param communicationId string

@description('True makes that resource.')
param createCommunication bool

@description('Where that resource keeps its data at rest, when it is made.')
param communicationDataLocation string

@description('Resource ids of the DICOM services.')
param dicomIds string[]

@description('True makes those services.')
param createDicom bool

module communication 'communication.bicep' = if (parts.communication) {
  name: 'communication-${place.token}'
  scope: resourceGroup(split(communicationId, '/')[2], split(communicationId, '/')[4])
  params: {
    name: last(split(communicationId, '/'))
    create: createCommunication
    dataLocation: communicationDataLocation
    tags: place.tags
  }
}

module dicom 'dicom.bicep' = [
  for id in dicomIds: {
    name: 'dicom-${uniqueString(id, place.token)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      place: place
      workspaceName: split(id, '/')[8]
      serviceName: last(split(id, '/'))
      create: createDicom
    }
  }
]

@description('Endpoint of the Communication Services resource; empty where the token service is not deployed.')
output communicationEndpoint string = parts.communication ? communication!.outputs.endpoint : ''

@description('URLs of the DICOM services.')
output dicomUrls string[] = [for index in range(0, length(dicomIds)): dicom[index].outputs.url]
