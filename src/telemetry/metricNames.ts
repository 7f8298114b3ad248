// Every metric that the app sends, as data: what it is made with, and what alerts, the README and tests read.

export type MetricKind = 'counter' | 'gauge' | 'histogram';

export interface Metric {
  readonly kind: MetricKind;
  /** As UCUM writes it. */
  readonly unit: string;
  /** All of them in each measurement. Their values come from closed sets or from the app's own settings. */
  readonly attributes: readonly string[];
  readonly description: string;
}

export const metrics = {
  'telehealth.jobs.runs': {
    ...{ kind: 'counter', unit: '{run}', attributes: ['job', 'outcome'] },
    description: 'Runs of a timer: outcome ok or failed',
  },
  'telehealth.jobs.duration': {
    ...{ kind: 'histogram', unit: 's', attributes: ['job', 'outcome'] },
    description: 'How long a run of a timer took',
  },
  'telehealth.http.answers': {
    ...{ kind: 'counter', unit: '{answer}', attributes: ['method', 'route', 'status_class'] },
    description: 'Answers over HTTP by route template and status class (2xx to 5xx)',
  },
  'telehealth.http.duration': {
    ...{ kind: 'histogram', unit: 's', attributes: ['method', 'route', 'status_class'] },
    description: 'How long an answer took inside the app',
  },
  'telehealth.upstream.throttled': {
    ...{ kind: 'counter', unit: '{answer}', attributes: ['service'] },
    description: 'Answers 429 and 503 of a service behind the app, each try counted',
  },
  'telehealth.tokens.issued': {
    ...{ kind: 'counter', unit: '{token}', attributes: ['kind'] },
    description: 'Tokens handed out: kind acs or teams',
  },
  'telehealth.identities.possible_orphans': {
    ...{ kind: 'counter', unit: '{identity}', attributes: [] },
    description: 'Creations of an identity of which nobody knows whether ACS made one',
  },
  'telehealth.clean_ups.open': {
    ...{ kind: 'gauge', unit: '{entry}', attributes: [] },
    description:
      'Revocations and deletions that were due and are still owed after the last run of cleanUpIdentities',
  },
  'telehealth.rotation.runs': {
    ...{ kind: 'counter', unit: '{run}', attributes: ['target', 'outcome'] },
    description: 'How the rotation of a target (secret name) ended; failed and refused need somebody',
  },
  'telehealth.rotation.days_to_expiry': {
    ...{ kind: 'gauge', unit: 'd', attributes: ['target'] },
    description: 'Days until the secret that the vault holds expires, with one decimal; negative afterwards',
  },
  'telehealth.rotation.credentials': {
    ...{ kind: 'gauge', unit: '{credential}', attributes: ['target', 'owner'] },
    description:
      'Credentials on the application as a run found them: owner owned (by this app), orphan or foreign',
  },
  'telehealth.rotation.strange_credentials': {
    ...{ kind: 'counter', unit: '{credential}', attributes: ['target'] },
    description: 'Credentials that appeared between two runs and that this app did not make',
  },
  'telehealth.feed.runs': {
    ...{ kind: 'counter', unit: '{run}', attributes: ['service', 'outcome'] },
    description: 'How a pull of a DICOM service (host) ended',
  },
  'telehealth.feed.lag': {
    ...{ kind: 'gauge', unit: '{change}', attributes: ['service'] },
    description: 'Sequences between the cursor and the newest change: at most this many changes wait',
  },
  'telehealth.feed.lag_seconds': {
    ...{ kind: 'gauge', unit: 's', attributes: ['service'] },
    description: 'Age of the first change that waits',
  },
  'telehealth.feed.holes': {
    ...{ kind: 'gauge', unit: '{sequence}', attributes: ['service', 'state'] },
    description: 'Missing sequences: state held (waited for) or crossed (passed and still watched)',
  },
  'telehealth.feed.delivered': {
    ...{ kind: 'counter', unit: '{change}', attributes: ['service'] },
    description: 'Changes that every sink took',
  },
  'telehealth.feed.late': {
    ...{ kind: 'counter', unit: '{change}', attributes: ['service'] },
    description: 'Delivered changes that appeared after their sequence was passed',
  },
  'telehealth.feed.fallbacks': {
    ...{ kind: 'counter', unit: '{change}', attributes: ['service'] },
    description: 'Delivered changes whose metadata the service could not read',
  },
  'telehealth.feed.dead_letters': {
    ...{ kind: 'gauge', unit: '{change}', attributes: ['service'] },
    description: 'Changes that a sink refused and that wait for an operator',
  },
  'telehealth.feed.replay_runs': {
    ...{ kind: 'counter', unit: '{run}', attributes: ['service', 'outcome'] },
    description: 'How the work of a run on a replay ended',
  },
  'telehealth.feed.replays': {
    ...{ kind: 'gauge', unit: '{replay}', attributes: ['service', 'state'] },
    description: 'Replays: state running or unreadable (on which nothing works)',
  },
  'telehealth.feed.replay_sequences_left': {
    ...{ kind: 'gauge', unit: '{sequence}', attributes: ['service'] },
    description: 'Sequences that running replays have before them, after a run that could work on them',
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof metrics;
