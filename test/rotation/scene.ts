// A tenant with its service clients, the real adapters against the stand-ins, and time that moves as fast as it is waited for.
import { SecretClient } from '@azure/keyvault-secrets';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { after, type TestContext } from 'node:test';
import { startAzurite } from '../../local/azurite.ts';
import { demo } from '../../local/demo.ts';
import type { Application } from '../../local/standIns/directory.ts';
import { createEntra } from '../../local/standIns/entra.ts';
import { createGraph } from '../../local/standIns/graph.ts';
import { createKeyVault } from '../../local/standIns/keyVault.ts';
import { freePorts } from '../../local/ports.ts';
import { createAudit } from '../../src/platform/audit.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { leaseRenewMs } from '../../src/platform/limits.ts';
import { createLog } from '../../src/platform/log.ts';
import { auditContainer, stateContainer, type Platform } from '../../src/platform/platform.ts';
import { withinBudget } from '../../src/platform/run.ts';
import { Secret } from '../../src/platform/secret.ts';
import type { RotationSettings, ServiceClientSettings } from '../../src/platform/settings/types.ts';
import { createStorage } from '../../src/platform/storage.ts';
import { createRotation, type RotationReport, type RotationRequest } from '../../src/rotation/rotation.ts';
import { displayNameOf, targetOf } from '../../src/rotation/target.ts';
import { startStandIns } from '../support/standIns.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
const { principalId } = demo.managedIdentity;

export const cloud = await startStandIns(({ directory, tokens, now }) => {
  directory.grant(principalId, 'Application.ReadWrite.OwnedBy', 'Key Vault Secrets Officer');
  return [
    createGraph({ directory, tokens, now }),
    createKeyVault({ directory, tokens, now }),
    createEntra({ directory, tokens, now }),
  ];
});
const azurite = await startAzurite({ ports: freePorts });
after(() => azurite.close());

const state = { kind: 'connectionString', connectionString: new Secret(azurite.connectionString) } as const;
const storage = createStorage(state, () => assert.fail('no credential is needed with a connection string'));

/** A short wait moves the time and is over; a lease's renewal and a run's budget only end by their signal. */
export const clock: Clock = {
  now: () => cloud.now(),
  monotonic: () => cloud.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    if (ms < leaseRenewMs) cloud.advance(ms);
    else if (signal) await once(signal, 'abort');
    signal?.throwIfAborted();
  },
};

export interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
}

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

export interface RunOptions {
  readonly budgetMs?: number;
  readonly localOffsetMs?: number;
  readonly settings?: Partial<RotationSettings>;
  readonly audit?: Platform['audit'];
  readonly shutdown?: AbortSignal;
  /** Called after each short wait. */
  readonly onWaited?: () => void;
}

const defaults = { validityDays: 90, beforeDays: 30, overlapHours: 168, retire: 'remove' } as const;

export function settingsFor(...clients: ServiceClientSettings[]): RotationSettings {
  return {
    vaultUrl: demo.vaultUrl,
    clients,
    graphEndpoint: 'https://graph.microsoft.com',
    authorityHost: 'https://login.microsoftonline.com',
    operatorRole: 'none',
    state,
    credential: { managedIdentity: true, authorityHost: 'https://login.microsoftonline.com' },
  };
}

export function platformFor({ localOffsetMs = 0, audit, onWaited }: RunOptions = {}): Platform {
  const shifted: Clock = {
    ...clock,
    now: () => clock.now() + localOffsetMs,
    async sleep(ms, signal) {
      await clock.sleep(ms, signal);
      onWaited?.();
    },
  };
  return {
    clock: shifted,
    random: () => 0.5,
    uuid: randomUUID,
    credential: () => cloud.credentialFor(demo.managedIdentity),
    storage: () => storage,
    audit: audit ?? (() => createAudit(storage.container(auditContainer), shifted, randomUUID)),
  };
}

export async function runRotation(
  settings: RotationSettings,
  lines: Line[],
  request: RotationRequest = {},
  options: RunOptions = {},
): Promise<readonly RotationReport[]> {
  const rotation = createRotation({ ...settings, ...options.settings }, platformFor(options));
  const keep = (level: Line['level']) => (text: string) => {
    lines.push({ level, text });
  };
  const log = createLog({ info: keep('info'), warn: keep('warn'), error: keep('error') });
  const frame = { requestId: randomUUID(), budgetMs: options.budgetMs ?? 240_000, clock };
  const shutdown = options.shutdown ?? new AbortController().signal;
  const summary = await withinBudget({ ...frame, shutdown }, (run) =>
    rotation.run(request, { log, run, actor: 'key' }),
  );
  return summary.clients;
}

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
  application.owners.add(principalId);
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
      const secret = `${randomUUID().slice(0, 3)}8Q~${randomUUID()}`;
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
export function fault(t: TestContext, rule: object): void {
  const id = cloud.faults.add(rule);
  t.after(() => cloud.faults.remove(id));
}

/** How often a credential was asked for since the last look. */
export const mints = (s: Scene): number => s.asked().filter((line) => line.endsWith('/addPassword')).length;

/** Whether Entra takes the value now. */
export function works({ application }: Scene, value: string): boolean {
  const known = application.passwordCredentials.find(({ secretText }) => secretText === value);
  return known !== undefined && Date.parse(known.endDateTime) > cloud.now();
}

export function stateBlob(path: string) {
  return storage.container(stateContainer).getBlockBlobClient(path);
}

export async function auditRecords(): Promise<Record<string, unknown>[]> {
  const container = storage.container(auditContainer);
  const found: Record<string, unknown>[] = [];
  for await (const { name } of container.listBlobsFlat()) {
    const text = (await container.getBlobClient(name).downloadToBuffer()).toString();
    found.push(JSON.parse(text) as Record<string, unknown>);
  }
  return found;
}
