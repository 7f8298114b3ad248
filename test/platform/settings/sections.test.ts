// When a capability is off, wrong or on, and that everything wrong with it is said in one go.
import * as fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings, problemText, settingProblems } from '../../../src/platform/settings/settings.ts';
import { storageNames, storageParts, table } from '../../../src/platform/settings/table.ts';
import { entra, environments, guid, problemsOf, valueOf } from './environments.ts';

const capabilities = ['communication', 'rotation', 'changeFeed'] as const;
const without = (environment: object, ...names: string[]): Record<string, string> =>
  Object.fromEntries(
    (Object.entries(environment) as [string, string][]).filter(([name]) => !names.includes(name)),
  );

test('an empty environment turns everything off, is no problem, and keeps the default schedules', () => {
  const settings = parseSettings({});
  for (const name of capabilities) assert.deepEqual(settings[name], { state: 'off' });
  assert.deepEqual(settingProblems(settings), []);
  assert.deepEqual(settings.schedules, {
    cleanUpIdentities: '0 */5 * * * *',
    rotateSecrets: '0 7 * * * *',
    pullChangeFeed: '0 * * * * *',
  });
  assert.deepEqual(settings.operations, { state: 'on', value: { role: 'none', callers: undefined } });
});

test('settings that all have a default, or that are shared, turn nothing on', () => {
  const fallbacks = Object.entries(table).flatMap(([name, row]) =>
    'fallback' in row ? [[name, row.fallback]] : [],
  );
  const settings = parseSettings({
    ...(Object.fromEntries(fallbacks) as Record<string, string>),
    ...{ AUTH_ISSUER: entra, AUTH_AUDIENCE: 'api://clinic', AUTH_OPERATOR_ROLE: 'none' },
    ...{ AZURE_CLIENT_ID: guid, AzureWebJobsStorage: 'UseDevelopmentStorage=true' },
  });
  for (const name of capabilities) assert.equal(settings[name].state, 'off', name);
});

for (const capability of capabilities) {
  const environment = environments[capability];

  test(`${capability} is on when its settings are complete, and the others stay off`, () => {
    const settings = parseSettings(environment);
    for (const name of capabilities) assert.equal(settings[name].state, name === capability ? 'on' : 'off');
  });

  test(`${capability} says which one is missing when any one of its required settings is`, () => {
    const optional = new Set(['AUTH_ISSUER', 'AUTH_AUDIENCE']);
    for (const name of Object.keys(environment).filter((key) => !optional.has(key))) {
      const problems = problemsOf(without(environment, name));
      assert.equal(problems.length, 1, problems.join());
      assert.match(problems[0] ?? '', new RegExp(`^${name}: missing; expected .`));
    }
  });
}

test('each setting that only one capability has turns that one on, and what is missing is named', () => {
  const triggers = {
    communication: [
      ...['COMMUNICATION_SERVICES_ENDPOINT', 'COMMUNICATION_SERVICES_CONNECTION_STRING'],
      ...['AUTH_BACKEND_ROLE', 'TEAMS_CLIENT_ID'],
    ],
    rotation: [
      ...['KEY_VAULT_URL', 'SERVICE_CLIENT_APP_ID', 'SERVICE_CLIENT_TENANT_ID'],
      ...['SERVICE_CLIENT_SECRET_NAME', 'SERVICE_CLIENTS'],
    ],
    changeFeed: ['DICOM_SERVICE_URL', 'CHANGE_FEED_START'],
  };
  for (const capability of capabilities) {
    for (const name of triggers[capability]) {
      const settings = parseSettings({ [name]: 'x' });
      for (const other of capabilities)
        assert.equal(settings[other].state, other === capability ? 'misconfigured' : 'off', name);
    }
  }
  assert.deepEqual(
    problemsOf({ CHANGE_FEED_START: 'latest' }).map((text) => text.split('; expected')[0]),
    ['AzureWebJobsStorage: missing', 'DICOM_SERVICE_URL: missing', 'AUTH_OPERATOR_ROLE: missing'],
  );
});

