// What the app stands on: identities, telemetry, storage, key vaults, the services it works for, their roles and the way to them.

import { isIdOf, partsType, placeType, vaultName } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('What is deployed.')
param parts partsType

@description('App settings with their defaults filled in, by name.')
param chosen object

@description('Resource id of a Communication Services resource to use; empty makes one.')
param communicationResourceId string

@description('Where a Communication Services resource that is made keeps its data at rest.')
param communicationDataLocation string

@description('Resource ids of DICOM services to use; none makes one.')
param dicomServiceIds string[]

@description('Address range of the network, where networking is private.')
param networkAddressPrefix string

@description('True spreads storage over availability zones.')
param zoneRedundant bool

@description('Soft-deleted key vaults to bring back: of `secrets` and `webhook`.')
param recoverVaults string[]

@description('Days that logs are kept.')
param logDays int

@description('Days that an audit record can be neither changed nor deleted.')
param auditDays int

@description('True leaves the policy that keeps them as it is, because it is locked.')
param auditLocked bool

@description('Days after which deliveries are deleted; 0 keeps them.')
param deliveryDays int

@description('Days after which claim checks and replays are deleted; 0 keeps them.')
param claimDays int

var communicationType = 'Microsoft.Communication/communicationServices'
var dicomType = 'Microsoft.HealthcareApis/workspaces/dicomservices'
var wrongDicomIds = filter(dicomServiceIds, id => !isIdOf(id, dicomType))
var communicationId = empty(communicationResourceId)
  ? resourceId(communicationType, 'acs-${place.token}')
  : isIdOf(communicationResourceId, communicationType)
      ? communicationResourceId
      : fail('communicationResourceId: expected the id of a ${communicationType}.')
var secretsUrl = 'https://${vaultName('secrets', place.token)}${environment().suffixes.keyvaultDns}'
var webhookSecrets = 'https://${vaultName('webhook', place.token)}${environment().suffixes.keyvaultDns}/secrets'
var givenDicomIds = empty(wrongDicomIds)
  ? dicomServiceIds
  : fail('dicomServiceIds: expected ids of ${dicomType}, not ${join(wrongDicomIds, ', ')}')
var ownDicomIds = [resourceId(dicomType, 'hdw${place.token}', 'dicom')]
var dicomIds = parts.changeFeed ? (empty(dicomServiceIds) ? ownDicomIds : givenDicomIds) : []

module identities 'identities.bicep' = {
  name: 'identities-${place.token}'
  params: { place: place, parts: parts }
}

module telemetry 'telemetry.bicep' = {
  name: 'telemetry-${place.token}'
  params: { place: place, retentionDays: logDays }
}

module services 'services.bicep' = {
  name: 'services-${place.token}'
  params: {
    place: place
    parts: parts
    communicationId: communicationId
    createCommunication: empty(communicationResourceId)
    communicationDataLocation: communicationDataLocation
    dicomIds: dicomIds
    createDicom: empty(dicomServiceIds)
  }
}

module data 'data.bicep' = {
  name: 'data-${place.token}'
  params: {
    place: place
    parts: parts
    chosen: chosen
    zoneRedundant: zoneRedundant
    auditDays: auditDays
    auditLocked: auditLocked
    deliveryDays: deliveryDays
    claimDays: claimDays
    dicomUrls: services.outputs.dicomUrls
  }
}

module vaults 'vault.bicep' = [
  for vault in [{ name: 'secrets', when: 'rotation' }, { name: 'webhook', when: 'webhook' }]: if (parts[vault.when]) {
    name: 'vault-${vault.name}-${place.token}'
    params: {
      place: place
      vault: vault.name
      recover: contains(recoverVaults, vault.name)
      workspaceId: telemetry.outputs.workspaceId
    }
  }
]

module roles 'roles.bicep' = {
  name: 'roles-${place.token}'
  params: {
    place: place
    parts: parts
    chosen: chosen
    principalIds: identities.outputs.principalIds
    communicationId: communicationId
    dicomIds: dicomIds
  }
  dependsOn: [telemetry, services, data, vaults]
}

module privateNetworking 'privateNetwork.bicep' = if (place.private) {
  name: 'private-network-${place.token}'
  params: { place: place, parts: parts, addressPrefix: networkAddressPrefix, dicomIds: dicomIds }
  dependsOn: [services, data, vaults]
}

@description('Resource ids of the identities, the host\'s first.')
output identityIds string[] = identities.outputs.ids

@description('Resource id of the identity that reads settings from key vaults.')
output vaultReaderId string = identities.outputs.vaultReaderId

@description('URL of the container that the package of the app is put in.')
output packageContainerUrl string = data.outputs.packageContainerUrl

@description('Blob endpoint of the account with the audit records.')
output auditStorageUrl string = data.outputs.auditStorageUrl

@description('Resource id of the subnet of the app; empty where networking is not private.')
output appSubnetId string = place.private ? privateNetworking!.outputs.appSubnetId : ''

@description('Resource id of the Log Analytics workspace.')
output workspaceId string = telemetry.outputs.workspaceId

@description('Resource id of the Application Insights component.')
output insightsId string = telemetry.outputs.insightsId

@description('Values for app settings.')
output known { *: string } = union(identities.outputs.known, data.outputs.known, {
  communicationEndpoint: services.outputs.communicationEndpoint
  dicomServiceUrls: join(services.outputs.dicomUrls, ',')
  keyVaultUrl: secretsUrl
  // A reference and not the URL, which may carry a key.
  webhookUrl: '@Microsoft.KeyVault(SecretUri=${webhookSecrets}/webhook-url)'
  webhookKey: '${webhookSecrets}/webhook-key'
})
