// Private networking: a network, and in it an endpoint for everything that the app talks to and that Azure can make private.

import { partsType, placeType, storageName, vaultName } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('What is deployed.')
param parts partsType

@description('Address range of the network, /24 or larger.')
param addressPrefix string

@description('Resource ids of the DICOM services.')
param dicomIds string[]

var blobZone = 'privatelink.blob.${environment().suffixes.storage}'
var queueZone = 'privatelink.queue.${environment().suffixes.storage}'
var tableZone = 'privatelink.table.${environment().suffixes.storage}'
var vaultZone = 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
var dicomZones = ['privatelink.workspace.azurehealthcareapis.com', 'privatelink.dicom.azurehealthcareapis.com']

var hostId = resourceId('Microsoft.Storage/storageAccounts', storageName('host', place.token))
var stateId = resourceId('Microsoft.Storage/storageAccounts', storageName('state', place.token))
var deliveriesId = resourceId('Microsoft.Storage/storageAccounts', storageName('deliveries', place.token))
var secretsId = resourceId('Microsoft.KeyVault/vaults', vaultName('secrets', place.token))
var webhookId = resourceId('Microsoft.KeyVault/vaults', vaultName('webhook', place.token))

var dataEndpoints = [
  { name: 'host-blob', id: hostId, group: 'blob', zones: [blobZone], when: 'always' }
  { name: 'state-blob', id: stateId, group: 'blob', zones: [blobZone], when: 'always' }
  { name: 'state-table', id: stateId, group: 'table', zones: [tableZone], when: 'stateTables' }
  { name: 'feed-blob', id: deliveriesId, group: 'blob', zones: [blobZone], when: 'deliveryBlobs' }
  { name: 'feed-queue', id: deliveriesId, group: 'queue', zones: [queueZone], when: 'deliveryQueue' }
  { name: 'secrets', id: secretsId, group: 'vault', zones: [vaultZone], when: 'rotation' }
  { name: 'webhook', id: webhookId, group: 'vault', zones: [vaultZone], when: 'webhook' }
]
// The endpoint belongs to the workspace, which several of the services may share.
var dicomWorkspaceIds = union([], map(dicomIds, id => split(id, '/dicomservices/')[0]))
var dicomEndpoints = map(dicomWorkspaceIds, id => {
  name: 'dicom-${uniqueString(id)}'
  id: id
  group: 'healthcareworkspace'
  zones: dicomZones
  when: 'changeFeed'
})
var endpoints = filter(concat(dataEndpoints, dicomEndpoints), endpoint => parts[endpoint.when])

module network 'network.bicep' = {
  name: 'network-${place.token}'
  params: {
    place: place
    addressPrefix: addressPrefix
    zones: union([], flatten(map(endpoints, endpoint => endpoint.zones)))
  }
}

// One at a time: each changes the subnet, and Azure refuses another one meanwhile (reported for its own verified modules).
@batchSize(1)
module privateEndpoint 'privateEndpoint.bicep' = [
  for endpoint in endpoints: {
    name: 'endpoint-${endpoint.name}-${place.token}'
    params: {
      place: place
      name: endpoint.name
      subnetId: network.outputs.endpointSubnetId
      resourceId: endpoint.id
      group: endpoint.group
      zones: endpoint.zones
    }
  }
]

@description('Resource id of the subnet of the app.')
output appSubnetId string = network.outputs.appSubnetId
