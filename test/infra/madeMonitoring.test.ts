// What a deployment has watched: the rules and the page that are made of the tables of alerts and charts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { id, made, type Resource } from './made.ts';
import { alerts, chartQuery, charts, queryOf, tables } from './monitoringTables.ts';

const client = { SERVICE_CLIENT_APP_ID: 'an-app' };
const action = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/actionGroups/on-call';

/** Names of the rules that are made, without what is common to all. */
const names = (rules: readonly Resource[]): readonly string[] =>
  rules.map(({ name }) => name.split('-')[1] ?? '').sort();

test('each alert is a rule that asks its query, as often and as far back as the table says', () => {
  const { of, token } = made(client);
  const rules = new Map(of('Insights/scheduledQueryRules').map(({ name, body }) => [name, body]));
  assert.equal(rules.size, alerts.length);
  for (const alert of alerts) {
    const { kind, properties } = rules.get(`alert-${alert.name}-${token}`) ?? {};
    const { description, ...rest } = properties as Readonly<Record<string, unknown>>;
    assert.equal(kind, 'LogAlert');
    const page = `docs/operate.md#${alert.title.toLowerCase().replaceAll(' ', '-')}`;
    assert.equal(
      description,
      `${alert.meaning.replaceAll('{limit}', String(alert.limit))} What to do: ${page}`,
    );
    assert.deepEqual(rest, {
      displayName: `Telehealth: ${alert.title}`,
      ...{ severity: alert.severity, enabled: true, autoMitigate: true, skipQueryValidation: true },
      scopes: [id('Insights/components', `appi-${token}`)],
      ...{ evaluationFrequency: alert.every, windowSize: alert.window },
      criteria: {
        allOf: [
          {
            query: queryOf(alert),
            ...{ timeAggregation: 'Count', operator: 'GreaterThan', threshold: 0 },
            dimensions: alert.dimensions.map((name) => ({ name, operator: 'Include', values: ['*'] })),
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 },
          },
        ],
      },
      actions: { actionGroups: [] },
    });
  }
});

test('a job that is not deployed is not missed', () => {
  const off = { DEPLOY_COMMUNICATION: 'false', DEPLOY_ROTATION: 'false', DEPLOY_CHANGE_FEED: 'false' };
  for (const [variables, on] of [
    [off, ['always']],
    [{ ...off, DEPLOY_COMMUNICATION: 'true' }, ['always', 'communication']],
    // The rotation is not missed before it has a client.
    [{ ...off, DEPLOY_ROTATION: 'true' }, ['always']],
    [{ ...off, ...client, DEPLOY_ROTATION: 'true' }, ['always', 'serviceClients']],
    [{ ...off, DEPLOY_CHANGE_FEED: 'true' }, ['always', 'changeFeed']],
  ] as const) {
    const { of, one } = made(variables);
    const wanted = (rows: readonly { readonly when: string }[]): readonly unknown[] =>
      rows.filter(({ when }) => (on as readonly string[]).includes(when));
    assert.deepEqual(
      names(of('Insights/scheduledQueryRules')),
      (wanted(alerts) as typeof alerts).map(({ name }) => name).sort(),
      on.join(),
    );
    const { serializedData } = one('Insights/workbooks').body['properties'] as { serializedData: string };
    const { items } = JSON.parse(serializedData) as { items: readonly unknown[] };
    assert.equal(items.length, 1 + wanted(tables).length + wanted(charts).length, on.join());
  }
});

test('a limit is the one that the operator chooses, if it is one', () => {
  const { of } = made({ ALERT_DEAD_LETTERS: '7', ALERT_FEED_LAG_MINUTES: '10080' });
  const rules = of('Insights/scheduledQueryRules').map(({ name, body }) => `${name} ${JSON.stringify(body)}`);
  const shown = (name: string): string => rules.find((rule) => rule.startsWith(`alert-${name}-`)) ?? '';
  assert.match(shown('deadLetters'), /valueSum > 7\\n/);
  assert.match(shown('deadLetters'), /More than 7 changes/);
  assert.match(shown('feedLag'), /valueSum > 10080 \* 60/);
  for (const [variable, value] of [
    ['ALERT_FEED_LAG_MINUTES', '4'],
    ['ALERT_FEED_LAG_MINUTES', '10081'],
  ] as const)
    assert.throws(() => made({ [variable]: value }), {
      message: 'alertLimits: expected feedLag from 5 to 10080.',
    });
  made({ ALERT_FEED_LAG_MINUTES: '5' });
  // Nobody is to be told of a limit for what is not deployed.
  made({ DEPLOY_CHANGE_FEED: 'false', ALERT_FEED_LAG_MINUTES: '4' });
});

