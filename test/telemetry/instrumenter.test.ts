// What becomes of what the Azure SDK and the app's own requests tell of themselves: spans with a short list of attributes.
import { createHttpHeaders, type HttpClient } from '@azure/core-rest-pipeline';
import { ROOT_CONTEXT, TraceFlags } from '@opentelemetry/api';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcsClient } from '../../src/communication/acsClient.ts';
import { AcsBudget } from '../../src/communication/rateLimit.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import { createRestClient } from '../../src/platform/restClient.ts';
import { Secret } from '../../src/platform/secret.ts';
import { broken, FakeTransport } from '../platform/transport.ts';
import { answers, instrumenter, invoked, packages, shown, spans, tried } from './instrumented.ts';

test('outside an invocation nothing is recorded', async () => {
  await packages.vault.withSpan('SecretClient.getSecret', {}, async (_options, span) => {
    assert.equal(span.isRecording(), false);
    tried('one', { 'http.status_code': 200 });
    await packages.vault.withSpan('SecretClient.setSecret', {}, async () => undefined);
  });
  assert.deepEqual([spans(), answers], [[], []]);
});

test('an operation of the SDK and its tries keep their names, statuses and ids, and nothing else', async () => {
  await invoked(() =>
    packages.vault.withSpan('SecretClient.getSecret', {}, async (_options, span) => {
      span.setAttribute('secretName', 'canary');
      span.recordException(new Error('canary'));
      tried('one', { 'http.status_code': 401, serviceRequestId: '1ae95ab5-1111-4222-8333-0123456789ab' });
      tried('one', { 'http.status_code': 200, serviceRequestId: 'eyJhbGciOi.canary.canary', body: 'canary' });
      tried('two', { 'http.status_code': 200, serviceRequestId: 'W5J+kVdZ0UqT9iRbo1sXyA.0' });
    }),
  );
  assert.doesNotMatch(shown(), /canary/);
  const common = { 'telehealth.service': 'keyVault', 'telehealth.operation': 'getSecret' };
  const attempt = (number: number, status: number, id?: string) => ({
    ...{ ...common, 'telehealth.attempt': number, 'peer.service': 'keyVault' },
    ...{ 'http.request.method': 'GET', 'http.response.status_code': status },
    ...(id === undefined ? {} : { 'telehealth.upstream_request_id': id }),
  });
  assert.deepEqual(
    spans().map(({ name, attributes }) => [name, attributes]),
    [
      ['keyVault getSecret try', attempt(1, 401, '1ae95ab5-1111-4222-8333-0123456789ab')],
      ['keyVault getSecret try', attempt(2, 200)],
      ['keyVault getSecret try', attempt(1, 200, 'W5J+kVdZ0UqT9iRbo1sXyA.0')],
      ['keyVault getSecret', common],
    ],
  );
  assert.deepEqual(answers, ['keyVault 401', 'keyVault 200', 'keyVault 200']);
});

test('of an error its code is kept, never its words', async () => {
  const errors = [
    Object.assign(new Error('canary https://x/?sig=canary'), { code: 'SecretNotFound' }),
    Object.assign(new TypeError('canary'), { code: 'canary canary' }),
  ];
  for (const error of errors) {
    const failing = invoked(() =>
      packages.vault.withSpan('SecretClient.getSecret', {}, async () => {
        throw error;
      }),
    );
    await assert.rejects(failing, error);
  }
  assert.doesNotMatch(shown(), /canary/);
  assert.deepEqual(
    spans().map(({ attributes, status }) => [attributes['error.type'], status.code]),
    [
      ['SecretNotFound', 2],
      ['TypeError', 2],
    ],
  );
});

test('what is no operation of a known service is no span, and hides none beneath it', async () => {
  await invoked(() =>
    packages.other.withSpan('generated', {}, () =>
      packages.vault.withSpan('no operation, but canary', {}, async () => {
        tried('of nobody', { 'http.status_code': 500 });
        await packages.vault.withSpan('SecretClient.setSecret', {}, async () => undefined);
      }),
    ),
  );
  assert.deepEqual(
    spans().map(({ name, parentSpanContext }) => [name, parentSpanContext?.spanId]),
    [['keyVault setSecret', '2'.repeat(16)]],
  );
});

