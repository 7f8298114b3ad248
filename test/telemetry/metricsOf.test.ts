// What is counted: the events that the app really logs, the ends of invocations, and nothing that is not on the list.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeReport } from '../../src/changeFeed/report.ts';
import { createLog, type LogFields } from '../../src/platform/log.ts';
import { emptyReport, logReport } from '../../src/rotation/report.ts';
import { metrics } from '../../src/telemetry/metricNames.ts';
import { metricsOf, metricsOfAnswer, metricsOfEnd, type Measurement } from '../../src/telemetry/metricsOf.ts';

const root = join(import.meta.dirname, '..', '..');
const client = {
  appId: 'app',
  tenantId: 'tenant',
  secretName: 'dicom-client-secret',
  validityDays: 90,
  beforeDays: 30,
  overlapHours: 168,
  retire: 'remove',
} as const;

function shown(measurements: readonly Measurement[]): readonly string[] {
  return measurements.map(
    ({ name, value, attributes }) => `${name} ${value} ${Object.values(attributes).join(' ')}`,
  );
}

/** What is made of the events that `log` is told. */
function heard(tell: (log: ReturnType<typeof createLog>) => void): readonly string[] {
  const found: Measurement[] = [];
  const quiet = (): void => undefined;
  tell(
    createLog({ info: quiet, warn: quiet, error: quiet }, {}, (event, fields) => {
      found.push(...metricsOf(event, fields));
    }),
  );
  return shown(found);
}

test('the report of a rotation tells its outcome, the days that are left, the credentials and the strange ones', () => {
  const report = {
    ...emptyReport(client, 'rotated'),
    ...{ daysToExpiry: 89.9, counts: { owned: 2, orphan: 1, foreign: 3 } },
    warnings: [
      'a credential that this app did not make appeared: a',
      'a secret that this app did not make appeared on the service principal: b',
      'a credential named after another target, c, appeared: d',
    ],
  };
  assert.deepEqual(
    heard((log) => {
      logReport(log, report);
    }),
    [
      'telehealth.rotation.runs 1 dicom-client-secret rotated',
      'telehealth.rotation.days_to_expiry 89.9 dicom-client-secret',
      'telehealth.rotation.credentials 2 dicom-client-secret owned',
      'telehealth.rotation.credentials 1 dicom-client-secret orphan',
      'telehealth.rotation.credentials 3 dicom-client-secret foreign',
      'telehealth.rotation.strange_credentials 2 dicom-client-secret',
    ],
  );
});

test('a client that was not looked at tells its outcome only: nothing is known of the rest', () => {
  assert.deepEqual(
    heard((log) => {
      logReport(log, emptyReport(client, 'busy'));
    }),
    ['telehealth.rotation.runs 1 dicom-client-secret busy'],
  );
});

test('a rotation that saw nothing strange says so, and the words for what is strange are those of the rotation', () => {
  const said = heard((log) => {
    logReport(log, { ...emptyReport(client, 'noop'), counts: { owned: 1, orphan: 0, foreign: 0 } });
  });
  assert.ok(said.includes('telehealth.rotation.strange_credentials 0 dicom-client-secret'), said.join());
  const source = readFileSync(join(root, 'src/rotation/warnings.ts'), 'utf8');
  for (const words of ['`a credential ', '`a secret '])
    assert.ok(source.includes(`${words}that this app did not make appeared`), words);
});

/** As `service.ts` logs a report. */
function pulled(report: ReturnType<typeof makeReport>): readonly string[] {
  const { error, holes, replays, ...numbers } = report;
  assert.deepEqual([error, replays], [undefined, []]);
  const fields: LogFields = { ...numbers, service: new URL(report.service).host, ...holes };
  return heard((log) => {
    log.info('feed_pulled', fields);
  });
}

test('the report of a pull tells the lag, the holes and what was delivered', () => {
  const cursor = {
    ...{ committed: 90, epoch: 1, holes: [{ from: 91, to: 92 }], crossed: [{ from: 5, to: 5 }] },
  } as unknown as Parameters<typeof makeReport>[3];
  const tally = {
    ...{ latest: 100, delivered: 7, late: 2, repeated: 1, fallbacks: 3 },
    ...{ lagSeconds: 40, queueLength: undefined },
  };
  const report = makeReport('https://x.example', { outcome: 'holding_gap' }, 0, cursor, tally);
  assert.deepEqual(pulled({ ...report, deadLetters: 4 }), [
    'telehealth.feed.runs 1 x.example holding_gap',
    'telehealth.feed.lag 10 x.example',
    'telehealth.feed.lag_seconds 40 x.example',
    'telehealth.feed.holes 2 x.example held',
    'telehealth.feed.holes 1 x.example crossed',
    'telehealth.feed.delivered 7 x.example',
    'telehealth.feed.late 2 x.example',
    'telehealth.feed.fallbacks 3 x.example',
    'telehealth.feed.dead_letters 4 x.example',
  ]);
});

test('a pull that never saw the feed says nothing of lag and holes, and of dead letters only what was counted', () => {
  const names = pulled(makeReport('https://x.example', { outcome: 'busy' }, 0)).map(
    (text) => text.split(' ')[0],
  );
  assert.ok(!names.includes('telehealth.feed.dead_letters'), names.join());
  assert.ok(!names.includes('telehealth.feed.lag') && !names.includes('telehealth.feed.holes'), names.join());
});