test('a limit that is not given is that of the table, and one for an alert that there is not is refused', () => {
  const { of } = made({}, {}, undefined, { deadLetters: undefined });
  const [rule] = of('Insights/scheduledQueryRules').filter(({ name }) => name.includes('deadLetters'));
  assert.match(JSON.stringify(rule?.body), /More than 0 changes/);
  assert.throws(() => made({}, {}, undefined, { feedlag: '3' }), {
    message: 'alertLimits: there is no alert feedlag.',
  });
});

test('alerts go to every address and to the action group, where there are any', () => {
  const mailed = made({ ALERT_EMAILS: 'a@example.org, b@example.org', ALERT_ACTION_GROUP_ID: action });
  const { name, body } = mailed.one('Insights/actionGroups');
  assert.deepEqual(body['properties'], {
    ...{ enabled: true, groupShortName: 'telehealth' },
    emailReceivers: ['a@example.org', 'b@example.org'].map((emailAddress, index) => ({
      ...{ name: `mail-${index}`, emailAddress, useCommonAlertSchema: true },
    })),
  });
  const told = ({ of }: typeof mailed): readonly unknown[] =>
    of('Insights/scheduledQueryRules').map(
      (rule) => (rule.body['properties'] as { actions: unknown }).actions,
    );
  const mail = id('Insights/actionGroups', name);
  for (const actions of told(mailed)) assert.deepEqual(actions, { actionGroups: [mail, action] });
  const others = made({ ALERT_ACTION_GROUP_ID: action });
  assert.deepEqual(others.of('Insights/actionGroups'), []);
  for (const actions of told(others)) assert.deepEqual(actions, { actionGroups: [action] });
});

test('the page shows the tables and charts, each with its query', () => {
  const { one, token } = made(client);
  const { kind, properties } = one('Insights/workbooks').body;
  const { serializedData, ...rest } = properties as { serializedData: string };
  const insights = id('Insights/components', `appi-${token}`);
  assert.equal(kind, 'shared');
  assert.deepEqual(rest, {
    ...{
      displayName: `Telehealth functions ${token}`,
      category: 'workbook',
      version: '1.0',
      sourceId: insights,
    },
  });
  const { items, ...page } = JSON.parse(serializedData) as {
    items: readonly Readonly<Record<string, unknown>>[];
  };
  assert.deepEqual(page, { version: 'Notebook/1.0', fallbackResourceIds: [insights], isLocked: false });
  const [range, ...shown] = items;
  assert.equal(range?.['type'], 9);
  const source = { queryType: 0, resourceType: 'microsoft.insights/components' };
  const common = { version: 'KqlItem/1.0', timeContextFromParameter: 'TimeRange', size: 1, ...source };
  assert.deepEqual(shown, [
    ...tables.map(({ name, title, query }) => ({
      ...{ type: 3, name, content: { ...common, title, query: query.join('\n'), visualization: 'table' } },
    })),
    ...charts.map((chart) => ({
      ...{ type: 3, name: chart.metric, customWidth: '50' },
      content: {
        ...common,
        title: chart.title,
        query: chartQuery(chart).replace(', 5m)', ', {TimeRange:grain})'),
      },
    })),
  ]);
  const { parameters, ...content } = range['content'] as {
    parameters: readonly Readonly<Record<string, unknown>>[];
  };
  assert.deepEqual(content, { ...source, version: 'KqlParameterItem/1.0', style: 'pills' });
  const [{ id: itself, ...parameter } = {}, ...more] = parameters;
  assert.match(String(itself), /^[0-9a-f-]{36}$/);
  const hours = [1, 4, 24, 168, 720];
  assert.deepEqual(
    [range['name'], parameter, more],
    [
      'time range',
      {
        ...{ version: 'KqlParameterItem/1.0', name: 'TimeRange', label: 'Time', type: 4, isRequired: true },
        value: { durationMs: 86_400_000 },
        typeSettings: {
          selectableValues: hours.map((one) => ({ durationMs: one * 3_600_000 })),
          allowCustom: true,
        },
      },
      [],
    ],
  );
});
