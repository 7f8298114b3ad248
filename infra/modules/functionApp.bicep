// The function app on a Flex Consumption plan: its identities, its package and its app settings.

import { functionAppName, insightsName, partsType, placeType } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('Resource ids of its identities; the first one is the host\'s, for its storage, its package and telemetry.')
param identityIds string[]

@description('Resource id of the identity that reads settings from key vaults.')
param vaultReferenceIdentityId string

@description('URL of the blob container that the package is put in.')
param packageContainerUrl string

@description('Resource id of the subnet for outgoing calls, or empty for none.')
param subnetId string

@description('Origins that browsers may call from.')
param corsOrigins string[]

@description('True spreads the app over availability zones.')
param zoneRedundant bool

@description('Memory of an instance, megabytes.')
param instanceMemoryMB int

@description('Most instances at a time.')
param maximumInstanceCount int

@description('Instances for HTTP calls that are always kept warm.')
param alwaysReadyInstances int

@description('What is deployed.')
param parts partsType

@description('Values that the deployment knows: those of `from` in appSettings.json.')
param known { *: string }

@description('Values that the operator chose, by name of the app setting.')
param chosen object

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName(place.token)
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${place.token}'
  location: place.location
  tags: place.tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: functionAppName(place.token)
  location: place.location
  // How azd finds the app that it deploys to: the name of the service in azure.yaml.
  tags: union(place.tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: toObject(identityIds, id => id, id => {})
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: vaultReferenceIdentityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityIds[0] }
        }
      }
      runtime: { name: 'node', version: '24' }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances == 0 ? [] : [{ name: 'http', instanceCount: alwaysReadyInstances }]
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      cors: { allowedOrigins: corsOrigins }
    }
  }

  // Publishing asks for a sign-in with Entra, never for a user name and password.
  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

module settings 'appSettings.bicep' = {
  name: 'app-settings-${place.token}'
  params: {
    appName: app.name
    parts: parts
    chosen: chosen
    // Not a secret while local authentication is off: it says where to send, and nothing is taken without a sign-in.
    known: union(known, { insightsConnection: insights.properties.ConnectionString })
  }
}

@description('Name of the app.')
output name string = app.name

@description('URL of the app.')
output url string = 'https://${app.properties.defaultHostName}'
