// The whole deployment into one resource group: the function app, an identity for each of its jobs, and what they stand on.
targetScope = 'resourceGroup'

import { functionAppName, storageName, vaultName } from 'modules/shared.bicep'

@description('Name of the environment, from which the names of resources are made. azd gives its own.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of all resources.')
@metadata({ azd: { type: 'location' } })
param location string

@description('True deploys the token service.')
param deployCommunication bool = true

@description('True deploys the rotation of secrets.')
param deployRotation bool = true

@description('True deploys the change feed puller.')
param deployChangeFeed bool = true

@description('App role that rotation, change feed and health details need besides the function key, or none (AUTH_OPERATOR_ROLE).')
@minLength(1)
param operatorRole string

@description('App role that backends need besides the function key, or none (AUTH_BACKEND_ROLE). Any value where the token service is not deployed.')
@minLength(1)
param backendRole string

@description('Where the change feed begins: beginning, latest, sequence:<n> or time:<ISO 8601 with zone> (CHANGE_FEED_START). Any value where it is not deployed.')
@minLength(1)
param changeFeedStart string

@description('Where Communication Services keeps its data at rest, such as Europe. Any value where it is not made here.')
@minLength(1)
param communicationDataLocation string

@description('Resource id of a Communication Services resource to use, in whatever resource group; empty makes one.')
param communicationResourceId string = ''

@description('Resource ids of DICOM services to use, comma separated, in whatever resource groups; empty makes one.')
param dicomServiceIds string = ''

@description('How the webhook is signed: hmac (with the key webhook-key of the webhook\'s vault), none, or entra:<scope> (CHANGE_FEED_WEBHOOK_AUTH).')
@minLength(1)
param webhookAuth string = 'hmac'

@description('Name of the app in traces and metrics, the host\'s too; empty means that of the function app (OTEL_SERVICE_NAME).')
param serviceName string = ''

@description('Other app settings by their names in the README, as text. What is empty or equals the default is not set. Never a secret.')
param settings { *: string } = {}

@description('True puts storage, key vaults and the DICOM service behind private endpoints, and the app in a network that reaches them.')
param privateNetwork bool = false

@description('Address range of that network, /24 or larger; empty means 10.80.0.0/24.')
param networkAddressPrefix string = ''

@description('Origins that browsers may call the app from, comma separated.')
param corsOrigins string = ''

@description('True spreads app and storage over availability zones, where the region has them. To be chosen at first: storage is not moved later.')
param zoneRedundant bool = false

@description('Memory of an instance, megabytes.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances at a time. Limits per user are counted in each instance.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances for HTTP calls that are kept warm, at a price; two or more, if any, where the app is spread over zones.')
@minValue(0)
param alwaysReadyInstances int = 0

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logDays int = 90

@description('Days that an audit record can be neither changed nor deleted.')
@minValue(1)
@maxValue(146000)
param auditDays int = 365

@description('True once the policy that keeps audit records is locked: it is then left as it is.')
param auditLocked bool = false

@description('Days after which deliveries are deleted, read or not; 0 keeps them.')
@minValue(0)
param deliveryDays int = 90

@description('Days after which claim checks, and replays with theirs, are deleted, though messages never expire: only for consumers that empty the queue in fewer days. 0 keeps them.')
@minValue(0)
param claimDays int = 0

@description('Key vaults that an earlier deployment of this name left soft-deleted and that this one brings back, comma separated: secrets, webhook.')
param recoverVaults string = ''

@description('Addresses that alerts are mailed to, comma separated; with neither these nor an action group alerts are seen in the portal alone.')
param alertEmails string = ''

@description('Resource id of an action group that alerts go to, in whatever resource group.')
param alertActionGroupId string = ''

@description('Limits of alerts by the names in monitoring/alerts.json, as text. What is empty is not set.')
param alertLimits { *: string } = {}

var here = {
  token: uniqueString(resourceGroup().id, environmentName)
  location: location
  tags: { 'azd-env-name': environmentName }
  private: privateNetwork
}

// What the operator chose, and the app's own defaults for the rest. Rows without `from` are the operator's to choose.
var settingRows = loadJsonContent('appSettings.json')
var choosable = map(filter(settingRows, row => empty(row.from)), row => row.name)
var unknownSettings = filter(objectKeys(settings), name => !contains(choosable, name))
var given = empty(unknownSettings)
  ? items(settings)
  : fail('settings: ${join(unknownSettings, ', ')} cannot be chosen here. Those that can be: ${join(choosable, ', ')}')
var chosen = union(
  toObject(settingRows, row => row.name, row => row.default),
  toObject(filter(given, entry => !empty(entry.value)), entry => entry.key, entry => entry.value)
)
var sinks = map(split(chosen.CHANGE_FEED_SINKS, ','), sink => trim(sink))
var recovered = empty(recoverVaults) ? [] : map(split(recoverVaults, ','), vault => trim(vault))
var warm = zoneRedundant && alwaysReadyInstances == 1
  ? fail('alwaysReadyInstances: expected 0, or 2 or more where zoneRedundant is true.')
  : alwaysReadyInstances

