// One key vault with roles instead of access policies, whose secrets nobody can destroy before their time.

import { placeType, vaultName } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('Which vault this is.')
@allowed(['secrets', 'webhook'])
param vault string

@description('True brings back the soft-deleted vault of this name, where an earlier deployment left one.')
param recover bool

@description('Resource id of the Log Analytics workspace that keeps who read and wrote secrets.')
param workspaceId string

resource keyVault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: vaultName(vault, place.token)
  location: place.location
  tags: place.tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    // Azure brings a vault back as it was, whatever else is said here (Azure/azure-rest-api-specs#21306).
    createMode: recover ? 'recover' : 'default'
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: place.private ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: place.private ? 'Deny' : 'Allow'
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: keyVault
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}
