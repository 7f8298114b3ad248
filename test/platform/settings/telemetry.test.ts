// Where telemetry goes, by settings alone: nowhere, to one place or to both; half a place is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../../../src/platform/settings/settings.ts';
import type { Environment } from '../../../src/platform/settings/reader.ts';
import type { TelemetrySettings } from '../../../src/platform/settings/types.ts';
import { guid, problemsOf } from './environments.ts';

const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example/otlp/' };
const monitor = { APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${guid};` };

function telemetryOf(environment: Environment): TelemetrySettings {
  const section = parseSettings(environment).telemetry;
  assert.ok(section.state === 'on', JSON.stringify(section));
  return section.value;
}

test('without a place telemetry is off, whatever its name', () => {
  const named = { OTEL_SERVICE_NAME: 'x', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
  assert.equal(parseSettings(named).telemetry.state, 'off');
});

test('each place can be given alone, and both together', () => {
  assert.deepEqual(telemetryOf(otlp), {
    serviceName: 'telehealth-functions',
    otlp: { endpoint: 'https://collector.example/otlp', headers: {} },
    azureMonitor: undefined,
  });
  const alone = telemetryOf({ ...monitor, OTEL_SERVICE_NAME: 'clinic' });
  assert.equal(alone.serviceName, 'clinic');
  assert.equal(alone.otlp, undefined);
  assert.equal(alone.azureMonitor?.connectionString.reveal(), `instrumentationkey=${guid}`);
  assert.equal(alone.azureMonitor.credential, undefined);
  const both = telemetryOf({ ...otlp, ...monitor });
  assert.ok(both.otlp && both.azureMonitor);
});

test('headers are read as OpenTelemetry writes them, and are secrets', () => {
  const { otlp: place } = telemetryOf({
    ...otlp,
    OTEL_EXPORTER_OTLP_HEADERS: 'Api-Key=a%3Db, x = two words ',
  });
  const headers = Object.entries(place?.headers ?? {}).map(([name, value]) => [name, value.reveal()]);
  assert.deepEqual(headers, [
    ['api-key', 'a=b'],
    ['x', 'two words'],
  ]);
  assert.doesNotMatch(JSON.stringify(place), /two words/);
});

test('Azure Monitor is signed in to as the identity that is named, or the system-assigned one', () => {
  const signIn = (text: string): unknown => {
    const environment = {
      ...monitor,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: text,
      IDENTITY_ENDPOINT: 'x',
    };
    // The app's own identity is another one, where it has one.
    return telemetryOf({ ...environment, AZURE_CLIENT_ID: guid.replace('1', '2') }).azureMonitor?.credential;
  };
  assert.deepEqual(signIn(`ClientId=${guid};Authorization=AAD`), {
    ...{ clientId: guid, managedIdentity: true, tokenCredentials: undefined },
  });
  assert.equal((signIn('Authorization=AAD') as { clientId: unknown }).clientId, undefined);
});

test('half a place is told, and turns nothing else off', () => {
  assert.deepEqual(problemsOf({ OTEL_EXPORTER_OTLP_HEADERS: 'a=b' }), [
    'OTEL_EXPORTER_OTLP_ENDPOINT: missing; expected an http or https URL without a query',
  ]);
  assert.deepEqual(problemsOf({ APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD' }), [
    'APPLICATIONINSIGHTS_CONNECTION_STRING: missing; expected InstrumentationKey=<GUID>;IngestionEndpoint=https://…',
  ]);
});

test('a key that lands in a connection string or a header is not shown', () => {
  for (const environment of [
    { APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=canary' },
    { ...otlp, OTEL_EXPORTER_OTLP_HEADERS: 'canary' },
  ]) {
    const problems = problemsOf(environment);
    assert.equal(problems.length, 1);
    assert.doesNotMatch(problems.join(), /canary/);
  }
});
