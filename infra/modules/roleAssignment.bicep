// One row of the table of roles: lets one identity do one thing on one resource. The only place that assigns a role.

@description('Resource id of what the role is given on.')
param scopeId string

@description('What kind of resource that is.')
@allowed(['storage', 'container', 'table', 'queue', 'insights', 'vault', 'communication', 'dicom'])
param kind string

@description('Object id of the identity.')
param principalId string

@description('GUID of the role.')
param roleId string

@description('Why the identity needs it; shown with the assignment in Azure.')
param reason string

// Ids are /subscriptions/…/resourceGroups/…/providers/<namespace>/<type>/<name>[/<type>/<name>…]. Names are taken so that
// each of the resources below can be named whatever the kind: Azure also evaluates the names of those that are not used.
var resourceName = split(scopeId, '/')[8]
var childName = last(split(scopeId, '/'))

var assignment = {
  principalId: principalId
  principalType: 'ServicePrincipal'
  roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  description: reason
}
// Azure takes ids in whatever case, and refuses a second assignment of the same.
var assignmentName = guid(toLower(scopeId), principalId, roleId)

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = if (kind == 'storage') {
  name: resourceName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'storage') {
  name: assignmentName
  scope: storage
  properties: assignment
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = if (kind == 'container') {
  name: '${resourceName}/default/${childName}'
}

resource onContainer 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'container') {
  name: assignmentName
  scope: container
  properties: assignment
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2024-01-01' existing = if (kind == 'table') {
  name: '${resourceName}/default/${childName}'
}

resource onTable 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'table') {
  name: assignmentName
  scope: table
  properties: assignment
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' existing = if (kind == 'queue') {
  name: '${resourceName}/default/${childName}'
}

resource onQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'queue') {
  name: assignmentName
  scope: queue
  properties: assignment
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = if (kind == 'insights') {
  name: resourceName
}

resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'insights') {
  name: assignmentName
  scope: insights
  properties: assignment
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = if (kind == 'vault') {
  name: resourceName
}

resource onVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'vault') {
  name: assignmentName
  scope: vault
  properties: assignment
}

resource communication 'Microsoft.Communication/communicationServices@2025-05-01' existing = if (kind == 'communication') {
  name: resourceName
}

resource onCommunication 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'communication') {
  name: assignmentName
  scope: communication
  properties: assignment
}

resource dicom 'Microsoft.HealthcareApis/workspaces/dicomservices@2024-03-31' existing = if (kind == 'dicom') {
  name: '${resourceName}/${childName}'
}

resource onDicom 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (kind == 'dicom') {
  name: assignmentName
  scope: dicom
  properties: assignment
}
