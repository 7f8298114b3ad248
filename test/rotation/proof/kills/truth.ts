// What must be true of the stand-ins' tenant after a run was struck, and when later runs have come to rest.
import assert from 'node:assert/strict';
import { rotationMaxOwned } from '../../../../src/platform/limits.ts';
import { demo } from '../../../../local/demo.ts';
import type { StoredCredential } from '../../../../local/standIns/directory.ts';
import { targetIdIn, targetOf } from '../../../../src/rotation/target.ts';
import { stateBlobOf, works, type Scene } from '../../scene.ts';
import { auditRecords, cloud, hourMs } from '../../tenant.ts';

const isValid = ({ endDateTime }: StoredCredential): boolean => Date.parse(endDateTime) > cloud.now();

export function ownedIn({ application, client }: Scene): StoredCredential[] {
  const { id } = targetOf(client, demo.vaultUrl);
  return application.passwordCredentials.filter(
    ({ displayName }) => targetIdIn(displayName ?? undefined) === id,
  );
}

/** At any moment. `foreign`: key ids that were there before and are nobody's business; `served`: whether a good secret was. */
export async function requireRules(s: Scene, foreign: readonly string[], served: boolean): Promise<void> {
  const present = s.keyIds();
  for (const keyId of foreign) assert.ok(present.includes(keyId), 'what is foreign is not touched');
  assert.ok(s.application.passwordCredentials.some(isValid), 'a valid credential is left');
  assert.ok(ownedIn(s).filter(isValid).length <= rotationMaxOwned, 'no more than maxOwned');
  if (served) assert.ok(works(s, await s.value()), 'the vault serves a secret that works');
  await requireSilence(s);
}

/** After the overlap and more. */
export async function requireRest(s: Scene): Promise<void> {
  assert.ok(works(s, await s.value()), 'in the end the vault serves a secret that works');
  const owned = ownedIn(s);
  assert.ok(owned.every(isValid), 'no expired credential of ours is left');
  assert.ok(owned.length <= 2, 'at most two credentials of ours are left');
  const named = new Set((await s.versions()).map(({ tags }) => tags['CredentialId']));
  for (const { keyId, addedAt } of owned) {
    assert.ok(named.has(keyId) || cloud.now() - addedAt < 2 * hourMs, 'no orphan is left');
  }
}

async function requireSilence(s: Scene): Promise<void> {
  const state = (await stateBlobOf(s).exists()) ? (await stateBlobOf(s).downloadToBuffer()).toString() : '';
  const tags = JSON.stringify(await s.versions().catch(() => []));
  requireNone(s, [...s.lines.map((line) => line.text), state, tags].join('\n'));
}

/** The records of all clients. */
export async function requireSilentAudit(scenes: readonly Scene[]): Promise<void> {
  const text = JSON.stringify(await auditRecords());
  for (const s of scenes) requireNone(s, text);
}

function requireNone({ application }: Scene, text: string): void {
  const removed = application.removedCredentials.map(({ credential }) => credential);
  for (const { secretText } of [...application.passwordCredentials, ...removed]) {
    assert.ok(!text.includes(secretText.slice(0, 10)), 'no secret shows');
    assert.ok(!text.includes(`"${secretText.slice(0, 3)}"`), 'no hint shows');
  }
  assert.ok(!/eyJ[\w-]{10}/.test(text), 'no token shows');
}
