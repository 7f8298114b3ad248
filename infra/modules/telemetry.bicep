// Where logs and telemetry go: a workspace and an Application Insights component that take nothing without a sign-in.

import { insightsName, placeType } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param retentionDays int

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-${place.token}'
  location: place.location
  tags: place.tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    features: { disableLocalAuth: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName(place.token)
  location: place.location
  tags: place.tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

@description('Resource id of the workspace, for queries and alerts.')
output workspaceId string = workspace.id

@description('Resource id of the Application Insights component.')
output insightsId string = insights.id
