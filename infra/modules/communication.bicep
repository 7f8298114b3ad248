// The Communication Services resource: made here, or found where it is.

@description('Name of the resource.')
param name string

@description('True makes it, false uses the one there is.')
param create bool

@description('Where its data is kept at rest, such as Europe; read when it is made.')
param dataLocation string

@description('Tags, when it is made.')
param tags { *: string }

resource created 'Microsoft.Communication/communicationServices@2025-05-01' = if (create) {
  name: name
  location: 'global'
  tags: tags
  properties: {
    dataLocation: dataLocation
    // Its keys would let whoever has them become any user.
    disableLocalAuth: true
  }
}

resource found 'Microsoft.Communication/communicationServices@2025-05-01' existing = if (!create) {
  name: name
}

@description('Its endpoint.')
output endpoint string = 'https://${create ? created!.properties.hostName : found!.properties.hostName}'
