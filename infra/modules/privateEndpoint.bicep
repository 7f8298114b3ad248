// A private way to one resource, with the names that lead to it.

import { placeType } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('What it leads to, in a word; part of its name.')
param name string

@description('Resource id of the subnet.')
param subnetId string

@description('Resource id of what it leads to.')
param resourceId string

@description('Which part of that, such as blob or vault.')
param group string

@description('Names of the private DNS zones, which are there already.')
param zones string[]

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = {
  name: 'pe-${name}-${place.token}'
  location: place.location
  tags: place.tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      { name: name, properties: { privateLinkServiceId: resourceId, groupIds: [group] } }
    ]
  }

  resource names 'privateDnsZoneGroups' = {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        for zone in zones: {
          name: replace(zone, '.', '-')
          properties: { privateDnsZoneId: az.resourceId('Microsoft.Network/privateDnsZones', zone) }
        }
      ]
    }
  }
}