test('every problem of every capability is reported in one go, and a shared one once', () => {
  const problems = problemsOf({
    ...{ TOKEN_SCOPES: 'sms', TOKEN_MINUTES_MAX: '5', AUTH_BACKEND_ROLE: 'a b' },
    ...{ KEY_VAULT_URL: 'x', ROTATION_RETIRE: 'x', ROTATION_SCHEDULE: 'x', ROTATION_VALIDITY_DAYS: '0' },
    ...{ DICOM_SERVICE_URL: 'x', CHANGE_FEED_PAGE_SIZE: '0', AZURE_CLIENT_ID: 'x', AUTH_ISSUER: 'x' },
  });
  const named = problems.map((problem) => problem.slice(0, problem.indexOf(':')));
  assert.deepEqual([...new Set(named)].sort(), [
    ...['AUTH_AUDIENCE', 'AUTH_BACKEND_ROLE', 'AUTH_ISSUER', 'AUTH_OPERATOR_ROLE', 'AZURE_CLIENT_ID'],
    ...['AzureWebJobsStorage', 'CHANGE_FEED_PAGE_SIZE', 'CHANGE_FEED_START'],
    ...['COMMUNICATION_SERVICES_ENDPOINT', 'DICOM_SERVICE_URL', 'KEY_VAULT_URL', 'ROTATION_RETIRE'],
    ...['ROTATION_SCHEDULE', 'ROTATION_VALIDITY_DAYS', 'SERVICE_CLIENT_APP_ID'],
    ...['SERVICE_CLIENT_SECRET_NAME', 'SERVICE_CLIENT_TENANT_ID', 'TOKEN_MINUTES_MAX', 'TOKEN_SCOPES'],
  ]);
  assert.equal(new Set(problems).size, problems.length);
});

test('a misconfigured capability does not touch the others', () => {
  const settings = parseSettings({
    ...environments.communication,
    ...environments.rotation,
    KEY_VAULT_URL: 'x',
  });
  assert.equal(settings.communication.state, 'on');
  assert.equal(settings.rotation.state, 'misconfigured');
});

test('the problems of a section make one line', () => {
  const problems = [
    { setting: 'A', problem: 'missing' },
    { setting: 'B', problem: 'found "x"' },
  ];
  assert.equal(problemText({ problems }), 'A: missing; B: found "x"');
});

test('a bad schedule is a problem, and the timer keeps the default', () => {
  const settings = parseSettings({ ...environments.changeFeed, CHANGE_FEED_SCHEDULE: '* * * * *' });
  assert.equal(settings.changeFeed.state, 'misconfigured');
  assert.equal(settings.schedules.pullChangeFeed, '0 * * * * *');
  const good = parseSettings({ ...environments.changeFeed, CHANGE_FEED_SCHEDULE: '30 * * * * *' });
  assert.equal(good.schedules.pullChangeFeed, '30 * * * * *');
});

test('both forms of the ACS resource together are an error, and both are judged', () => {
  const both = problemsOf({
    ...environments.communication,
    COMMUNICATION_SERVICES_ENDPOINT: 'nonsense',
    COMMUNICATION_SERVICES_CONNECTION_STRING: 'nonsense',
  });
  assert.equal(both.length, 3, both.join());
  assert.match(
    both[0] ?? '',
    /^COMMUNICATION_SERVICES_ENDPOINT: given together with COMMUNICATION_SERVICES_CON/,
  );
});

test('a connection string gives the endpoint, and its key only to who reveals it', () => {
  const text = 'endpoint=https://Clinic.communication.azure.com/;accesskey=Y2FuYXJ5';
  const settings = valueOf('communication', {
    ...without(environments.communication, 'COMMUNICATION_SERVICES_ENDPOINT'),
    COMMUNICATION_SERVICES_CONNECTION_STRING: `${text};`,
  });
  assert.equal(settings.resource.endpoint, 'https://clinic.communication.azure.com');
  assert.ok(settings.resource.kind === 'connectionString');
  assert.equal(settings.resource.connectionString.reveal(), text);
  assert.doesNotMatch(JSON.stringify(settings), /Y2FuYXJ5/);
});

