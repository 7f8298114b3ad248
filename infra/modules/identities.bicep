// The identities of the app: one for the host, and one for each job, so that a token that leaks opens no more than that job.

import { partsType, placeType } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('What is deployed.')
param parts partsType

resource host 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-host-${place.token}'
  location: place.location
  tags: place.tags
}

resource communication 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = if (parts.communication) {
  name: 'id-communication-${place.token}'
  location: place.location
  tags: place.tags
}

resource rotation 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = if (parts.rotation) {
  name: 'id-rotation-${place.token}'
  location: place.location
  tags: place.tags
}

resource changeFeed 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = if (parts.changeFeed) {
  name: 'id-changefeed-${place.token}'
  location: place.location
  tags: place.tags
}

@description('Resource ids of those that were made, the host\'s first.')
output ids string[] = concat(
  [host.id],
  parts.communication ? [communication.id] : [],
  parts.rotation ? [rotation.id] : [],
  parts.changeFeed ? [changeFeed.id] : []
)

@description('Resource id of the one that reads settings from key vaults: the change feed\'s, whose webhook alone has such settings.')
output vaultReaderId string = parts.changeFeed ? changeFeed.id : host.id

@description('Object ids, by the names in roles.json.')
output principalIds { *: string } = {
  host: host.properties.principalId
  communication: parts.communication ? communication!.properties.principalId : ''
  rotation: parts.rotation ? rotation!.properties.principalId : ''
  changeFeed: parts.changeFeed ? changeFeed!.properties.principalId : ''
}

@description('Values for app settings.')
output known { *: string } = {
  managedIdentity: 'managedidentity'
  hostClientId: host.properties.clientId
  insightsSignIn: 'ClientId=${host.properties.clientId};Authorization=AAD'
  communicationClientId: parts.communication ? communication!.properties.clientId : ''
  rotationClientId: parts.rotation ? rotation!.properties.clientId : ''
  changeFeedClientId: parts.changeFeed ? changeFeed!.properties.clientId : ''
}
