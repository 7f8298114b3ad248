// The three storage accounts: the host's own with its keys, the app's state, and the deliveries that consumers may read.

import { partsType, placeType, storageName } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('What is deployed.')
param parts partsType

@description('App settings with their defaults filled in, by name.')
param chosen object

@description('True spreads the accounts over availability zones.')
param zoneRedundant bool

@description('Days that an audit record can be neither changed nor deleted.')
param auditDays int

@description('True leaves the policy that keeps them as it is, because it is locked.')
param auditLocked bool

@description('Days after which deliveries are deleted; 0 keeps them.')
param deliveryDays int

@description('Days after which claim checks and replays are deleted; 0 keeps them.')
param claimDays int

@description('URLs of the DICOM services.')
param dicomUrls string[]

// A name that is that of an app setting stands for the value of that setting.
var contents = map(filter(loadJsonContent('../storage.json'), row => parts[row.when]), row => {
  account: row.account
  kind: row.kind
  name: chosen[?row.name] ?? row.name
})
var sku = zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'

module host 'storage.bicep' = {
  name: 'storage-host-${place.token}'
  params: { place: place, account: 'host', sku: sku, contents: contents }
}

module state 'storage.bicep' = {
  name: 'storage-state-${place.token}'
  params: { place: place, account: 'state', sku: sku, contents: contents }
}

module deliveries 'storage.bicep' = if (parts.changeFeed) {
  name: 'storage-deliveries-${place.token}'
  params: { place: place, account: 'deliveries', sku: sku, contents: contents }
}

// Azure docs: a locked policy can only be extended, and not by a deployment.
module auditRetention 'auditRetention.bicep' = if (!auditLocked) {
  name: 'audit-retention-${place.token}'
  params: { accountName: storageName('state', place.token), containerName: 'audit', days: auditDays }
  dependsOn: [state]
}

module deliveryExpiry 'deliveryExpiry.bicep' = if (parts.deliveryBlobs) {
  name: 'delivery-expiry-${place.token}'
  params: {
    accountName: storageName('deliveries', place.token)
    containerName: chosen.CHANGE_FEED_CONTAINER
    // In lower case, as the app writes them.
    hosts: map(dicomUrls, url => split(toLower(url), '/')[2])
    deliveryDays: deliveryDays
    claimDays: claimDays
  }
  dependsOn: [deliveries]
}

@description('URL of the container that the package of the app is put in.')
output packageContainerUrl string = '${host.outputs.blobEndpoint}packages'

@description('Blob endpoint of the account with the audit records.')
output auditStorageUrl string = state.outputs.blobEndpoint

@description('Values for app settings.')
output known { *: string } = {
  hostBlobs: host.outputs.blobEndpoint
  stateBlobs: state.outputs.blobEndpoint
  stateQueues: state.outputs.queueEndpoint
  stateTables: state.outputs.tableEndpoint
  deliveryBlobs: parts.changeFeed ? deliveries!.outputs.blobEndpoint : ''
  deliveryQueues: parts.changeFeed ? deliveries!.outputs.queueEndpoint : ''
  deliveryTables: parts.changeFeed ? deliveries!.outputs.tableEndpoint : ''
}
