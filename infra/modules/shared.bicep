// What the modules have in common: where resources are made, and names that more than one of them must know.

@export()
@description('Where and how resources are made.')
type placeType = {
  @description('Distinguishes the names of one deployment.')
  token: string

  @description('Region.')
  location: string

  @description('Tags of all resources.')
  tags: { *: string }

  @description('True: what the app talks to is reachable by private endpoints alone.')
  private: bool
}

@export()
@description('What is deployed: the values of `when` in the tables of settings, storage and roles.')
type partsType = { *: bool }

@export()
@description('Name of a storage account: of `host`, `state` or `deliveries`.')
func storageName(account string, token string) string => 'st${take(account, 5)}${token}'

@export()
@description('Name of a key vault: of `secrets` or `webhook`.')
func vaultName(vault string, token string) string => 'kv${take(vault, 1)}-${token}'

@export()
@description('Name of the Application Insights component.')
func insightsName(token string) string => 'appi-${token}'

@export()
@description('Name of the function app.')
func functionAppName(token string) string => 'func-${token}'

@export()
@description('True for the id of a resource of that type, such as Microsoft.KeyVault/vaults, in a resource group.')
func isIdOf(id string, type string) bool =>
  length(split(id, '/')) == 5 + 2 * length(split(type, '/')) && contains(
    toLower(id),
    '/providers/${toLower(join(take(split(type, '/'), 2), '/'))}/'
  ) && contains(toLower(id), '/${toLower(last(split(type, '/')))}/')
