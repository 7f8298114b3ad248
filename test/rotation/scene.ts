// A service client under test: its application, its secret in the vault, what was asked about it and what was logged.
import { SecretClient } from '@azure/keyvault-secrets';
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { demo } from '../../local/demo.ts';
import type { Application } from '../../local/standIns/directory.ts';
import type { ServiceClientSettings } from '../../src/platform/settings/types.ts';
import type { RotationReport, RotationRequest } from '../../src/rotation/rotation.ts';
import { displayNameOf, targetOf } from '../../src/rotation/target.ts';
import { cloud, dayMs, runRotation, settingsFor, stateBlob, type Line, type RunOptions } from './tenant.ts';

export interface Scene {
  readonly client: ServiceClientSettings;
  readonly application: Application;
  readonly lines: Line[];
  /** One run with fresh clients, as another process would have it. */
  run(request?: RotationRequest, options?: RunOptions): Promise<RotationReport>;
  /** A display name as a mint of this target would give it. */
  ownName(random: string): string;
  /** Puts a credential on the application and answers its key id and its secret. */
  addCredential(displayName: string, days: number): Promise<{ keyId: string; secret: string }>;
  setSecret(value: string, tags?: Record<string, string>): Promise<void>;
  versions(): Promise<{ versionId: string; enabled: boolean; tags: Record<string, string> }[]>;
  value(): Promise<string>;
  keyIds(): string[];
  /** `METHOD path` of what Graph, Key Vault and Entra were asked since the scene or the last call, challenges left out. */
  asked(): string[];
  writes(): string[];
}

const defaults = { validityDays: 90, beforeDays: 30, overlapHours: 168, retire: 'remove' } as const;

/** As an earlier rotation left it: one credential of ours, published, with so many days to live. */
export async function healthy(
  days = 60,
  changes: Partial<ServiceClientSettings> = {},
): Promise<{ s: Scene; keyId: string }> {
  const s = scene(changes);
  const { keyId, secret } = await s.addCredential(s.ownName('abcdef'), days);
  await s.setSecret(secret, { CredentialId: keyId, 'rotation-app': s.client.appId });
  return { s, keyId };
}

/** A service client of its own, so that tests never meet. */
export function scene(changes: Partial<ServiceClientSettings> = {}): Scene {
  const application = cloud.directory.addApplication('service client under test');
  cloud.directory.addServicePrincipal('service client under test', 'Application', {
    appId: application.appId,
  });
  application.owners.add(demo.managedIdentity.principalId);
  const secretName = `secret-${application.appId.slice(0, 8)}`;
  const client = { appId: application.appId, tenantId: demo.tenantId, secretName, ...defaults, ...changes };
  const vault = (): SecretClient =>
    new SecretClient(demo.vaultUrl, cloud.credentialFor(demo.managedIdentity));
  const lines: Line[] = [];
  let since = cloud.log.list().length;
  const requests = (): string[] => {
    const all = cloud.log.list();
    const fresh = all.slice(since);
    since = all.length;
    return fresh
      .filter(({ service, status }) => service !== 'keyVault' || status !== 401)
      .map(({ method, path }) => `${method} ${path}`);
  };
  return {
    ...{ client, application, lines },
    ownName: (random) => displayNameOf(targetOf(client, demo.vaultUrl).id, `20260101T000000Z-${random}`),
    async run(request = {}, options = {}) {
      const [report] = await runRotation(settingsFor(client), lines, request, options);
      assert.ok(report);
      return report;
    },
    async addCredential(displayName, days) {
      const secret = `${randomBytes(3).toString('base64url').slice(0, 3)}8Q~${randomUUID()}`;
      const keyId = randomUUID();
      const at = cloud.now();
      const [startDateTime, endDateTime] = [
        new Date(at).toISOString(),
        new Date(at + days * dayMs).toISOString(),
      ];
      const credential = { keyId, displayName, startDateTime, endDateTime, secretText: secret, addedAt: at };
      application.passwordCredentials = [...application.passwordCredentials, credential];
      return { keyId, secret };
    },
    async setSecret(value, tags = {}) {
      await vault().setSecret(client.secretName, value, { tags });
      since = cloud.log.list().length;
    },
    async versions() {
      const found = [];
      for await (const { version = '', enabled = false, tags = {} } of vault().listPropertiesOfSecretVersions(
        client.secretName,
      )) {
        found.push({ versionId: version, enabled, tags });
      }
      return found;
    },
    async value() {
      return (await vault().getSecret(client.secretName)).value ?? '';
    },
    keyIds: () => application.passwordCredentials.map(({ keyId }) => keyId),
    asked: requests,
    writes: () => requests().filter((line) => !line.startsWith('GET') && !line.endsWith('/token')),
  };
}

/** Scripts a stand-in until the test ends. */
export function fault(t: TestContext, rule: object): () => void {
  const id = cloud.faults.add(rule);
  const remove = (): void => {
    cloud.faults.remove(id);
  };
  t.after(remove);
  return remove;
}

/** Publishing gets no answer and has no effect, until the answer is called. */
export function losePublish(t: TestContext, { client }: Scene): () => void {
  return fault(t, {
    service: 'keyVault',
    method: 'PUT',
    path: client.secretName,
    effect: { drop: 'before' },
  });
}

/** How often a credential was asked for since the last look. */
export const mints = (s: Scene): number => s.asked().filter((line) => line.endsWith('/addPassword')).length;

/** Whether Entra takes the value now. */
export function works({ application }: Scene, value: string): boolean {
  const known = application.passwordCredentials.find(({ secretText }) => secretText === value);
  return known !== undefined && Date.parse(known.endDateTime) > cloud.now();
}

export function stateBlobOf({ client }: Scene) {
  return stateBlob(`rotation/${client.appId}/${targetOf(client, demo.vaultUrl).id}.json`);
}
