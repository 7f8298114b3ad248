// The alerts and charts of infra/monitoring with their queries as a deployment makes them, and what those refer to.
import alertFile from '../../infra/monitoring/alerts.json' with { type: 'json' };
import chartFile from '../../infra/monitoring/charts.json' with { type: 'json' };

const queries: Readonly<Record<string, readonly string[]>> = alertFile.queries;

export const queryNames = Object.keys(queries);

export interface Alert {
  readonly name: string;
  readonly title: string;
  readonly meaning: string;
  readonly source: string;
  /** Which part has to be deployed. */
  readonly when: string;
  readonly query: string;
  readonly job: string;
  readonly severity: number;
  /** ISO 8601 durations. */
  readonly every: string;
  readonly window: string;
  readonly dimensions: readonly string[];
  readonly variable: string;
  readonly limit: number;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
}

export const alerts: readonly Alert[] = alertFile.alerts;
export const { charts, tables } = chartFile;

export function template(alert: Alert): string {
  return (queries[alert.query] ?? []).join('\n');
}

export function queryOf(alert: Alert, limit = alert.limit): string {
  return template(alert).replaceAll('{limit}', String(limit)).replaceAll('{job}', alert.job);
}

/** With a grain such as the workbook puts in. */
export function chartQuery({ metric, aggregate, by }: (typeof charts)[number]): string {
  const series = ["''", ...by.map((name) => `tostring(customDimensions.${name})`)].join(", ' ', ");
  return [
    'customMetrics',
    `| where name == '${metric}'`,
    `| summarize ${aggregate} by bin(timestamp, 5m), series = strcat(${series})`,
    '| render timechart',
  ].join('\n');
}

export const texts: readonly string[] = [
  ...alerts.map((alert) => queryOf(alert)),
  ...tables.map(({ query }) => query.join('\n')),
  ...charts.map(chartQuery),
];

/** All that `text` compares `name` with, such as `outcome in ('a', 'b')` and `tostring(line.event) == 'c'`. */
export function comparedWith(name: string, text: string): readonly string[] {
  const found = text.matchAll(
    new RegExp(
      `\\b${name}\\)?(?:\\['\\w+'\\])? (?:==|!=|!?in|startswith|contains) (\\([^)]*\\)|'[^']*')`,
      'g',
    ),
  );
  return [...found].flatMap(([, values = '']) =>
    [...values.matchAll(/'([^']*)'/g)].map(([, value = '']) => value),
  );
}
