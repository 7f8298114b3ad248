// The runs that are struck, each with the tenant as it finds it, and what is true before and after.
import { randomUUID } from 'node:crypto';
import type { RotationRequest } from '../../../../src/rotation/rotation.ts';
import { healthy, scene, type Scene } from '../../scene.ts';
import { cloud, hourMs } from '../../tenant.ts';

export interface Prepared {
  readonly s: Scene;
  readonly request: RotationRequest;
}

const overlapMs = 168 * hourMs;

function tagsOf({ client }: Scene, keyId: string): Record<string, string> {
  return { CredentialId: keyId, 'rotation-app': client.appId };
}

/** Forged, or copied with a vault: it makes nothing ours. */
async function addForeign(s: Scene): Promise<void> {
  await s.addCredential('somebody else', 200);
  const { keyId } = await s.addCredential('named by a tag', 200);
  await s.setSecret('abc8Q~a-value-of-nobody', tagsOf(s, keyId));
}

async function ready(days: number): Promise<{ s: Scene; keyId: string }> {
  const s = scene();
  await addForeign(s);
  const { keyId, secret } = await s.addCredential(s.ownName('abcdef'), days);
  await s.setSecret(secret, tagsOf(s, keyId));
  return { s, keyId };
}

export const deeds: Readonly<Record<string, () => Promise<Prepared>>> = {
  'a first secret': async () => {
    const s = scene();
    await s.addCredential('somebody else', 200);
    return { s, request: {} };
  },
  'a rotation that is due': async () => ({ s: (await ready(20)).s, request: {} }),
  'a forced rotation': async () => ({ s: (await ready(60)).s, request: { force: true, reason: 'drill' } }),
  'a revocation of the current secret': async () => {
    const { s, keyId } = await ready(60);
    return { s, request: { revoke: keyId, reason: 'leaked' } };
  },
  'a revocation of another secret': async () => {
    const { s } = await ready(60);
    const { keyId } = await s.addCredential(s.ownName('leaked'), 60);
    return { s, request: { revoke: keyId, reason: 'leaked' } };
  },
  'an adoption': async () => {
    const s = scene();
    await addForeign(s);
    const { secret } = await s.addCredential('portal', 60);
    await s.setSecret(secret);
    return { s, request: {} };
  },
  'an adoption of a secret that is due': async () => {
    const s = scene();
    const { secret } = await s.addCredential('portal', 20);
    await s.setSecret(secret);
    return { s, request: {} };
  },
  'a clean-up': async () => {
    const { s, keyId } = await healthy(60);
    await addForeign(s);
    await s.addCredential(s.ownName('orphan'), 60);
    await s.addCredential(s.ownName('expire'), 5);
    await s.setSecret('xyz8Q~of-a-credential-that-is-gone', tagsOf(s, randomUUID()));
    const { secret } = await s.addCredential(s.ownName('newest'), 60);
    await s.setSecret(secret, tagsOf(s, s.keyIds().at(-1) ?? keyId));
    cloud.advance(overlapMs + hourMs);
    return { s, request: {} };
  },
};
