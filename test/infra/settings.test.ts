// The app settings of a deployment, the schema, the sample and azd's parameters name the same settings and the same defaults.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import parameters from '../../infra/main.parameters.json' with { type: 'json' };
import { parseSettings, problemText } from '../../src/platform/settings/settings.ts';
import { storageNames, storageParts, table, type Row } from '../../src/platform/settings/table.ts';
import { deployed, known, settingRows, type Choices } from './deployment.ts';
import { root, template } from './files.ts';

const schema: Readonly<Record<string, Row<unknown>>> = table;
const sample = JSON.parse(readFileSync(join(root, 'local.settings.sample.json'), 'utf8')) as {
  readonly Values: Readonly<Record<string, string>>;
};

/** Settings of the app that a deployment never sets, and why. */
const never: ReadonlyMap<string, string> = new Map([
  ['AZURE_CLIENT_ID', 'each job has an identity of its own'],
  ['AZURE_TOKEN_CREDENTIALS', 'a deployed app signs in with managed identities alone'],
  ['COMMUNICATION_SERVICES_CONNECTION_STRING', 'a secret: the endpoint is used with an identity'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a secret: a collector in between can add it'],
]);
/** What the Functions host reads as well, whether the app does or not. */
const ofTheHost = /^(APPLICATIONINSIGHTS|OTEL)_/;

const names = settingRows.map(({ name }) => name);
/** The setting that a name belongs to: storage settings are given in parts. */
const wholeOf = (name: string): string => {
  const [, whole = name, part = ''] = /^(\w+?)__(\w+)$/.exec(name) ?? [];
  const known = (storageNames as readonly string[]).includes(whole) && part in storageParts;
  return known ? whole : name;
};

test('a deployment knows every setting of the app, and no other', () => {
  assert.equal(new Set(names).size, names.length);
  const set = new Set(names.map(wholeOf));
  const all = [...storageNames, ...Object.keys(schema)];
  for (const name of all)
    assert.notEqual(set.has(name), never.has(name), `${name}: ${never.get(name) ?? 'missing'}`);
  for (const name of [...set, ...never.keys()]) assert.ok(all.includes(name) || ofTheHost.test(name), name);
});

test("a deployment knows the sample's settings, and the sample its", () => {
  const local = /^(FUNCTIONS_WORKER_RUNTIME|IDENTITY_(ENDPOINT|HEADER)|languageWorkers__node__arguments)$/;
  const inSample = Object.keys(sample.Values).filter((name) => !local.test(name));
  const here = new Set([...names.map(wholeOf), ...never.keys()]);
  for (const name of inSample) assert.ok(here.has(name), name);
  for (const name of here) assert.ok(inSample.includes(name) || ofTheHost.test(name), name);
});

test('the defaults are the true ones, so that leaving a setting out means what it says', () => {
  for (const { name, from, default: fallback } of settingRows)
    // What is set in any case has none, nor has what only the host knows.
    if (!['otlpProtocol', 'serviceName'].includes(from) && (name in schema || !ofTheHost.test(name)))
      assert.equal(fallback, schema[name]?.fallback ?? '', name);
});

test('azd hands on every setting that an operator may choose, and nothing else', () => {
  const choosable = settingRows.filter(({ from }) => from === '').map(({ name }) => name);
  // A JSON text does not survive being put into a JSON file: written into the file itself.
  assert.deepEqual(
    Object.keys(parameters.parameters.settings.value).sort(),
    choosable.filter((name) => name !== 'SERVICE_CLIENTS').sort(),
  );
  for (const [name, value] of Object.entries(parameters.parameters.settings.value))
    assert.equal(value, `\${${name}}`);
});

test('no secret is among the settings that a deployment is told', () => {
  for (const { name, from } of settingRows)
    if (schema[name]?.secret) assert.match(from, /^(webhook|insightsConnection$)/, name);
  const foundation = template('modules/foundation.bicep');
  assert.match(
    foundation,
    /webhookUrl: '@Microsoft\.KeyVault\(SecretUri=\$\{webhookSecrets\}\/webhook-url\)'/,
  );
  assert.match(foundation, /var webhookSecrets = 'https:\/\/\$\{vaultName\('webhook', place\.token\)\}/);
});

const client = {
  SERVICE_CLIENT_APP_ID: '7e1e4ea1-7000-4000-8000-000000000006',
  SERVICE_CLIENT_TENANT_ID: '7e1e4ea1-7000-4000-8000-000000000001',
  SERVICE_CLIENT_SECRET_NAME: 'dicom-client-secret',
};
const yesNo = [true, false];
const everyChoice: readonly Choices[] = yesNo.flatMap((communication) =>
  yesNo.flatMap((rotation) =>
    yesNo.flatMap((changeFeed) =>
      ['blob', 'queue', 'webhook', 'blob,queue,webhook'].map((CHANGE_FEED_SINKS) => {
        return { communication, rotation, changeFeed, settings: { ...client, CHANGE_FEED_SINKS } };
      }),
    ),
  ),
);

test('with whatever is deployed, alone or together, the app finds nothing wrong with its settings', () => {
  for (const choices of everyChoice) {
    const found = parseSettings({ ...deployed(choices), IDENTITY_ENDPOINT: 'http://169.254.0.1/msi/token' });
    for (const name of ['communication', 'rotation', 'changeFeed'] as const) {
      const section = found[name];
      const problem = section.state === 'misconfigured' ? problemText(section) : '';
      assert.equal(
        `${section.state}${problem}`,
        choices[name] ? 'on' : 'off',
        `${name} in ${JSON.stringify(choices)}`,
      );
    }
    assert.equal(found.operations.state, 'on');
  }
});

test('each job has its own identity and the accounts that are meant for it', () => {
  const all = { communication: true, rotation: true, changeFeed: true, settings: client };
  const { communication, rotation, changeFeed } = parseSettings(deployed(all));
  assert.ok(communication.state === 'on' && rotation.state === 'on' && changeFeed.state === 'on');
  const sections = [communication.value, rotation.value, changeFeed.value];
  assert.deepEqual(
    sections.map(({ credential }) => credential.clientId),
    [known['communicationClientId'], known['rotationClientId'], known['changeFeedClientId']],
  );
  for (const { state } of sections) {
    assert.ok(state.kind === 'identity' && state.clientId === undefined);
    assert.equal(state.blobUri, 'https://ststateabc.blob.core.windows.net');
  }
  const { deliveries } = changeFeed.value;
  assert.ok(deliveries.kind === 'identity');
  assert.equal(deliveries.queueUri, 'https://stdelivabc.queue.core.windows.net');
});

test('until a service client is registered the rotation is off, not misconfigured', () => {
  const settings = deployed({ communication: false, rotation: true, changeFeed: false, settings: {} });
  assert.equal(parseSettings(settings).rotation.state, 'off');
});

test('host and app call themselves by one name, which the deployment gives them', () => {
  const settings = deployed({ communication: true, rotation: false, changeFeed: false, settings: {} });
  const { telemetry } = parseSettings(settings);
  assert.ok(telemetry.state === 'on');
  assert.equal(telemetry.value.serviceName, known['serviceName']);
  assert.match(
    template('main.bicep'),
    /serviceName: empty\(serviceName\) \? functionAppName\(here\.token\) : serviceName\n/,
  );
  assert.match(template('modules/functionApp.bicep'), /name: functionAppName\(place\.token\)\n/);
});

test('a setting that equals the default is not set', () => {
  const settings = { ...client, TOKEN_MINUTES_MAX: '240', TOKEN_SCOPES: 'voip', IDENTITY_REPAIR: '' };
  const found = deployed({ communication: true, rotation: true, changeFeed: true, settings });
  assert.equal(found['TOKEN_SCOPES'], 'voip');
  for (const name of ['TOKEN_MINUTES_MAX', 'IDENTITY_REPAIR', 'AZURE_AUTHORITY_HOST', 'CHANGE_FEED_SINKS'])
    assert.equal(found[name], undefined, name);
});
