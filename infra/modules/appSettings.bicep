// The app settings: those rows of appSettings.json that belong to what is deployed and differ from the app's own default.

import { partsType } from 'shared.bicep'

@description('Name of the function app.')
param appName string

@description('What is deployed.')
param parts partsType

@description('Values that the operator chose, by name of the app setting.')
param chosen object

@description('Values that the deployment knows: those of `from` in the table.')
@secure()
param known object

var rows = filter(loadJsonContent('../appSettings.json'), row => parts[row.when])
var wanted = map(rows, row => {
  name: row.name
  value: empty(row.from) ? (chosen[?row.name] ?? '') : known[row.from]
  default: row.default
})
var different = filter(wanted, setting => !empty(setting.value) && setting.value != setting.default)

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: appName
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: toObject(different, setting => setting.name, setting => setting.value)
}
