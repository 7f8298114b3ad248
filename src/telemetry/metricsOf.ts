// What is counted: turns the events that invocations log, and how they ended, into measurements. Pure.
import type { LogFields } from '../platform/log.ts';
import type { Invocation, InvocationEnd, UpstreamService } from '../platform/telemetry.ts';
import type { MetricName } from './metricNames.ts';

export interface Measurement {
  readonly name: MetricName;
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Nothing for an event that no metric is made of, and nothing of a field that is not a number. */
export function metricsOf(event: string, fields: LogFields): readonly Measurement[] {
  return readers.get(event)?.(fields) ?? [];
}

/** Of one try of a request to an upstream. */
export function metricsOfAnswer(service: UpstreamService, status: number): readonly Measurement[] {
  return status === 429 || status === 503 ? [one('telehealth.upstream.throttled', { service })] : [];
}

/** Of an invocation that took `seconds`. */
export function metricsOfEnd(
  { name, http }: Invocation,
  // Without one of the app, the host answers 500.
  { outcome, status = 500 }: InvocationEnd,
  seconds: number,
): readonly Measurement[] {
  if (http) {
    const attributes = { ...http, status_class: `${Math.floor(status / 100)}xx` };
    return [
      { name: 'telehealth.http.answers', value: 1, attributes },
      { name: 'telehealth.http.duration', value: seconds, attributes },
    ];
  }
  const attributes = { job: name, outcome };
  return [
    { name: 'telehealth.jobs.runs', value: 1, attributes },
    { name: 'telehealth.jobs.duration', value: seconds, attributes },
  ];
}

const readers: ReadonlyMap<string, (fields: LogFields) => readonly Measurement[]> = new Map([
  ['token_issued', () => [one('telehealth.tokens.issued', { kind: 'acs' })]],
  ['teams_token_exchanged', () => [one('telehealth.tokens.issued', { kind: 'teams' })]],
  ['possible_orphan', () => [one('telehealth.identities.possible_orphans', {})]],
  ['identities_cleaned_up', cleanUps],
  ['rotation_client', rotation],
  ['feed_pulled', feed],
  ['feed_replayed', replayed],
]);

function cleanUps({ failed, unreadable }: LogFields): readonly Measurement[] {
  if (typeof failed !== 'number' || typeof unreadable !== 'number') return [];
  return [{ name: 'telehealth.clean_ups.open', value: failed + unreadable, attributes: {} }];
}

function rotation(fields: LogFields): readonly Measurement[] {
  const target = text(fields['secretName']);
  const credentials = (owner: string): readonly Measurement[] =>
    measured('telehealth.rotation.credentials', fields[owner], { target, owner });
  return [
    one('telehealth.rotation.runs', { target, outcome: text(fields['outcome']) }),
    ...measured('telehealth.rotation.days_to_expiry', fields['daysToExpiry'], { target }),
    ...['owned', 'orphan', 'foreign'].flatMap(credentials),
    ...measured('telehealth.rotation.strange_credentials', strange(fields), { target }),
  ];
}

/** Nothing where a run did not look at the credentials. Which ones they are is for the log alone. */
function strange({ owned, warnings }: LogFields): number | undefined {
  if (typeof owned !== 'number' || !Array.isArray(warnings)) return undefined;
  return warnings.filter((warning) => String(warning).includes('that this app did not make appeared')).length;
}

function feed(fields: LogFields): readonly Measurement[] {
  const service = text(fields['service']);
  // A run that did not get to see the feed, or whose cursor another one holds, knows nothing of its state.
  const seen = typeof fields['lag'] === 'number';
  const holes = (state: string): readonly Measurement[] =>
    seen ? measured('telehealth.feed.holes', fields[state], { service, state }) : [];
  return [
    one('telehealth.feed.runs', { service, outcome: text(fields['outcome']) }),
    ...measured('telehealth.feed.lag', fields['lag'], { service }),
    ...measured('telehealth.feed.lag_seconds', fields['lagSeconds'], { service }),
    ...['held', 'crossed'].flatMap(holes),
    ...measured('telehealth.feed.delivered', fields['delivered'], { service }),
    ...measured('telehealth.feed.late', fields['late'], { service }),
    ...measured('telehealth.feed.fallbacks', fields['fallbacks'], { service }),
    ...measured('telehealth.feed.dead_letters', fields['deadLetters'], { service }),
    ...measured('telehealth.feed.replays', fields['replaysRunning'], { service, state: 'running' }),
    ...measured('telehealth.feed.replays', fields['replaysUnreadable'], { service, state: 'unreadable' }),
    ...measured('telehealth.feed.replay_sequences_left', fields['replaySequencesLeft'], { service }),
  ];
}

function replayed(fields: LogFields): readonly Measurement[] {
  const attributes = { service: text(fields['service']), outcome: text(fields['outcome']) };
  return [one('telehealth.feed.replay_runs', attributes)];
}

function one(name: MetricName, attributes: Measurement['attributes']): Measurement {
  return { name, value: 1, attributes };
}

function measured(
  name: MetricName,
  value: LogFields[string],
  attributes: Measurement['attributes'],
): readonly Measurement[] {
  return typeof value === 'number' ? [{ name, value, attributes }] : [];
}

function text(value: LogFields[string]): string {
  return typeof value === 'string' ? value : 'unknown';
}
