// The rotation of service clients' secrets: the one door through which timers, routes and tools use it.
import { eachAtOnce } from '../platform/concurrency.ts';
import { AppError } from '../platform/errors.ts';
import { sha256Hex } from '../platform/hash.ts';
import { acquireLease } from '../platform/lease.ts';
import { rotationParallelClients, rotationStartLeastMs } from '../platform/limits.ts';
import { describeError, type Log } from '../platform/log.ts';
import { rotationContainer, type Platform } from '../platform/platform.ts';
import type { Run } from '../platform/run.ts';
import type { RotationSettings, ServiceClientSettings } from '../platform/settings/types.ts';
import { UnreadableDocument } from '../platform/stateDocuments.ts';
import { once } from '../platform/once.ts';
import { runClient } from './clientRun.ts';
import { createGraphApplications } from './graphApplications.ts';
import { createKeyVaultSecrets } from './keyVaultSecrets.ts';
import type { Services } from './observe.ts';
import { explain } from './problems.ts';
import { emptyReport, isFailure, logReport, type Outcome, type RotationReport } from './report.ts';
import { auditEntryOf, chooseTargets, type RotationRequest } from './request.ts';
import { leasePath, TargetState } from './stateDocument.ts';
import { targetOf, type Target } from './target.ts';
import { createTokenProbe } from './tokenProbe.ts';

export type { RotationReport } from './report.ts';
export type { RotationRequest } from './request.ts';

export interface RunContext {
  readonly log: Log;
  readonly run: Run;
  /** As in the audit: `app:<id>`, `user:<hash>`, `key` or `timer`. */
  readonly actor: string;
}

export interface RotationSummary {
  readonly clients: readonly RotationReport[];
}

export interface Rotation {
  /**
   * Runs every service client, or those that `target` names; one that fails does not stop the others. Throws `not_found` for
   * an unknown target, `invalid_request`, and `upstream_failed` when a forced rotation or a revocation could not be
   * recorded. A client that another run is at work on is reported as `busy`.
   */
  run(request: RotationRequest, context: RunContext): Promise<RotationSummary>;
  /** The last stored report of each client, without asking Graph, Key Vault or Entra. Throws when the storage fails. */
  reports(context: { readonly log: Log; readonly signal: AbortSignal }): Promise<readonly RotationReport[]>;
}

/** Whether any client failed or was refused what was due: the timer throws then. */
export function failed({ clients }: RotationSummary): boolean {
  return clients.some(isFailure);
}

/** Contacts nothing before the first run. */
export function createRotation(settings: RotationSettings, platform: Platform): Rotation {
  const targets = settings.clients.map((client) => targetOf(client, settings.vaultUrl));
  const services = once(() => createServices(settings, platform));
  const container = once(() =>
    platform.storage(settings.state, settings.credential).container(rotationContainer),
  );
  return {
    async run(request, context) {
      const chosen = chooseTargets(request, targets);
      const work = (): Promise<RotationSummary> => runAll(services(), container, chosen, request, context);
      const entry = auditEntryOf(request, chosen, context);
      if (!entry) return work();
      return recorded(work, (action) =>
        platform.audit(settings.state, settings.credential).record(entry, action),
      );
    },
    reports: ({ signal }) =>
      eachAtOnce(targets, rotationParallelClients, async (target) => {
        signal.throwIfAborted();
        return lastReport(container(), target);
      }),
  };
}

function createServices(settings: RotationSettings, platform: Platform): Services {
  const { vaultUrl, graphEndpoint, authorityHost } = settings;
  const { clock, uuid, httpClient } = platform;
  const credential = platform.credential(settings.credential);
  return {
    ...{ clock, uuid },
    applications: createGraphApplications({ endpoint: graphEndpoint, credential, clock, httpClient }),
    vault: createKeyVaultSecrets({ vaultUrl, credential, httpClient }),
    probe: createTokenProbe({ authorityHost, graphEndpoint, httpClient }),
  };
}

type Container = Parameters<typeof TargetState.open>[0];