test('a trace that the host samples away is not recorded, but its answers are counted', async () => {
  await invoked(
    () =>
      packages.vault.withSpan('SecretClient.getSecret', {}, async () => {
        tried('one', { 'http.status_code': 429 });
      }),
    TraceFlags.NONE,
  );
  assert.deepEqual([spans(), answers], [[], ['keyVault 429']]);
});

const url = 'https://canary.example/canary?sig=canary';

test("the app's own requests show their operation and tries, and nobody is sent a header of the trace", async () => {
  const httpClient = new FakeTransport(async (request, number) => {
    if (number === 1) throw broken(request);
    return {
      status: number === 2 ? 503 : 200,
      headers: { 'retry-after': '0', 'request-id': '0'.repeat(32) },
    };
  });
  const client = createRestClient({ service: 'graph', maxRetries: 3, httpClient });
  await invoked(() => client.send({ operation: 'read', method: 'GET', url, attempt: 3 }));
  assert.doesNotMatch(shown(), /canary/);
  assert.deepEqual(
    spans().map(({ name, attributes }) => [
      ...[name, attributes['telehealth.attempt'], attributes['http.response.status_code']],
      ...[attributes['error.type'], attributes['telehealth.upstream_request_id']],
    ]),
    [
      ['graph read try', 3, undefined, 'ECONNRESET', undefined],
      ['graph read try', 4, 503, undefined, '0'.repeat(32)],
      ['graph read try', 5, 200, undefined, '0'.repeat(32)],
      ['graph read', undefined, undefined, undefined, undefined],
    ],
  );
  assert.deepEqual(instrumenter.createRequestHeaders(ROOT_CONTEXT), {});
  const sent = httpClient.requests.flatMap(({ headers }) => [...headers].map(([name]) => name));
  assert.deepEqual(
    sent.filter((name) => /^(trace|b3|baggage)/.test(name)),
    [],
  );
});

test('a client without a service shows in no trace, and one with a secret URL never shows it', async () => {
  const httpClient = new FakeTransport(async () => ({ status: 200 }));
  await invoked(() => createRestClient({ maxRetries: 0, httpClient }).send({ method: 'GET', url }));
  assert.deepEqual(spans(), []);
  const secret = createRestClient({ service: 'webhook', maxRetries: 0, httpClient, secretUrls: true });
  await invoked(() => secret.send({ operation: 'deliver', method: 'POST', url, body: 'canary' }));
  assert.equal(spans().length, 2);
  assert.doesNotMatch(shown(), /canary/);
});

test('each try of an ACS operation is counted, and shows once though the SDK makes operations of its own of it', async () => {
  const issued = { token: 'eyJ.canary.x', expiresOn: '2030-01-01T00:00:00Z' };
  const told = [
    { status: 500, headers: createHttpHeaders({ 'ms-cv': 'W5J+kVdZ0UqT9iRbo1sXyA.0' }) },
    { status: 200, headers: createHttpHeaders(), bodyAsText: JSON.stringify(issued) },
  ];
  const httpClient: HttpClient = {
    sendRequest: async (request) => ({ request, ...(told.shift() ?? assert.fail()) }),
  };
  const connectionString = new Secret('endpoint=https://x.communication.azure.com/;accesskey=Y2FuYXJ5');
  const resource = {
    kind: 'connectionString',
    endpoint: 'https://x.communication.azure.com',
    connectionString,
  } as const;
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  const platform = { ...createPlatform(clock, () => 'a-uuid'), httpClient };
  const client = new AcsClient(
    { resource, credential: { managedIdentity: true } },
    platform,
    new AcsBudget(clock),
  );
  const user = '8:acs:7e1e4ea1-7000-4000-8000-00000000000b_7e1e4ea1-7000-4000-8000-00000000000b';
  await invoked(() => client.issue(user, { scopes: ['chat'], minutes: 60 }));
  assert.deepEqual(
    spans().map(({ name, attributes }) => [
      ...[name, attributes['telehealth.attempt'], attributes['http.response.status_code']],
    ]),
    [
      ['acs issue try', 1, 500],
      ['acs issue', undefined, undefined],
      ['acs issue try', 2, 200],
      ['acs issue', undefined, undefined],
    ],
  );
  assert.doesNotMatch(shown(), /canary|8:acs/);
});
