// `register-service-client` dies at any of its HTTP calls, before or after the call's effect: the next run completes what it began.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cloud, mortal, Trial } from './world.ts';

const leftAloneMs = 20 * 60_000;

/** The calls of a registration that nothing disturbs. */
const transport = mortal(Infinity, false);
assert.equal((await new Trial().run([], undefined, { httpClient: transport.httpClient })).code, 0);
const everyCall = [...transport.calls.entries()].map(([index, call]) => ({ lives: index + 1, call }));
const writes = everyCall.filter(({ call }) => !/^GET|token$/.test(call));
const mint = everyCall.find(({ call }) => call.endsWith('/addPassword'));

async function kill(trial: Trial, lives: number, after: boolean): Promise<void> {
  const { httpClient, calls } = mortal(lives, after);
  const { code, text } = await trial.run([], undefined, { httpClient });
  assert.ok(calls.length >= lives);
  assert.equal(code, 1);
  assert.doesNotMatch(text, /eyJ|8Q~/);
}

test('every write of a registration is among the calls at which it is killed', () => {
  const parts = [
    'uniqueName',
    'applications/[^/]+$',
    'servicePrincipals$',
    'Grants$',
    'ref$',
    'AssignedTo$',
    'addPassword$',
    'PUT ',
  ];
  for (const part of parts)
    assert.equal(writes.filter(({ call }) => new RegExp(part).test(call)).length > 0, true, part);
});

// After a read is as before the next call: only a write leaves something behind.
for (const [when, deaths, after] of [
  ['before every call', everyCall, false],
  ['after every write', writes, true],
] as const) {
  test(`killed ${when}, it is completed by the next run`, async () => {
    for (const { lives, call } of deaths) {
      const trial = new Trial();
      await kill(trial, lives, after);
      cloud.advance(leftAloneMs);
      const { code, text } = await trial.run();
      assert.equal(code, 0, `after a death at ${call}: ${text}`);
      trial.requireComplete();
    }
  });
}

test('run again at once, while the tenant does not show yet what was made, it makes nothing twice', async (t) => {
  const id = cloud.faults.add({ service: 'graph', effect: { creationLagMs: 15_000 } });
  t.after(() => cloud.faults.remove(id));
  for (const { lives, call } of writes) {
    const trial = new Trial();
    await kill(trial, lives, true);
    const { code, text } = await trial.run();
    assert.equal(code, 0, `after a death at ${call}: ${text}`);
    trial.application();
    assert.equal(trial.versions().length, 1);
  }
});

test('what an interrupted run minted stays while that run may still publish it, and goes later', async () => {
  const trial = new Trial();
  assert.ok(mint);
  await kill(trial, mint.lives, true);
  const [orphan] = trial.application().passwordCredentials;
  assert.ok(orphan);
  const keyIds = (): string[] => trial.application().passwordCredentials.map(({ keyId }) => keyId);

  const second = await trial.run();
  assert.equal(second.code, 0);
  assert.ok(keyIds().includes(orphan.keyId));
  assert.match(second.text, new RegExp(`not in the vault: ${orphan.keyId}`));

  cloud.advance(14 * 60_000);
  await trial.run();
  assert.ok(keyIds().includes(orphan.keyId));
  cloud.advance(60_000);
  await trial.run();
  assert.ok(!keyIds().includes(orphan.keyId));
  trial.requireComplete();
});

test('a credential that nobody named after this secret is never taken for a leftover', async () => {
  const trial = new Trial();
  await trial.run();
  const { passwordCredentials, ...application } = trial.application();
  const [own] = passwordCredentials;
  assert.ok(own);
  const foreign = { ...own, keyId: '00000000-0000-4000-8000-00000000000f', displayName: 'portal' };
  trial.application().passwordCredentials.push(foreign);
  cloud.advance(leftAloneMs);
  assert.equal((await trial.run()).document.changed, false);
  assert.equal(trial.application().passwordCredentials.length, 2, application.appId);
});
