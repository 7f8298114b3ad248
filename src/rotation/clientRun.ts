// One run for one target: look, plan, act, and keep the report.
import type { ContainerClient } from '@azure/storage-blob';
import { isoTime } from '../platform/clock.ts';
import { isAppError } from '../platform/errors.ts';
import type { Lease } from '../platform/lease.ts';
import { describeError, type Log } from '../platform/log.ts';
import type { Run } from '../platform/run.ts';
import { act } from './act.ts';
import type { Memory, Observation } from './observation.ts';
import { observe, observePreflight, type Seen, type Services } from './observe.ts';
import { planRun, type Plan, type Wish } from './plan.ts';
import { explain, RotationProblem } from './problems.ts';
import { describe, emptyReport, logReport, type Outcome, type RotationReport } from './report.ts';
import type { RotationRequest } from './request.ts';
import { TargetState, type RotationState } from './stateDocument.ts';
import type { Target } from './target.ts';
import { timed, type Progress } from './work.ts';

export interface ClientRun {
  readonly services: Services;
  readonly container: ContainerClient;
  readonly target: Target;
  readonly lease: Lease;
  readonly run: Run;
  readonly log: Log;
  readonly request: Pick<RotationRequest, 'dryRun' | 'force' | 'revoke'>;
}

interface Findings {
  report: RotationReport;
  observation?: Observation;
}

/** Never throws: whatever goes wrong is in the report and in the log. A dry run stores nothing. */
export async function runClient(context: ClientRun): Promise<RotationReport> {
  const { services, target, container, log } = context;
  const progress: Progress = { verifyAttempts: 0, durations: {}, warnings: [] };
  const findings: Findings = { report: emptyReport(target.client, 'failed') };
  let state: TargetState | undefined;
  await timed(services, progress.durations, 'total', async () => {
    try {
      state = await TargetState.open(container, target);
      await observeAndAct(context, state, progress, findings);
    } catch (thrown) {
      const { appId, secretName } = target.client;
      const error = ended(context, thrown);
      log.error('rotation_client_failed', {
        appId,
        secretName,
        ...describeError(error),
      });
      findings.report = { ...findings.report, outcome: 'failed', error: explain(error) };
    }
  });
  let report = told(findings, progress, services.clock.now());
  if (state && context.request.dryRun !== true) report = await store(state, findings, report, log);
  logReport(log, report);
  return report;
}

/** An aborted signal's own reason says nothing to whoever reads the report. */
function ended({ run, lease }: ClientRun, error: unknown): unknown {
  if (isAppError(error)) return error;
  if (lease.lost.aborted) return new RotationProblem('lease_lost', error);
  return run.signal.aborted ? new RotationProblem('stopped', error) : error;
}

async function observeAndAct(
  context: ClientRun,
  state: TargetState,
  progress: Progress,
  findings: Findings,
): Promise<void> {
  const { services, target, lease, run, log, request } = context;
  const signal = AbortSignal.any([run.signal, lease.lost]);
  const { seen, plan } = await timed(services, progress.durations, 'observe', () =>
    lookAndPlan(context, state.memory, signal),
  );
  findings.observation = seen.observation;
  findings.report = describe(findings.report, seen.observation, plan);
  if (request.dryRun === true) {
    findings.report = {
      ...findings.report,
      outcome: restingOutcome(plan, plan.steps.length > 0 ? 'planned' : 'noop'),
    };
    return;
  }
  const change = await act({
    ...{ services, target, state, seen, plan, log, signal, progress },
    remainingMs: () => run.remainingMs(),
    vouches: () => lease.vouches(),
  });
  findings.report = { ...findings.report, ...change };
  findings.report.outcome = restingOutcome(plan, findings.report.outcome);
}

/** A dry run takes the same way, so that it prints exactly what a run would do. */
async function lookAndPlan(
  { services, target, run, request }: ClientRun,
  memory: Memory,
  signal: AbortSignal,
): Promise<{ seen: Seen; plan: Plan }> {
  // Looking takes time of its own, and a mint depends on what is left after it.
  const wish = (): Wish => ({
    force: request.force,
    revoke: request.revoke?.toLowerCase(),
    remainingMs: run.remainingMs(),
  });
  const seen = await observe(services, target, memory, signal);
  const plan = planRun(seen.observation, target, wish());
  if (!plan.steps.some(({ kind }) => kind === 'mint')) return { seen, plan };
  const preflight = await observePreflight(services, target, seen, signal);
  const observation = { ...seen.observation, preflight };
  return { seen: { ...seen, observation }, plan: planRun(observation, target, wish()) };
}

function restingOutcome(plan: Plan, otherwise: Outcome): Outcome {
  if (plan.refusal) return 'refused';
  return plan.steps.length === 0 && plan.waiting !== undefined ? 'waiting' : otherwise;
}

function told({ report, observation }: Findings, progress: Progress, localNow: number): RotationReport {
  const { verifyAttempts, durations, newKeyId, warnings } = progress;
  return {
    ...report,
    ...(newKeyId === undefined ? {} : { newKeyId }),
    ...{ verifyAttempts, durations, time: isoTime(observation?.now ?? localNow) },
    warnings: [...report.warnings, ...warnings],
  };
}

async function store(
  state: TargetState,
  { observation }: Findings,
  report: RotationReport,
  log: Log,
): Promise<RotationReport> {
  try {
    await state.save({ ...(observation ? learnt(observation) : {}), lastReport: report });
    return report;
  } catch (error) {
    log.warn('rotation_report_not_stored', { appId: report.appId, ...describeError(error) });
    return { ...report, warnings: [...report.warnings, 'this report could not be stored'] };
  }
}

function learnt({
  current,
  health,
  memory,
  now,
  clocksAgree,
  credentials,
}: Observation): Partial<RotationState> {
  const knownKeys = credentials.map(({ keyId }) => keyId);
  if (health === 'unknown' || !clocksAgree) return { knownKeys };
  if (health !== 'rejected' || !current) return { knownKeys, rejection: undefined };
  const same = memory.rejection?.versionId === current.versionId ? memory.rejection : undefined;
  return { knownKeys, rejection: same ?? { versionId: current.versionId, time: now } };
}
