// Every row of the table of settings: what it takes, what it refuses, and its default.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table, type Row, type SettingName } from '../../../src/platform/settings/table.ts';
import { telemetryCases, type Case } from './telemetryCases.ts';
import { accountString, capabilityOf, entra, environments, guid, problemsOf } from './environments.ts';

const guids: Case = { good: [guid, guid.toUpperCase()], bad: ['7e1e4ea1', `{${guid}}`, `${guid}0`] };
const origin = (fallback?: string): Case => ({
  good: ['https://host.example', 'https://host.example/', 'https://HOST.example:8443'],
  bad: ['http://host.example', 'host.example', 'https://host.example/path', 'https://', 'https://h/?x=1'],
  ...(fallback === undefined ? {} : { fallback }),
});
const roles: Case = { good: ['none', 'Telehealth.Operate'], bad: ['two words', 'a,b', 'x'.repeat(121)] };
const onOff: Case = { good: ['on', 'off'], bad: ['true', '1', 'ON', 'yes'], fallback: 'off' };
const number = (low: number, high: number, fallback: string): Case => ({
  good: [String(low), String(high)],
  bad: [String(low - 1), String(high + 1), '1.5', '1e2', '-1', 'many', '0x10', '9999999999'],
  fallback,
});
const schedule = (fallback: string): Case => ({
  good: [fallback, '0 0 3 * * *'],
  bad: ['* * * * *', '%SCHEDULE%'],
  fallback,
});
const client = { appId: guid, tenantId: guid, secretName: 'one' };

