// Keeps audit records from being changed or deleted, by whoever, for a number of days after each was written.

@description('Name of the storage account that holds the container.')
param accountName string

@description('Name of the container.')
param containerName string

@description('Days that each record is kept.')
@minValue(1)
@maxValue(146000)
param days int

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = {
  name: '${accountName}/default/${containerName}'
}

// Made unlocked: locking cannot be undone, so it is a person's decision (docs/deploy.md).
resource policy 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2024-01-01' = {
  parent: container
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: days
    allowProtectedAppendWrites: false
  }
}