async function runAll(
  services: Services,
  container: () => Container,
  targets: readonly Target[],
  request: RotationRequest,
  context: RunContext,
): Promise<RotationSummary> {
  // Graph locks the whole application for each change: its secrets are worked on one after the other, under one lease.
  const groups = [...Map.groupBy(targets, ({ client }) => client.appId.toLowerCase())];
  const first = startOf(context.run.requestId, groups.length);
  const begun = [...groups.slice(first), ...groups.slice(0, first)];
  const reports = await eachAtOnce(begun, rotationParallelClients, ([appId, group]) =>
    runApplication(services, container, { appId, group }, request, context),
  );
  const wrapped = groups.length - first;
  const clients = [...reports.slice(wrapped), ...reports.slice(0, wrapped)].flat();
  const counts = Object.groupBy(clients, ({ outcome }) => outcome);
  context.log.info('rotation_run', {
    requestId: context.run.requestId,
    clients: clients.length,
    ...Object.fromEntries(Object.entries(counts).map(([outcome, some]) => [outcome, some.length])),
  });
  return { clients };
}

/** Another one for each run: some that take long at the front must not keep those behind them from ever being reached. */
export function startOf(requestId: string, applications: number): number {
  return Number.parseInt(sha256Hex(requestId).slice(0, 8), 16) % Math.max(1, applications);
}

async function runApplication(
  services: Services,
  container: () => Container,
  { appId, group }: { readonly appId: string; readonly group: readonly Target[] },
  request: RotationRequest,
  { run, log }: RunContext,
): Promise<RotationReport[]> {
  const late = (): boolean => run.remainingMs() < rotationStartLeastMs;
  if (late()) return group.map(({ client }) => unworked(log, client, 'not_started'));
  let lease;
  try {
    lease = await acquireLease(container(), leasePath(appId), services.clock, { makeAbsent: true });
  } catch (cause) {
    const error = new AppError('upstream_failed', 'The lease could not be taken: the state storage failed.', {
      cause,
    });
    log.error('rotation_lease_failed', describeError(error));
    return group.map(({ client }) => unworked(log, client, 'failed', error));
  }
  if (!lease) return group.map(({ client }) => unworked(log, client, 'busy'));
  try {
    const reports: RotationReport[] = [];
    for (const target of group) {
      const frame = { services, container: container(), target, lease, run, log, request };
      reports.push(late() ? unworked(log, target.client, 'not_started') : await runClient(frame));
    }
    return reports;
  } finally {
    await lease.release();
  }
}

function unworked(
  log: Log,
  client: ServiceClientSettings,
  outcome: Outcome,
  error?: AppError,
): RotationReport {
  const report = { ...emptyReport(client, outcome), ...(error ? { error: explain(error) } : {}) };
  logReport(log, report);
  return report;
}

async function lastReport(container: Container, target: Target): Promise<RotationReport> {
  try {
    return (
      (await TargetState.open(container, target)).value.lastReport ??
      emptyReport(target.client, 'not_started')
    );
  } catch (error) {
    if (!(error instanceof UnreadableDocument)) throw error;
    return { ...emptyReport(target.client, 'failed'), error: explain(error) };
  }
}

function isUntouched({ outcome }: RotationReport): boolean {
  return outcome === 'busy' || outcome === 'not_started';
}

/** The record says `failed` when a client did or was not reached, though the run itself ended in order. */
async function recorded(
  work: () => Promise<RotationSummary>,
  record: (action: () => Promise<void>) => Promise<void>,
): Promise<RotationSummary> {
  let summary: RotationSummary | undefined;
  const unsuccessful = new Error('a client was not rotated');
  try {
    await record(async () => {
      summary = await work();
      if (summary.clients.some((report) => isFailure(report) || isUntouched(report))) throw unsuccessful;
    });
  } catch (error) {
    if (error !== unsuccessful || !summary) throw error;
  }
  if (!summary) throw new AppError('internal', 'The run ended without a summary.');
  return summary;
}