const cases: Readonly<Record<SettingName, Case>> = {
  AZURE_CLIENT_ID: guids,
  COMMUNICATION_CLIENT_ID: guids,
  ROTATION_CLIENT_ID: guids,
  CHANGE_FEED_CLIENT_ID: guids,
  AZURE_TOKEN_CREDENTIALS: {
    good: ['dev', 'prod', 'azureclicredential', 'ManagedIdentityCredential'],
    bad: ['cli', 'ClientSecretCredential', 'dev,prod'],
  },
  AZURE_AUTHORITY_HOST: origin('https://login.microsoftonline.com'),
  AUTH_ISSUER: {
    good: [entra, 'https://issuer.example', 'https://issuer.example/realms/clinic/'],
    bad: [
      ...[
        'http://issuer.example',
        'issuer.example',
        'https://issuer.example?x=1',
        'https://issuer.example#x',
      ],
      ...['https://me:word@issuer.example', 'https://:word@issuer.example'],
    ],
  },
  AUTH_AUDIENCE: { good: ['api://clinic', 'api://clinic, ' + guid], bad: ['a,,b', 'a,a', ','] },
  AUTH_REQUIRED_SCOPE: {
    good: ['x', 'Clinic.Chat'],
    bad: ['a b', 'a"b', 'a\\b'],
    fallback: 'access_as_user',
  },
  AUTH_BACKEND_ROLE: roles,
  AUTH_OPERATOR_ROLE: roles,
  COMMUNICATION_SERVICES_ENDPOINT: origin(),
  COMMUNICATION_SERVICES_CONNECTION_STRING: {
    good: ['endpoint=https://x.example/;accesskey=a2V5', 'Endpoint=https://x.example;AccessKey=a2V5;'],
    bad: [
      ...['endpoint=https://x.example/', 'accesskey=a2V5;endpoint=https://x.example/', 'a2V5'],
      ...['endpoint=http://x.example/;accesskey=a2V5', 'endpoint=https://x.example/;accesskey=not base64'],
      'endpoint=https://x.example/;accesskey=a2V5;accesskey=a2V5',
    ],
  },
  TOKEN_SCOPES: {
    good: ['chat', 'voip.join, chat.join.limited'],
    bad: ['Chat', 'chat,chat', 'chat,', 'sms'],
    fallback: 'chat,voip',
  },
  TOKEN_MINUTES_DEFAULT: number(60, 1440, '60'),
  TOKEN_MINUTES_MAX: number(60, 1440, '240'),
  TOKEN_REQUESTS_PER_MINUTE: number(1, 100_000, '20'),
  SELF_ERASE: onOff,
  TEAMS_CLIENT_ID: guids,
  IDENTITY_REPAIR: onOff,
  IDENTITY_CLEANUP_SCHEDULE: schedule('0 */5 * * * *'),
  KEY_VAULT_URL: origin(),
  SERVICE_CLIENT_APP_ID: guids,
  SERVICE_CLIENT_TENANT_ID: guids,
  SERVICE_CLIENT_SECRET_NAME: { good: ['a', 'A-1', 'x'.repeat(127)], bad: ['a_b', 'x'.repeat(128), 'a/b'] },
  SERVICE_CLIENTS: {
    good: [
      JSON.stringify([client]),
      JSON.stringify([client, { ...client, secretName: 'two', validityDays: 10, retire: 'expire' }]),
    ],
    bad: [
      ...['[]', '{}', 'nonsense', JSON.stringify(client), '[null]', '[1'],
      ...[
        { ...client, appId: 'x' },
        { ...client, secret: 'canary' },
        { ...client, validityDays: 181 },
        { ...client, validityDays: 1.5 },
        { ...client, overlapHours: 24 },
        { ...client, retire: 'delete' },
        { appId: guid, tenantId: guid },
      ].map((entry) => JSON.stringify([entry])),
    ],
  },
  ROTATION_SCHEDULE: schedule('0 7 * * * *'),
  ROTATION_VALIDITY_DAYS: number(1, 180, '90'),
  ROTATION_BEFORE_DAYS: number(1, 179, '30'),
  ROTATION_OVERLAP_HOURS: number(25, 4320, '168'),
  ROTATION_RETIRE: { good: ['remove', 'expire'], bad: ['Remove', 'keep'], fallback: 'remove' },
  GRAPH_ENDPOINT: origin('https://graph.microsoft.com'),
  DICOM_SERVICE_URL: {
    good: ['https://a.example', 'https://a.example, https://b.example/'],
    bad: ['https://a.example,', 'https://a.example, https://A.example/', 'https://a.example/v2', 'a.example'],
  },
  DICOM_SCOPE: {
    good: ['https://dicom.example/.default'],
    bad: ['https://dicom.example', 'dicom/.default', 'https://a b/.default'],
    fallback: 'https://dicom.healthcareapis.azure.com/.default',
  },
  CHANGE_FEED_SCHEDULE: schedule('0 * * * * *'),
  CHANGE_FEED_START: {
    good: [
      ...['beginning', 'latest', 'sequence:0', 'sequence:9007199254740991'],
      ...['time:2026-01-02T03:04Z', 'time:2026-01-02T03:04:05.1234567+02:00'],
    ],
    bad: [
      ...['Beginning', 'sequence:', 'sequence:-1', 'sequence:9007199254740993', 'time:2026-01-02'],
      ...['time:2026-01-02T03:04:05', 'time:2026-13-02T03:04:05Z', 'time:2026-02-30T03:04:05Z', '17'],
    ],
  },
  CHANGE_FEED_SINKS: {
    good: ['blob', 'queue', 'blob, queue'],
    bad: ['file', 'blob,blob', ','],
    fallback: 'blob',
  },
  CHANGE_FEED_CONTAINER: {
    good: ['abc', 'a-b-1', 'x'.repeat(63)],
    bad: ['ab', 'x'.repeat(64), 'Abc', 'a--b', '-ab', 'ab-', 'a_b'],
    fallback: 'dicom-changes',
  },
  CHANGE_FEED_QUEUE: { good: ['abc'], bad: ['ab', 'Abc', 'a--b', '-ab', 'ab-'], fallback: 'dicom-changes' },
  CHANGE_FEED_METADATA: {
    good: ['none', 'full', 'PatientID', 'Modality, 0008103E'],
    bad: [
      'None',
      'modality',
      'PatientNmae',
      'Modality,00080060',
      '0008,103E',
      '(0008,103E)',
      'PatientID,PatientID',
      'full,none',
    ],
    fallback: 'none',
  },
  CHANGE_FEED_WEBHOOK_URL: {
    good: ['https://r.example', 'https://r.example:8443/changes?sig=a%2Fb'],
    bad: [
      'http://r.example/',
      'r.example/x',
      'https://me@r.example/',
      'https://r.example/#x',
      'https://r/a b',
    ],
  },
  CHANGE_FEED_WEBHOOK_MODE: { good: ['structured', 'batched'], bad: ['Batched'], fallback: 'structured' },
  CHANGE_FEED_WEBHOOK_AUTH: {
    good: ['none', `entra:api://${guid}/.default`, 'hmac:https://clinic.vault.azure.net/secrets/webhook-key'],
    bad: ['None', 'entra:https://x.example', 'hmac:key', 'hmac:https://v.example/secrets/x/01ef'],
    fallback: 'none',
  },
  CHANGE_FEED_PAGE_SIZE: number(1, 100, '100'),
  CHANGE_FEED_SETTLE_SECONDS: number(1, 86_400, '60'),
  CHANGE_FEED_AUDIT_HOURS: number(1, 8_760, '24'),
  CHANGE_FEED_BUDGET_SECONDS: number(30, 540, '240'),
  ...telemetryCases,
};

