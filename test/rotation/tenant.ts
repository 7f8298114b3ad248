// The tenant of these tests: stand-ins, storage, and time that moves as fast as it is waited for.
import type { TokenCredential } from '@azure/core-auth';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { after } from 'node:test';
import { startAzurite } from '../../local/azurite.ts';
import { demo } from '../../local/demo.ts';
import { createEntra } from '../../local/standIns/entra.ts';
import { createGraph } from '../../local/standIns/graph.ts';
import { createKeyVault } from '../../local/standIns/keyVault.ts';
import { freePorts } from '../../local/ports.ts';
import { createAudit } from '../../src/platform/audit.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { leaseRenewMs } from '../../src/platform/limits.ts';
import { createLog } from '../../src/platform/log.ts';
import { auditContainer, rotationContainer, type Platform } from '../../src/platform/platform.ts';
import { withinBudget } from '../../src/platform/run.ts';
import { Secret } from '../../src/platform/secret.ts';
import type { RotationSettings, ServiceClientSettings } from '../../src/platform/settings/types.ts';
import { createStorage } from '../../src/platform/storage.ts';
import { createRotation, type RotationReport, type RotationRequest } from '../../src/rotation/rotation.ts';
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

export interface RunOptions {
  readonly budgetMs?: number;
  readonly localOffsetMs?: number;
  readonly audit?: Platform['audit'];
  readonly httpClient?: Platform['httpClient'];
  /** Instead of the managed identity's. */
  readonly credential?: TokenCredential;
  readonly shutdown?: AbortSignal;
  /** Called after each short wait. */
  readonly onWaited?: () => void;
}

export function settingsFor(...clients: ServiceClientSettings[]): RotationSettings {
  return {
    vaultUrl: demo.vaultUrl,
    clients,
    graphEndpoint: 'https://graph.microsoft.com',
    authorityHost: 'https://login.microsoftonline.com',
    operatorRole: 'none',
    state,
    credential: { managedIdentity: true },
  };
}

export function platformFor(options: RunOptions = {}): Platform {
  const { localOffsetMs = 0, audit, httpClient, onWaited, credential } = options;
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
    httpClient,
    uuid: randomUUID,
    credential: () => credential ?? cloud.credentialFor(demo.managedIdentity),
    storage: () => storage,
    audit: audit ?? (() => createAudit(storage.container(auditContainer), shifted, randomUUID)),
  };
}

/** For calls that must not log. */
export const silence = createLog({ info: unexpected, warn: unexpected, error: unexpected });

function unexpected(line: string): never {
  throw new Error(`unexpected log line ${line}`);
}

/** One run with fresh clients, as another process would have it. */
export async function runRotation(
  settings: RotationSettings,
  lines: Line[],
  request: RotationRequest = {},
  options: RunOptions = {},
): Promise<readonly RotationReport[]> {
  const rotation = createRotation(settings, platformFor(options));
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

export const container = storage.container(rotationContainer);

export function stateBlob(path: string) {
  return container.getBlockBlobClient(path);
}

export async function auditRecords(): Promise<Record<string, unknown>[]> {
  const audit = storage.container(auditContainer);
  const found: Record<string, unknown>[] = [];
  for await (const { name } of audit.listBlobsFlat()) {
    const text = (await audit.getBlobClient(name).downloadToBuffer()).toString();
    found.push(JSON.parse(text) as Record<string, unknown>);
  }
  return found;
}
