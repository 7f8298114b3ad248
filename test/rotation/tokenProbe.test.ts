// What Entra's answers say of a secret, and that one question is one request.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDefaultHttpClient, createHttpHeaders, type HttpClient } from '@azure/core-rest-pipeline';
import { Secret } from '../../src/platform/secret.ts';
import { createTokenProbe, judge, proves, type ProbeAnswer } from '../../src/rotation/tokenProbe.ts';
import { healthy, scene } from './scene.ts';
import { cloud } from './tenant.ts';

const refusal = (...error_codes: number[]): string =>
  JSON.stringify({ error: 'invalid_client', error_codes });

test('only the listed numbers say something, and only in an answer that has Entra’s shape', () => {
  const cases: [number, string, ProbeAnswer['kind']][] = [
    [200, JSON.stringify({ access_token: 'x' }), 'issued'],
    [200, JSON.stringify({ access_token: '' }), 'unknown'],
    [200, '<html>proxy</html>', 'unknown'],
    [401, refusal(7000215), 'rejected'],
    [401, refusal(7000222), 'expired'],
    [400, refusal(700016), 'wrongTenant'],
    [400, refusal(90002), 'wrongTenant'],
    [400, refusal(53003), 'denied'],
    [400, refusal(7000218), 'unknown'],
    [401, refusal(), 'unknown'],
    [503, refusal(7000215), 'unknown'],
    [429, '', 'unknown'],
    [401, 'AADSTS7000215', 'unknown'],
  ];
  for (const [status, text, kind] of cases)
    assert.equal(judge({ status, text }).kind, kind, `${status} ${text}`);
});

test('an answer after authentication proves the secret only if a wrong one is rejected', () => {
  assert.equal(proves({ kind: 'issued' }, undefined), true);
  assert.equal(proves({ kind: 'denied' }, { kind: 'rejected' }), true);
  assert.equal(proves({ kind: 'denied' }, { kind: 'denied' }), false);
  assert.equal(proves({ kind: 'denied' }, undefined), false);
  for (const kind of ['rejected', 'expired', 'wrongTenant', 'unknown'] as const) {
    assert.equal(proves({ kind }, { kind: 'rejected' }), false);
  }
});

const probe = createTokenProbe({
  authorityHost: 'https://login.microsoftonline.com',
  graphEndpoint: 'https://graph.microsoft.com',
});

test('each question is one fresh request, and failures are not repeated', async () => {
  const { s } = await healthy();
  const value = new Secret(await s.value());
  s.asked();
  for (let n = 0; n < 3; n += 1) assert.equal((await probe.ask(s.client, value)).kind, 'issued');
  assert.equal(s.asked().length, 3);
  const id = cloud.faults.add({ service: 'entra', effect: { drop: 'before' } });
  assert.deepEqual(await probe.ask(s.client, value), { kind: 'unknown' });
  cloud.faults.remove(id);
  assert.equal(s.asked().length, 1);
});

test('a wrong, an expired and an unknown application’s secret are told apart', async () => {
  const { s } = await healthy(1);
  const value = new Secret(await s.value());
  assert.partialDeepStrictEqual(await probe.ask(s.client, new Secret('wrong')), {
    kind: 'rejected',
    code: 7000215,
  });
  cloud.advance(25 * 3_600_000);
  assert.partialDeepStrictEqual(await probe.ask(s.client, value), { kind: 'expired', code: 7000222 });
  const nobody = { ...scene().client, appId: '7e1e4ea1-7000-4000-8000-0000000000fe' };
  assert.partialDeepStrictEqual(await probe.ask(nobody, value), { kind: 'wrongTenant', code: 700016 });
});

test('a run that is ending ends the question with its own reason', async () => {
  const { s } = await healthy();
  const ending = new Error('the process ends');
  await assert.rejects(probe.ask(s.client, new Secret('x'), AbortSignal.abort(ending)), ending);
});

test('a current secret that Conditional Access blocks is healthy, judged against a wrong one', async () => {
  const { s } = await healthy();
  const value = await s.value();
  const inner = createDefaultHttpClient();
  const sent = new URLSearchParams({ client_secret: value }).toString();
  const blocked: HttpClient = {
    async sendRequest(request) {
      if (typeof request.body !== 'string' || !request.body.includes(sent)) return inner.sendRequest(request);
      return { request, status: 400, headers: createHttpHeaders(), bodyAsText: refusal(53003) };
    },
  };
  const report = await s.run({}, { httpClient: blocked });
  assert.equal(report.outcome, 'noop');
  assert.deepEqual(report.warnings, []);
  // The wrong secret's; the current one's was answered above.
  assert.equal(s.asked().filter((line) => line.endsWith('/token')).length, 1);
});