test('a pull tells how many replays there are and what is left of them, where it knows', () => {
  const told = (more: LogFields): readonly string[] =>
    shown(metricsOf('feed_pulled', { service: 'x', outcome: 'caught_up', ...more })).slice(1);
  const counts = { replaysRunning: 2, replaysUnreadable: 1 };
  const states = ['telehealth.feed.replays 2 x running', 'telehealth.feed.replays 1 x unreadable'];
  assert.deepEqual(told({}), []);
  assert.deepEqual(told(counts), states);
  assert.deepEqual(told({ ...counts, replaySequencesLeft: 0 }), [
    ...states,
    'telehealth.feed.replay_sequences_left 0 x',
  ]);
});

test('the work of a run on a replay is counted by how it ended, whichever replay it is', () => {
  const fields = { service: 'x', replay: 'canary', state: 'running', outcome: 'sink_down', passed: 3 };
  assert.deepEqual(shown(metricsOf('feed_replayed', fields)), ['telehealth.feed.replay_runs 1 x sink_down']);
});

test('entries that failed and entries that cannot be read are open clean-ups', () => {
  const fields = { examined: 9, failed: 2, unreadable: 1, finished: true };
  assert.deepEqual(shown(metricsOf('identities_cleaned_up', fields)), ['telehealth.clean_ups.open 3 ']);
});

test('tokens and possible orphans are counted one by one, without anybody', () => {
  const fields = { subject: 'canary', scopes: ['chat'], reason: 'canary' };
  for (const event of ['token_issued', 'teams_token_exchanged', 'possible_orphan'])
    assert.doesNotMatch(shown(metricsOf(event, fields)).join(), /canary|undefined/);
  assert.deepEqual(shown(metricsOf('teams_token_exchanged', fields)), ['telehealth.tokens.issued 1 teams']);
});

test('an event that no metric is made of gives none', () => {
  assert.deepEqual(metricsOf('call_failed', { status: 500 }), []);
  assert.deepEqual(metricsOf('toString', {}), []);
});

test('the end of a call counts by its route, that of a run by its job', () => {
  const about = { name: 'getUser', requestId: 'x', http: { method: 'GET', route: 'users/{userId}' } };
  assert.deepEqual(shown(metricsOfEnd(about, { outcome: 'failed', status: 503 }, 1.5)), [
    'telehealth.http.answers 1 GET users/{userId} 5xx',
    'telehealth.http.duration 1.5 GET users/{userId} 5xx',
  ]);
  assert.deepEqual(shown(metricsOfEnd({ name: 'rotateSecrets', requestId: 'x' }, { outcome: 'failed' }, 9)), [
    'telehealth.jobs.runs 1 rotateSecrets failed',
    'telehealth.jobs.duration 9 rotateSecrets failed',
  ]);
});

test('a call is counted in the hundred of its status, and one without an answer as the 500 that the host gives', () => {
  const about = { name: 'getUser', requestId: 'x', http: { method: 'GET', route: 'users/{userId}' } };
  const classes = [200, 299, 304, 400, 499, 500, 599, undefined].map(
    (status) => metricsOfEnd(about, { outcome: 'failed', status }, 1)[0]?.attributes['status_class'],
  );
  assert.deepEqual(classes, ['2xx', '2xx', '3xx', '4xx', '4xx', '5xx', '5xx', '5xx']);
});

test('an event that lacks a number gives no measurement of it, and one without its words names nobody', () => {
  for (const fields of [{}, { failed: 1 }, { unreadable: 1 }, { failed: 'canary', unreadable: 1 }])
    assert.deepEqual(metricsOf('identities_cleaned_up', fields), []);
  assert.deepEqual(shown(metricsOf('rotation_client', { secretName: 7, outcome: ['canary'], owned: 1 })), [
    'telehealth.rotation.runs 1 unknown unknown',
    'telehealth.rotation.credentials 1 unknown owned',
  ]);
  assert.deepEqual(shown(metricsOf('token_issued', {})), ['telehealth.tokens.issued 1 acs']);
});

test('429 and 503 are throttling, and no other answer is', () => {
  const statuses = [200, 404, 429, 500, 502, 503];
  assert.deepEqual(
    statuses.filter((status) => metricsOfAnswer('graph', status).length > 0),
    [429, 503],
  );
});

test('every event that is counted is one that the source logs', () => {
  const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('telemetry'))
    .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
    .join('\n');
  const counted = readFileSync(join(root, 'src/telemetry/metricsOf.ts'), 'utf8');
  const events = [...counted.matchAll(/^ {2}\['(\w+)'/gm)].map(([, event = '']) => event);
  assert.equal(events.length, 7);
  for (const event of events) assert.ok(source.includes(`('${event}'`), event);
});

test('the README tells of every metric, with its unit and attributes, and of no other', () => {
  const lines = readFileSync(join(root, 'README.md'), 'utf8').split('\n');
  const rows = lines.flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    return /^`telehealth\./.test(cells[1] ?? '') ? [cells.slice(1, 6)] : [];
  });
  const expected = Object.entries(metrics).map(([name, { kind, unit, attributes, description }]) => [
    ...[`\`${name}\``, kind, `\`${unit}\``],
    ...[attributes.map((attribute) => `\`${attribute}\``).join(', ') || '-', description],
  ]);
  assert.deepEqual(rows, expected);
});