test('the default lifetime may not be above the longest', () => {
  const given = { TOKEN_MINUTES_DEFAULT: '120', TOKEN_MINUTES_MAX: '90' };
  assert.deepEqual(problemsOf({ ...environments.communication, ...given }), [
    'TOKEN_MINUTES_DEFAULT: found 120; expected at most TOKEN_MINUTES_MAX (90)',
  ]);
});

test('an identity per capability goes before the shared one', () => {
  const other = guid.replace('1e4e', 'ffff');
  const shared = {
    ...environments.changeFeed,
    AZURE_CLIENT_ID: guid,
    IDENTITY_ENDPOINT: 'http://127.0.0.1:1/',
  };
  assert.deepEqual(valueOf('changeFeed', shared).credential, {
    ...{ clientId: guid, managedIdentity: true, tokenCredentials: undefined },
  });
  const own = valueOf('changeFeed', { ...shared, CHANGE_FEED_CLIENT_ID: other, ROTATION_CLIENT_ID: guid });
  assert.equal(own.credential.clientId, other);
});

test('what was parsed is frozen to its leaves', () => {
  const environment = { ...environments.communication, ...environments.rotation, ...environments.changeFeed };
  const thawed: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (!Object.isFrozen(value)) thawed.push(path);
    for (const [key, part] of Object.entries(value)) visit(part, `${path}.${key}`);
  };
  for (const each of [environment, { ...environment, KEY_VAULT_URL: 'x' }, {}])
    visit(parseSettings(each), 'settings');
  assert.deepEqual(thawed, []);
});

test('no environment makes parsing throw or shows a secret', () => {
  const names = [
    ...Object.keys(table),
    ...storageNames.flatMap((name) => [name, ...Object.keys(storageParts).map((part) => `${name}__${part}`)]),
  ];
  const known = Object.values(environments).flatMap((environment) => Object.values(environment));
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom(
      '',
      ' ',
      'none',
      'on',
      '1',
      '[]',
      'https://h.example',
      'sequence:1',
      ...known.map(String),
    ),
    fc.json({ maxDepth: 3 }),
    fc.webUrl({ withQueryParameters: true }),
  );
  const environment = fc.dictionary(fc.constantFrom(...names), text, { maxKeys: names.length });
  fc.assert(
    fc.property(environment, (given) => {
      const settings = parseSettings(given);
      for (const { setting, problem } of settingProblems(settings)) {
        assert.ok(setting !== '' && problem !== '');
        if (/CONNECTION_STRING$|^(STATE_STORAGE|AzureWebJobsStorage|CHANGE_FEED_STORAGE)$/.test(setting))
          assert.doesNotMatch(problem, /found "/);
      }
    }),
    { numRuns: 1000 },
  );
});

test('a webhook that is to be delivered to needs its URL, which only who reveals it sees', () => {
  const sinks = { CHANGE_FEED_SINKS: 'blob,webhook' };
  assert.deepEqual(problemsOf({ ...environments.changeFeed, ...sinks }), [
    'CHANGE_FEED_WEBHOOK_URL: missing; expected an https URL without a user or a fragment',
  ]);
  const url = { CHANGE_FEED_WEBHOOK_URL: 'https://canary.example/path?sig=canary' };
  const settings = valueOf('changeFeed', { ...environments.changeFeed, ...sinks, ...url });
  assert.equal(settings.webhook?.url.reveal(), url.CHANGE_FEED_WEBHOOK_URL);
  assert.doesNotMatch(JSON.stringify(settings), /canary/);
  assert.equal(valueOf('changeFeed', { ...environments.changeFeed, ...url }).webhook, undefined);
});

test('a reference to Key Vault that Azure did not resolve is told as that, whatever the setting would take', () => {
  const reference = '@Microsoft.KeyVault(SecretUri=https://kv-canary.vault.azure.net/secrets/webhook-url)';
  for (const name of ['CHANGE_FEED_WEBHOOK_URL', 'CHANGE_FEED_QUEUE', 'CHANGE_FEED_STORAGE'] as const) {
    const [problem = ''] = problemsOf({ ...environments.changeFeed, [name]: reference });
    assert.match(
      problem,
      new RegExp(
        `^${name}: found a reference to Key Vault .* not resolved; expected .*Key Vault Secrets User`,
      ),
    );
    assert.doesNotMatch(problem, /canary/);
  }
});
