// No secret, hint or token ever shows in a log line, report, state, audit record or tag, however the run goes.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { fault, healthy, scene, stateBlobOf, type Scene } from './scene.ts';
import { auditRecords, cloud } from './tenant.ts';

/** Everything of `s` that anybody could read afterwards, but the vault's values and Graph's hints themselves. */
async function visible(s: Scene, ...more: unknown[]): Promise<string> {
  const state = (await stateBlobOf(s).exists()) ? (await stateBlobOf(s).downloadToBuffer()).toString() : '';
  const tags = await s.versions().catch(() => []);
  const texts = [
    ...s.lines.map(({ text }) => text),
    state,
    JSON.stringify([tags, await auditRecords(), more]),
  ];
  return [...texts, inspect(more, { depth: 10, showHidden: true })].join('\n');
}

function secretsOf({ application }: Scene): string[] {
  const removed = application.removedCredentials.map(({ credential }) => credential);
  return [...application.passwordCredentials, ...removed].map(({ secretText }) => secretText);
}

async function requireSilence(s: Scene, ...more: unknown[]): Promise<void> {
  const text = await visible(s, ...more);
  const secrets = secretsOf(s);
  assert.ok(secrets.length > 0);
  for (const secret of secrets) {
    assert.ok(!text.includes(secret.slice(0, 10)), 'a secret shows');
    assert.ok(!new RegExp(`"${secret.slice(0, 3)}"`).test(text), 'a hint shows');
  }
  assert.ok(!/eyJ[\w-]{10}/.test(text), 'a token shows');
}

test('in a run that rotates, and in a forced one', async () => {
  const { s } = await healthy(20);
  await requireSilence(s, await s.run(), await s.run({ force: true, reason: 'drill' }));
});

test('in a run that adopts', async () => {
  const s = scene();
  const { secret } = await s.addCredential('portal', 20);
  await s.setSecret(secret);
  await requireSilence(s, await s.run());
});

const faults = [
  { service: 'graph', path: 'addPassword', effect: { drop: 'after' } },
  {
    service: 'graph',
    path: 'addPassword',
    effect: { status: 200, body: { keyId: 'x', secretText: 'abc8Q~not-a-shape' } },
  },
  { service: 'keyVault', method: 'PUT', effect: { drop: 'after' } },
  {
    service: 'keyVault',
    method: 'PUT',
    effect: { status: 403, body: { error: { code: 'Forbidden', message: 'no' } } },
  },
  { service: 'keyVault', method: 'PUT', effect: { status: 500 } },
  { service: 'entra', effect: { drop: 'after' } },
  { service: 'entra', effect: { status: 401, body: 'echo of the request' } },
  { service: 'keyVault', method: 'GET', effect: { status: 500, body: 'abc' } },
];
for (const rule of faults) {
  test(`in a run that meets ${JSON.stringify(rule)}`, async (t) => {
    const { s } = await healthy(20);
    fault(t, rule);
    const report = await s.run({ force: true, reason: 'drill' });
    assert.notEqual(report.outcome, 'rotated');
    cloud.faults.clear();
    await requireSilence(s, report);
  });
}

test('in a run that gets the secret from the vault in an answer that is cut off', async (t) => {
  const s = scene();
  const short = 'abc8Q~short';
  await s.setSecret(short);
  const body = `{"id":"https://x/secrets/y/z","value":"${short}`;
  const path = `/secrets/${s.client.secretName}/$`;
  const headers = { 'Content-Type': 'application/json' };
  fault(t, { service: 'keyVault', method: 'GET', path, effect: { status: 200, headers, body } });
  const report = await s.run();
  assert.equal(report.error?.code, 'upstream_failed');
  assert.ok(s.lines.some(({ text }) => text.includes('could not be parsed')));
  assert.ok(!(await visible(s, report)).includes('abc8Q'), 'a secret shows');
});