const rows = Object.entries(table) as [SettingName, Row<unknown>][];

for (const [name, row] of rows) {
  const { good, bad, fallback } = cases[name];

  test(`${name} takes every form it promises`, () => {
    for (const text of good) assert.notEqual(row.parse(text), undefined, text);
  });

  test(`${name} refuses anything else and says what is expected`, () => {
    const environment = environments[capabilityOf(name)];
    for (const text of bad) {
      assert.equal(row.parse(text), undefined, text);
      const problems = problemsOf({ ...environment, [name]: text });
      const own = problems.filter((problem) => problem.startsWith(`${name}: found `));
      assert.equal(own.length, 1, `${text} gave ${problems.join('; ')}`);
      assert.ok(own[0]?.endsWith(`; expected ${row.expects}`), own[0]);
    }
  });

  test(`${name} has ${fallback === undefined ? 'no default' : `the default ${fallback}`}`, () => {
    assert.equal(row.fallback, fallback);
    if (fallback !== undefined) assert.notEqual(row.parse(fallback), undefined);
  });
}

test('a bad value of a secret is never shown', () => {
  const problems = problemsOf({
    AUTH_BACKEND_ROLE: 'none',
    AzureWebJobsStorage: 'AccountKey=canary',
    COMMUNICATION_SERVICES_CONNECTION_STRING: 'accesskey=canary',
  });
  assert.deepEqual(
    problems
      .filter((problem) => problem.includes('a value that is not shown'))
      .map((text) => text.split(':')[0]),
    ['COMMUNICATION_SERVICES_CONNECTION_STRING', 'AzureWebJobsStorage'],
  );
  assert.doesNotMatch(problems.join(), /canary/);
});

test('a secret pasted into any other setting is not shown either', () => {
  const secrets = [
    'endpoint=https://x.communication.azure.com/;accesskey=canary',
    accountString.replace(/AccountKey=[^;]+/, 'AccountKey=canary'),
    'https://user:canary@host.example',
    'https://host.example/?code=canary',
    'Xy8Q~canary.canary.canary',
    `canary${'A1b2'.repeat(10)}`,
    '[{"clientSecret":"canary"}]',
  ];
  const places = [...Object.keys(table), 'STATE_STORAGE__accountName', 'AzureWebJobsStorage__blobServiceUri'];
  for (const name of places) {
    for (const secret of secrets) {
      const problems = problemsOf({ ...environments[capabilityOf(name)], [name]: secret }).join('\n');
      if (problems.includes('canary')) assert.fail(`${name}: ${problems}`);
    }
  }
});

test('a long bad value is cut', () => {
  const [problem] = problemsOf({ ...environments.rotation, ROTATION_RETIRE: 'never ever '.repeat(20) });
  assert.ok(problem !== undefined && problem.length < 200, problem);
  assert.match(problem, /never ever/);
});

test('blanks around a value do not count, and a blank value is an absent one', () => {
  assert.deepEqual(problemsOf({ ...environments.rotation, ROTATION_RETIRE: ' expire ' }), []);
  assert.deepEqual(problemsOf({ ...environments.rotation, ROTATION_RETIRE: '  ' }), []);
});
