// The network of private deployments: one subnet for the app, one for private endpoints, and the DNS zones that lead to them.

import { placeType } from 'shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('Address range of the network, /24 or larger.')
param addressPrefix string

@description('Names of the private DNS zones.')
param zones string[]

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'vnet-${place.token}'
  location: place.location
  tags: place.tags
  // Without subnets: a list of them here would have Azure delete those that somebody added since (Azure/bicep-types-az#1687).
  properties: { addressSpace: { addressPrefixes: [addressPrefix] } }
}

resource appSubnet 'Microsoft.Network/virtualNetworks/subnets@2024-05-01' = {
  parent: network
  name: 'app'
  properties: {
    addressPrefix: cidrSubnet(addressPrefix, 26, 0)
    // Azure docs: Flex Consumption integrates through this delegation, and Azure sees to the way out of delegated subnets.
    delegations: [{ name: 'app', properties: { serviceName: 'Microsoft.App/environments' } }]
  }
}

resource endpointSubnet 'Microsoft.Network/virtualNetworks/subnets@2024-05-01' = {
  parent: network
  name: 'endpoints'
  properties: {
    addressPrefix: cidrSubnet(addressPrefix, 26, 1)
    privateEndpointNetworkPolicies: 'Disabled'
    // Endpoints are only ever called: nothing in here has business on the internet.
    defaultOutboundAccess: false
  }
  // Azure refuses two changes of one network at a time.
  dependsOn: [appSubnet]
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zoneName in zones: {
    name: zoneName
    location: 'global'
    tags: place.tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zoneName, index) in zones: {
    parent: zone[index]
    name: 'vnet-${place.token}'
    location: 'global'
    tags: place.tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

@description('Resource id of the subnet of the app.')
output appSubnetId string = appSubnet.id

@description('Resource id of the subnet of private endpoints.')
output endpointSubnetId string = endpointSubnet.id