// What `when` means in the tables of settings, storage and roles.
var deployed = {
  always: true
  communication: deployCommunication
  rotation: deployRotation
  // Without a client the app would call its rotation misconfigured: the vault comes first, the client is registered later.
  serviceClients: deployRotation && !(empty(chosen.SERVICE_CLIENT_APP_ID) && empty(chosen.SERVICE_CLIENTS))
  changeFeed: deployChangeFeed
  stateTables: deployCommunication || deployChangeFeed
  deliveryBlobs: deployChangeFeed && (contains(sinks, 'blob') || contains(sinks, 'queue'))
  deliveryQueue: deployChangeFeed && contains(sinks, 'queue')
  webhook: deployChangeFeed && contains(sinks, 'webhook')
  receiver: !empty(chosen.OTEL_EXPORTER_OTLP_ENDPOINT)
}

module foundation 'modules/foundation.bicep' = {
  name: 'foundation-${here.token}'
  params: {
    place: here
    parts: deployed
    chosen: chosen
    communicationResourceId: communicationResourceId
    communicationDataLocation: communicationDataLocation
    dicomServiceIds: empty(dicomServiceIds) ? [] : map(split(dicomServiceIds, ','), id => trim(id))
    networkAddressPrefix: empty(networkAddressPrefix) ? '10.80.0.0/24' : networkAddressPrefix
    zoneRedundant: zoneRedundant
    recoverVaults: empty(filter(recovered, vault => !contains(['secrets', 'webhook'], vault)))
      ? recovered
      : fail('recoverVaults: expected secrets, webhook or both, comma separated.')
    logDays: logDays
    auditDays: auditDays
    auditLocked: auditLocked
    deliveryDays: deliveryDays
    claimDays: claimDays
  }
}

module app 'modules/functionApp.bicep' = {
  name: 'app-${here.token}'
  params: {
    place: here
    parts: deployed
    chosen: chosen
    identityIds: foundation.outputs.identityIds
    vaultReferenceIdentityId: foundation.outputs.vaultReaderId
    packageContainerUrl: foundation.outputs.packageContainerUrl
    subnetId: foundation.outputs.appSubnetId
    corsOrigins: empty(corsOrigins) ? [] : map(split(corsOrigins, ','), origin => trim(origin))
    zoneRedundant: zoneRedundant
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: warm
    known: union(foundation.outputs.known, {
      operatorRole: operatorRole
      backendRole: backendRole
      // Set in any case: the host reads it too, and without it would call itself by another name than the app does.
      serviceName: empty(serviceName) ? functionAppName(here.token) : serviceName
      changeFeedStart: changeFeedStart
      authorityHost: join(take(split(environment().authentication.loginEndpoint, '/'), 3), '/')
      // Set though it is the app's default: the host reads it too, and would speak gRPC without it.
      otlpProtocol: 'http/protobuf'
      webhookAuth: webhookAuth == 'hmac' ? 'hmac:${foundation.outputs.known.webhookKey}' : webhookAuth
    })
  }
}

module monitoring 'monitoring/monitoring.bicep' = {
  name: 'monitoring-${here.token}'
  params: {
    place: here
    parts: deployed
    insightsId: foundation.outputs.insightsId
    emails: map(split(alertEmails, ','), email => trim(email))
    actionGroupId: alertActionGroupId
    limits: alertLimits
  }
}

// azd keeps these as variables of the environment, and the command lines of this project take them from there.

@description('Name of the function app.')
output FUNCTION_APP_NAME string = app.outputs.name

@description('URL of the function app.')
output FUNCTION_APP_URL string = app.outputs.url

@description('URL of the vault that consumers read the rotated secret from; empty where the rotation is not deployed.')
output SECRETS_VAULT_URL string = deployRotation ? foundation.outputs.known.keyVaultUrl : ''

@description('Name of the vault for the secrets webhook-url and webhook-key; empty where there is no webhook.')
output WEBHOOK_VAULT_NAME string = deployed.webhook ? vaultName('webhook', here.token) : ''

@description('Client id of the identity that rotates secrets, for register-service-client; empty where the rotation is not deployed.')
output ROTATION_IDENTITY string = foundation.outputs.known.rotationClientId

@description('Name of the storage account with the state and the audit records.')
output STATE_STORAGE_NAME string = storageName('state', here.token)

@description('Blob endpoint of that account, for register-service-client.')
output AUDIT_STORAGE_URL string = foundation.outputs.auditStorageUrl

@description('Name of the storage account with the deliveries; empty where the change feed is not deployed.')
output DELIVERY_STORAGE_NAME string = deployChangeFeed ? storageName('deliveries', here.token) : ''

@description('Resource id of the Log Analytics workspace.')
output LOG_WORKSPACE_ID string = foundation.outputs.workspaceId

@description('Resource id of the Application Insights component.')
output INSIGHTS_ID string = foundation.outputs.insightsId
