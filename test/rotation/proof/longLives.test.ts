// What only shows over months: years of rotations, a vault that was copied with its tags, a publish that is carried out much later.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demo } from '../../../local/demo.ts';
import { targetIdIn, targetOf } from '../../../src/rotation/target.ts';
import { healthy, losePublish, scene, works, type Scene } from '../scene.ts';
import { cloud, dayMs, hourMs, runRotation, settingsFor } from '../tenant.ts';

const wasValid = ({ application }: Scene): boolean =>
  application.removedCredentials.every(
    ({ credential, removedAt }) => Date.parse(credential.endDateTime) <= removedAt,
  );

/** Runs every ten days, for so many. */
async function live(s: Scene, days: number, each: () => Promise<void>): Promise<string[]> {
  const outcomes: string[] = [];
  for (let day = 0; day < days; day += 10) {
    cloud.advance(10 * dayMs);
    outcomes.push((await s.run()).outcome);
    await each();
  }
  return outcomes;
}

test('over two years of rotations with ROTATION_RETIRE=expire only what is over is ever removed, and nothing piles up', async () => {
  const { s } = await healthy(60, { retire: 'expire' });
  const { keyId: foreign } = await s.addCredential('somebody else', 1_000);
  const outcomes = await live(s, 730, async () => {
    assert.ok(works(s, await s.value()));
    assert.ok(s.keyIds().includes(foreign));
    assert.ok(s.keyIds().length <= 1 + 2, String(s.keyIds().length));
    assert.ok(wasValid(s));
  });
  assert.ok(outcomes.filter((outcome) => outcome === 'rotated').length >= 11, outcomes.join());
  assert.ok(s.application.removedCredentials.length >= 9);
  assert.ok(!outcomes.some((outcome) => outcome === 'failed' || outcome === 'refused'));
});

test('a vault that was copied with its tags takes nothing from the one it was copied from, in a year of both', async () => {
  const { s } = await healthy(60);
  await s.run({ force: true, reason: 'so that there is a previous one' });
  const copy = scene({ appId: s.client.appId, secretName: `${s.client.secretName}-copy` });
  const current = await s.value();
  const copied = (await s.versions()).map(({ tags }) => {
    const named = s.application.passwordCredentials.find(({ keyId }) => keyId === tags['CredentialId']);
    return { value: named?.secretText ?? '', tags };
  });
  // The list does not say which one is current: that one goes last.
  copied.sort((one, other) => Number(one.value === current) - Number(other.value === current));
  for (const { value, tags } of copied) await copy.setSecret(value, tags);
  assert.equal(await copy.value(), current);
  const { id } = targetOf(s.client, demo.vaultUrl);
  const lines = s.lines;
  for (let day = 0; day < 365; day += 10) {
    cloud.advance(10 * dayMs);
    // The copy comes first: whatever it may do, it does to an application that the other has not looked at yet.
    const before = s.application.removedCredentials.length;
    await runRotation(settingsFor(copy.client), lines);
    const taken = s.application.removedCredentials.slice(before).map(({ credential }) => credential);
    assert.deepEqual(
      taken.filter(({ displayName }) => targetIdIn(displayName ?? undefined) === id),
      [],
    );
    await s.run();
    assert.ok(works(s, await s.value()) && works(s, await copy.value()));
  }
});

test('a publish that is carried out long after it was given up becomes current with a secret that works, even after another rotation', async (t) => {
  const { s, keyId } = await healthy(20);
  const answer = losePublish(t, s);
  const report = await s.run();
  assert.equal(report.error?.code, 'publish_unanswered');
  answer();
  const lost = s.application.passwordCredentials.at(-1);
  assert.ok(lost && lost.keyId !== keyId);
  cloud.advance(30 * 60_000);
  const forced = await s.run({ force: true, reason: 'impatience' });
  assert.equal(forced.outcome, 'rotated');
  cloud.advance(25 * 60_000);
  await s.setSecret(lost.secretText, { CredentialId: lost.keyId, 'rotation-app': s.client.appId });
  for (const gapMs of [0, hourMs, 3 * hourMs, dayMs]) {
    cloud.advance(gapMs);
    await s.run();
    assert.equal(await s.value(), lost.secretText);
    assert.ok(works(s, lost.secretText));
  }
  cloud.advance(7 * dayMs);
  assert.equal((await s.run()).outcome, 'cleaned');
  assert.deepEqual(s.keyIds(), [lost.keyId]);
});
