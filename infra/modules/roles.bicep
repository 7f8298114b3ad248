// Gives each identity the roles that roles.json says, each on a single resource, and makes the roles that Azure does not have.

import { insightsName, partsType, placeType, storageName, vaultName } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('What is deployed.')
param parts partsType

@description('App settings with their defaults filled in, by name.')
param chosen object

@description('Object ids of the identities, by the names in roles.json.')
param principalIds { *: string }

@description('Resource id of the Communication Services resource.')
param communicationId string

@description('Resource ids of the DICOM services.')
param dicomIds string[]

var table = loadJsonContent('../roles.json')

// What `of` means in the table.
var resourceIds = {
  host: [resourceId('Microsoft.Storage/storageAccounts', storageName('host', place.token))]
  state: [resourceId('Microsoft.Storage/storageAccounts', storageName('state', place.token))]
  deliveries: [resourceId('Microsoft.Storage/storageAccounts', storageName('deliveries', place.token))]
  insights: [resourceId('Microsoft.Insights/components', insightsName(place.token))]
  secrets: [resourceId('Microsoft.KeyVault/vaults', vaultName('secrets', place.token))]
  webhook: [resourceId('Microsoft.KeyVault/vaults', vaultName('webhook', place.token))]
  communication: [communicationId]
  dicom: dicomIds
}
var inside = {
  container: '/blobServices/default/containers/'
  table: '/tableServices/default/tables/'
  queue: '/queueServices/default/queues/'
}
// A name that is that of an app setting stands for the value of that setting.
var assignments = flatten(map(
  filter(table.assignments, row => parts[row.when]),
  row =>
    map(resourceIds[row.of], id => {
      principal: row.principal
      role: row.role
      kind: row.kind
      reason: row.reason
      scopeId: empty(row.name) ? id : '${id}${inside[row.kind]}${chosen[?row.name] ?? row.name}'
    })
))

var used = map(assignments, row => row.role)

resource customRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [
  for role in filter(items(table.roles), role => empty(role.value.id) && contains(used, role.key)): {
    name: guid(resourceGroup().id, place.token, role.key)
    properties: {
      // Names of roles must differ in the whole tenant.
      roleName: '${role.value.name} ${place.token}'
      description: role.value.description
      type: 'CustomRole'
      permissions: [
        {
          actions: role.value.actions
          notActions: []
          dataActions: role.value.dataActions
          notDataActions: []
        }
      ]
      assignableScopes: [resourceGroup().id]
    }
  }
]

module assigned 'roleAssignment.bicep' = [
  for row in assignments: {
    name: 'role-${uniqueString(place.token, row.scopeId, row.principal, row.role)}'
    scope: resourceGroup(split(row.scopeId, '/')[2], split(row.scopeId, '/')[4])
    params: {
      scopeId: row.scopeId
      kind: row.kind
      principalId: principalIds[row.principal]
      roleId: empty(table.roles[row.role].id)
        ? guid(resourceGroup().id, place.token, row.role)
        : table.roles[row.role].id
      reason: row.reason
    }
    dependsOn: [customRole]
  }
]
