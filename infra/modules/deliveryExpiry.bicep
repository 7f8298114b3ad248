// Deletes deliveries, and where that is wanted claim checks, after a number of days.

@description('Name of the storage account of the deliveries.')
param accountName string

@description('Name of their container.')
param containerName string

@description('Hosts of the DICOM services: each has a folder of its own.')
@minLength(1)
param hosts string[]

@description('Days after which deliveries are deleted; 0 keeps them.')
@minValue(0)
param deliveryDays int

@description('Days after which claim checks and replays are deleted; 0 keeps them.')
@minValue(0)
param claimDays int

// What follows `<container>/<host>/` in the names of blobs. Epochs are numbers, so their folders begin with a digit; a replay
// keeps claim checks of its own. Azure docs allow ten prefixes a rule.
var prefixes = loadJsonContent('../lifecycle.json')

var kinds = [
  { name: 'deliveries', days: deliveryDays, prefixes: prefixes.deliveries }
  { name: 'claims', days: claimDays, prefixes: prefixes.claims }
]

var rules = flatten(map(
  filter(kinds, kind => kind.days > 0),
  kind =>
    map(hosts, host => {
      name: '${kind.name}-${uniqueString(host)}'
      days: kind.days
      prefixes: map(kind.prefixes, prefix => '${containerName}/${host}/${prefix}')
    })
))

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: accountName
}

resource expiry 'Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01' = if (!empty(rules)) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        for rule in rules: {
          name: rule.name
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: rule.prefixes }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: rule.days } } }
          }
        }
      ]
    }
  }
}
