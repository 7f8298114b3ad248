// The short list of what a span may hold: names, ids and codes of a known form, whatever is put in their place.
import { createTracingClient } from '@azure/core-tracing';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHttpHeaders, createPipelineRequest, type PipelineResponse } from '@azure/core-rest-pipeline';
import { tracedPackage } from '../../src/platform/telemetry.ts';
import { showRequestId, traced, traceTries } from '../../src/platform/tracedRequests.ts';
import { answers, instrumenter, invoked, packages, shown, spans, tried } from './instrumented.ts';

const own = createTracingClient({ namespace: '', packageName: tracedPackage });
const inOperation = (work: () => void): Promise<void> =>
  invoked(() =>
    packages.vault.withSpan('SecretClient.getSecret', {}, async () => {
      work();
    }),
  );

test('a request id is shown where it has the form of one, and anything else in its place is not', async () => {
  const good = [
    ...['1ae95ab5-1111-4222-8333-0123456789ab', '1AE95AB5-1111-4222-8333-0123456789AB', '0'.repeat(32)],
    ...['W5J+kVdZ0UqT9iRbo1sXyA.0', 'W5J+kVdZ0UqT9iRbo1sXyA==.0.12.9999', 'W5J+kVdZ0UqT9iRb.1.2.3.4.5'],
  ];
  const bad = [
    ...['', 'canary', 'aPasswordOf22Characters', 'aPassword16chars', 'W5J+kVdZ0UqT9iRbo1sXyA.0.1.2.3.4.5'],
    ...['1ae95ab5-1111-4222-8333-0123456789ab canary', 'canary 1ae95ab5-1111-4222-8333-0123456789ab'],
    ...[`${'0'.repeat(31)}z`, `${'0'.repeat(32)}0`, `${'x'.repeat(40)}.0`, 'W5J+kVdZ0UqT9iRbo1sXyA.12345'],
    ...['eyJhbGciOiJub25lIn0.canary.x', 7, ['0'.repeat(32)], undefined],
  ];
  await inOperation(() => {
    for (const serviceRequestId of [...good, ...bad]) tried('one', { serviceRequestId });
  });
  const ids = spans().flatMap(({ attributes }) => attributes['telehealth.upstream_request_id'] ?? []);
  assert.deepEqual(ids, good);
});

test('the code of an error is shown where it has the form of one, else its name, and its words never', async () => {
  const errors: readonly (readonly [unknown, string | undefined])[] = [
    [Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'ECONNRESET'],
    [Object.assign(new Error('x'), { code: 'EAI_AGAIN' }), 'EAI_AGAIN'],
    ...['canary', 'A canary', 'Canary.x', 'https://x/Canary', 'C', `C${'a'.repeat(61)}`, 7].map(
      (code) => [Object.assign(new TypeError('Canary'), { code }), 'TypeError'] as const,
    ),
    [Object.assign(new Error('Canary'), { name: 'a canary' }), undefined],
    ['Canary', undefined],
    [{ name: 'Canary', code: 'Canary' }, undefined],
  ];
  for (const [error] of errors)
    await assert.rejects(
      invoked(() =>
        packages.vault.withSpan('SecretClient.getSecret', {}, () => Promise.reject(error as Error)),
      ),
    );
  assert.deepEqual(
    spans().map(({ attributes }) => attributes['error.type']),
    errors.map(([, code]) => code),
  );
  for (const { status } of spans()) assert.deepEqual(status, { code: 2 });
});

test('a status is a number, and one from 400 on is an error', async () => {
  await inOperation(() => {
    for (const status of [200, 304, 399, 400, 404, 500, 'canary'])
      tried('one', { 'http.status_code': status });
  });
  assert.deepEqual(
    spans().map(({ attributes, status }) => [attributes['http.response.status_code'], status.code]),
    [
      [200, 0],
      [304, 0],
      [399, 0],
      [400, 2],
      [404, 2],
      [500, 2],
      [undefined, 0],
      [undefined, 0],
    ],
  );
  assert.equal(answers.length, 6);
});

test('an operation is shown by a plain name of a known service alone', async () => {
  const names = ['canary read', 'graph canary/x', 'x graph read', 'graph read canary', 'graph'];
  for (const name of names) await invoked(() => own.withSpan(name, {}, async () => undefined));
  for (const name of [
    'SecretClient.get/canary',
    'SecretClient.get canary',
    'https://canary.getSecret',
    'getSecret',
  ])
    await invoked(() => packages.vault.withSpan(name, {}, async () => undefined));
  assert.equal(shown(), '[]');
  for (const service of ['acs', 'graph', 'entra', 'dicom', 'webhook', 'issuer'])
    await invoked(() => own.withSpan(`${service} read`, {}, async () => undefined));
  assert.equal(spans().length, 6);
});

test('a sign-in on the way of an operation is an operation of its own, and its tries are its own', async () => {
  const identity = createTracingClient({ namespace: '', packageName: '@azure/identity' });
  await invoked(() =>
    packages.vault.withSpan('SecretClient.getSecret', {}, async () => {
      await identity.withSpan('ManagedIdentityCredential.getToken', {}, async () => {
        tried('one', { 'http.status_code': 200 });
      });
      await packages.vault.withSpan('SecretClient.listPropertiesOfSecretVersions', {}, async () => undefined);
    }),
  );
  assert.deepEqual(
    spans().map(({ name, parentSpanContext }) => [
      name,
      spans().find((span) => span.spanContext().spanId === parentSpanContext?.spanId)?.name,
    ]),
    [
      ['identity getToken try', 'identity getToken'],
      ['identity getToken', 'keyVault getSecret'],
      ['keyVault getSecret', undefined],
    ],
  );
});

test('a page that is fetched later still belongs to the operation that it is told of', async () => {
  const { tracingContext } = invoked(() =>
    instrumenter.startSpan('BlobClient-list', { packageName: '@azure/storage-blob' }),
  );
  const { span } = instrumenter.startSpan('HTTP GET', {
    ...{ packageName: '@azure/core-rest-pipeline', spanKind: 'client', tracingContext },
  });
  span.end();
  assert.deepEqual(
    spans().map(({ name }) => name),
    ['blob list try'],
  );
});

test('the id of a request is found by each of its three names, and shown to the SDK by the one that it reads', async () => {
  const id = '1ae95ab5-1111-4222-8333-0123456789ab';
  const request = createPipelineRequest({ url: 'https://canary.example' });
  for (const name of ['x-ms-request-id', 'request-id', 'ms-cv']) {
    const response: PipelineResponse = { request, status: 200, headers: createHttpHeaders({ [name]: id }) };
    await invoked(() =>
      traced({ service: 'graph', operation: 'read', attempt: 1 }, () =>
        traceTries().sendRequest(request, async () => response),
      ),
    );
    const { headers } = await showRequestId().sendRequest(request, async () => response);
    assert.equal(headers.get('x-ms-request-id'), id, name);
  }
  const ids = spans().flatMap(({ attributes }) => attributes['telehealth.upstream_request_id'] ?? []);
  assert.deepEqual(ids, [id, id, id]);
  const none: PipelineResponse = { request, status: 200, headers: createHttpHeaders() };
  const { headers } = await showRequestId().sendRequest(request, async () => none);
  assert.equal(headers.has('x-ms-request-id'), false);
});
