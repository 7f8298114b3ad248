// Tells somebody when the app is not well: a rule for each alert of alerts.json, and a workbook with the charts of charts.json.

import { partsType, placeType } from '../modules/shared.bicep'

@description('Where and how resources are made.')
param place placeType

@description('What is deployed.')
param parts partsType

@description('Resource id of the Application Insights component that is asked.')
param insightsId string

@description('Addresses that get a mail.')
param emails string[]

@description('Resource id of an action group to use as well; empty for none.')
param actionGroupId string

@description('Limits by the names of the alerts in alerts.json, as text; what is empty or absent is the default.')
param limits { *: string }

var data = loadJsonContent('alerts.json')
var board = loadJsonContent('charts.json')
var unknownLimits = filter(objectKeys(limits), name => !contains(map(data.alerts, alert => alert.name), name))
var given = empty(unknownLimits) ? limits : fail('alertLimits: there is no alert ${join(unknownLimits, ', ')}.')
var alerts = map(
  filter(data.alerts, alert => parts[alert.when]),
  alert =>
    union(alert, { limit: empty(given[?alert.name] ?? '') ? alert.limit : int(given[?alert.name] ?? '') })
)
var outside = filter(alerts, alert => alert.limit < alert.least || alert.limit > alert.most)
var wanted = empty(outside)
  ? alerts
  : fail('alertLimits: expected ${join(map(outside, alert => '${alert.name} from ${alert.least} to ${alert.most}'), ', ')}.')

// A parameter that azd takes from a variable is empty where that is not set, and splits into one empty address.
var addresses = filter(emails, email => !empty(email))

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(addresses)) {
  name: 'alerts-${place.token}'
  location: 'global'
  tags: place.tags
  properties: {
    enabled: true
    groupShortName: 'telehealth'
    emailReceivers: [
      for (email, index) in addresses: {
        name: 'mail-${index}'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

// A query answers a row for each thing that is wrong and none while all is well, so that the rule need only count them.
resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in wanted: {
    name: 'alert-${alert.name}-${place.token}'
    location: place.location
    tags: place.tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Telehealth: ${alert.title}'
      description: '${replace(alert.meaning, '{limit}', string(alert.limit))} What to do: docs/operate.md#${toLower(replace(alert.title, ' ', '-'))}'
      severity: alert.severity
      enabled: true
      autoMitigate: true
      scopes: [insightsId]
      evaluationFrequency: alert.every
      windowSize: alert.window
      // The tests compile each query; Azure would refuse tables into which nothing has been written yet.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: replace(
              replace(join(data.queries[alert.query], '\n'), '{limit}', string(alert.limit)),
              '{job}',
              alert.job
            )
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: map(alert.dimensions, name => { name: name, operator: 'Include', values: ['*'] })
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: {
        actionGroups: concat(empty(addresses) ? [] : [mail.id], empty(actionGroupId) ? [] : [actionGroupId])
      }
    }
  }
]

var source = { queryType: 0, resourceType: 'microsoft.insights/components' }
var shown = { version: 'KqlItem/1.0', timeContextFromParameter: 'TimeRange' }
var timeRange = {
  type: 9
  name: 'time range'
  content: union(source, {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    parameters: [
      {
        id: guid(place.token, 'TimeRange')
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time'
        type: 4
        isRequired: true
        value: { durationMs: 86400000 }
        typeSettings: {
          selectableValues: map([3600000, 14400000, 86400000, 604800000, 2592000000], ms => { durationMs: ms })
          allowCustom: true
        }
      }
    ]
  })
}
var tables = map(filter(board.tables, table => parts[table.when]), table => {
  type: 3
  name: table.name
  content: union(source, shown, {
    title: table.title
    query: join(table.query, '\n')
    visualization: 'table'
    size: 1
  })
})
// What a series is named after: the values of its attributes.
var charts = map(filter(board.charts, chart => parts[chart.when]), chart => {
  type: 3
  name: chart.metric
  customWidth: '50'
  content: union(source, shown, {
    title: chart.title
    query: join(
      [
        'customMetrics'
        '| where name == \'${chart.metric}\''
        '| summarize ${chart.aggregate} by bin(timestamp, {TimeRange:grain}), series = strcat(${join(concat(['\'\''], map(chart.by, name => 'tostring(customDimensions.${name})')), ', \' \', ')})'
        '| render timechart'
      ],
      '\n'
    )
    size: 1
  })
})

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, place.token, 'workbook')
  location: place.location
  tags: place.tags
  kind: 'shared'
  properties: {
    displayName: 'Telehealth functions ${place.token}'
    category: 'workbook'
    version: '1.0'
    sourceId: insightsId
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([timeRange], tables, charts)
      fallbackResourceIds: [insightsId]
      isLocked: false
    })
  }
}
