// One storage account that only identities may use, with its containers, tables and queues: no one at run time needs the right to create any.

import { placeType, storageName } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('Which account this is.')
@allowed(['host', 'state', 'deliveries'])
param account string

@description('Replication, such as Standard_LRS or Standard_ZRS.')
param sku string

@description('Containers, tables and queues of all accounts.')
param contents { account: string, kind: string, name: string }[]

var own = filter(contents, row => row.account == account)

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: storageName(account, place.token)
  location: place.location
  tags: place.tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: place.private ? 'Disabled' : 'Enabled'
    networkAcls: {
      // Azure docs: behind a firewall the rules by which deliveries expire are refused unless trusted services may pass.
      bypass: account == 'deliveries' ? 'AzureServices' : 'None'
      defaultAction: place.private ? 'Deny' : 'Allow'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      // A cursor or a record that somebody deletes can be brought back for a week; Azure knows nothing of the kind for tables.
      deleteRetentionPolicy: { enabled: true, days: 7 }
      containerDeleteRetentionPolicy: { enabled: true, days: 7 }
    }

    resource container 'containers' = [
      for row in filter(own, row => row.kind == 'container'): {
        name: row.name
        properties: { publicAccess: 'None' }
      }
    ]
  }

  resource tableService 'tableServices' = {
    name: 'default'

    resource table 'tables' = [
      for row in filter(own, row => row.kind == 'table'): {
        name: row.name
      }
    ]
  }

  resource queueService 'queueServices' = {
    name: 'default'

    resource queue 'queues' = [
      for row in filter(own, row => row.kind == 'queue'): {
        name: row.name
      }
    ]
  }
}

@description('Endpoint of its blobs, with a slash at the end.')
output blobEndpoint string = storage.properties.primaryEndpoints.blob

@description('Endpoint of its queues, with a slash at the end.')
output queueEndpoint string = storage.properties.primaryEndpoints.queue

@description('Endpoint of its tables, with a slash at the end.')
output tableEndpoint string = storage.properties.primaryEndpoints.table
