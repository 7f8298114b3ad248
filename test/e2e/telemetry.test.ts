// Telemetry end to end: the packaged app sends to an OTLP receiver and to Azure Monitor what it did in one run of everything.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { metrics } from '../../src/telemetry/metricNames.ts';
import { demo } from '../../local/demo.ts';
import { startOneOfEverything, trace } from '../support/telemetryRun.ts';

const run = await startOneOfEverything();
const { otlp, monitor, output } = run;
const tries = otlp.spans.filter(({ kind }) => kind === 3);
const spansOf = (traceId: string): typeof otlp.spans => otlp.spans.filter((span) => span.traceId === traceId);

describe('an invocation', () => {
  test('is one trace, which is the one that the host has begun', () => {
    const spans = spansOf(trace.id);
    const [top, ...others] = spans.filter(({ parentId }) => parentId === trace.parent);
    assert.deepEqual(others, []);
    assert.equal(top?.name, 'POST tokens');
    const { 'faas.invocation_id': requestId, ...attributes } = top.attributes;
    assert.match(String(requestId), /^[0-9a-f-]{36}$/);
    assert.ok(output().includes(`"requestId":"${String(requestId)}"`), 'the log has the same request id');
    assert.deepEqual(attributes, {
      ...{ 'faas.name': 'issueToken', 'faas.trigger': 'http' },
      ...{ 'http.request.method': 'POST', 'http.route': 'tokens', 'http.response.status_code': 200 },
      'telehealth.outcome': 'ok',
    });
    const known = new Set([trace.parent, ...spans.map(({ spanId }) => spanId)]);
    assert.deepEqual(
      spans.filter(({ parentId }) => !known.has(parentId)),
      [],
    );
    for (const service of ['issuer', 'table', 'identity', 'acs'])
      assert.ok(
        spans.some(({ attributes: { 'telehealth.service': name } }) => name === service),
        service,
      );
  });

  test('of a timer is a trace of its own', () => {
    const tops = otlp.spans.filter(({ parentId }) => parentId === '');
    const ofTimers = tops.filter(({ attributes }) => attributes['faas.trigger'] === 'timer');
    assert.deepEqual(ofTimers.map(({ name }) => name).sort(), [
      'cleanUpIdentities',
      'pullChangeFeed',
      'rotateSecrets',
    ]);
    for (const { attributes, failed } of ofTimers)
      assert.deepEqual([attributes['telehealth.outcome'], failed], ['ok', false]);
  });

  test('that was refused says so, and names the template of its route in place of a user', () => {
    const refused = otlp.spans.find(({ name }) => name === 'POST users/{userId}/tokens');
    assert.deepEqual(
      [
        refused?.attributes['telehealth.outcome'],
        refused?.attributes['http.response.status_code'],
        refused?.failed,
      ],
      ['refused', 400, false],
    );
  });
});

describe('a request to an upstream', () => {
  test('is a span for each try, under its operation, with status and attempt', () => {
    const services = new Set(tries.map(({ attributes }) => attributes['telehealth.service']));
    assert.deepEqual([...services].sort(), [
      'acs',
      'blob',
      'dicom',
      'entra',
      'graph',
      'identity',
      'issuer',
      'keyVault',
      'queue',
      'table',
      'webhook',
    ]);
    const byId = new Map(otlp.spans.map((span) => [span.spanId, span]));
    for (const { name, parentId, attributes, failed } of tries) {
      const operation = byId.get(parentId);
      assert.equal(`${operation?.name ?? ''} try`, name);
      assert.equal(attributes['telehealth.operation'], operation?.attributes['telehealth.operation']);
      assert.ok(Number(attributes['telehealth.attempt']) >= 1, name);
      const status = attributes['http.response.status_code'];
      if (status === undefined) assert.ok(attributes['error.type'], name);
      else assert.equal(failed, Number(status) >= 400, name);
    }
  });

  test('that is repeated counts its tries', () => {
    const shown = (name: string): unknown[] =>
      tries
        .filter((span) => span.name === name)
        .map(({ attributes }) => [attributes['telehealth.attempt'], attributes['http.response.status_code']]);
    assert.deepEqual(shown('dicom latest try').slice(0, 2), [
      [1, 503],
      [2, 200],
    ]);
    assert.deepEqual(shown('graph read try').slice(0, 2), [
      [1, 429],
      [2, 200],
    ]);
    assert.deepEqual(shown('webhook deliver try').slice(0, 2), [
      [1, 503],
      [2, 202],
    ]);
  });

  test('has the id under which the service finds it again', () => {
    for (const service of ['acs', 'blob', 'graph', 'keyVault', 'queue', 'table']) {
      const answered = tries.filter(
        ({ attributes }) =>
          attributes['telehealth.service'] === service && attributes['http.response.status_code'] === 200,
      );
      for (const { name, attributes } of answered)
        assert.match(String(attributes['telehealth.upstream_request_id']), /^[\w+/=.-]{16,40}$/, name);
    }
  });
});

describe('the metrics', () => {
  test('are those of the list, with their units and attributes, and all of them', () => {
    for (const { name, unit, kind, attributes } of otlp.points) {
      const metric = new Map(Object.entries(metrics)).get(name);
      assert.deepEqual(
        [unit, kind, Object.keys(attributes).sort()],
        [metric?.unit, metric?.kind, metric?.attributes.toSorted()],
        name,
      );
    }
    const names = new Set(otlp.points.map(({ name }) => name));
    assert.deepEqual([...names].sort(), Object.keys(metrics).sort());
  });

  test('tell of each job and of what it found', () => {
    const last = (name: string, attributes: object = {}): number | undefined =>
      otlp.points.findLast(
        (point) =>
          point.name === name &&
          Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
      )?.value;
    for (const job of ['cleanUpIdentities', 'rotateSecrets', 'pullChangeFeed'])
      assert.deepEqual(
        [last('telehealth.jobs.runs', { job, outcome: 'ok' }), last('telehealth.jobs.duration', { job })],
        [1, 1],
      );
    const target = demo.serviceClient.secretName;
    assert.equal(last('telehealth.rotation.days_to_expiry', { target }), 90);
    assert.equal(last('telehealth.rotation.runs', { target, outcome: 'rotated' }), 1);
    const service = new URL(demo.dicomUrl).host;
    assert.equal(last('telehealth.feed.delivered', { service }), 2);
    assert.equal(last('telehealth.feed.runs', { service, outcome: 'caught_up' }), 2);
    assert.equal(last('telehealth.feed.replay_runs', { service, outcome: 'caught_up' }), 1);
    assert.equal(last('telehealth.feed.replays', { service, state: 'running' }), 0);
    assert.equal(last('telehealth.feed.replay_sequences_left', { service }), 0);
    assert.equal(last('telehealth.feed.lag', { service }), 0);
    assert.equal(last('telehealth.tokens.issued', { kind: 'acs' }), 1);
    assert.equal(last('telehealth.identities.possible_orphans'), 1);
    for (const upstream of ['dicom', 'graph', 'webhook'])
      assert.equal(last('telehealth.upstream.throttled', { service: upstream }), 1);
    const answers = { method: 'POST', route: 'users/{userId}/tokens', status_class: '4xx' };
    assert.deepEqual(
      [last('telehealth.http.answers', answers), last('telehealth.http.duration', answers)],
      [1, 1],
    );
  });
});

describe('Azure Monitor', () => {
  test('gets the same, from who has signed in to it as the managed identity', () => {
    const audience = (bearer: string): unknown =>
      JSON.parse(Buffer.from(bearer.split('.')[1] ?? '', 'base64url').toString('utf8'));
    for (const bearer of monitor.bearers)
      assert.equal(Reflect.get(audience(bearer) as object, 'aud'), 'https://monitor.azure.com');
    assert.deepEqual([...new Set(monitor.paths)], ['/v2.1/track']);
    const dependencies = monitor.envelopes.filter(({ data }) => data.baseType === 'RemoteDependencyData');
    const names = (all: readonly { readonly name?: string | undefined }[]): unknown[] =>
      [...new Set(all.map(({ name }) => name))].sort();
    assert.deepEqual(names(dependencies.map(({ data }) => data.baseData)), names(otlp.spans));
    const measured = monitor.envelopes.flatMap(({ data }) => data.baseData.metrics ?? []);
    assert.deepEqual(names(measured), Object.keys(metrics).sort());
    // The host makes the requests of Application Insights: ours would count them twice.
    assert.equal(
      monitor.envelopes.some(({ data }) => data.baseType === 'RequestData'),
      false,
    );
    // By these an alert knows which requests the app has answered.
    const issued = dependencies.find(({ data }) => data.baseData.name === 'POST tokens');
    assert.equal(issued?.tags['ai.operation.id'], trace.id);
    assert.equal(issued.data.baseData.properties?.['telehealth.outcome'], 'ok');
    const tags = monitor.envelopes[0]?.tags ?? {};
    assert.equal(tags['ai.cloud.role'], 'telehealth-functions');
  });

  test('gets of what is counted the difference each time: alerts and charts add up', () => {
    const measured = monitor.envelopes.flatMap(({ data }) => data.baseData.metrics ?? []);
    const sum = (name: string): number =>
      measured.filter((one) => one.name === name).reduce((all, { value }) => all + value, 0);
    assert.deepEqual(
      ['telehealth.tokens.issued', 'telehealth.jobs.runs', 'telehealth.feed.runs'].map(sum),
      [1, 3, 2],
    );
  });

  test('is the only place besides the receiver that anything is sent to', () => {
    assert.doesNotMatch(output(), /EBLOCKED|telemetry_not_/);
  });
});

test('no token, secret, hint, UID, patient, user or key is in anything that was sent', () => {
  const sent = [...otlp.raw.map(({ body }) => body), ...monitor.raw].join('\n');
  assert.ok(sent.includes('telehealth.feed.delivered'), 'something was sent');
  assert.ok(run.canaries.length > 15);
  for (const [what, text] of run.canaries) {
    assert.ok(text.length > 5, what);
    assert.equal(sent.includes(text), false, `${what} was sent`);
  }
  assert.doesNotMatch(sent, /eyJ[\w-]{10}/, 'a token');
  assert.doesNotMatch(sent, /\b2\.25\.\d|\b1\.2\.840\./, 'a UID');
  assert.doesNotMatch(sent, /https?:\/\//, 'a URL');
});

after(() => run.close());
