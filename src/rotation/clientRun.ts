// One run for one target: look, plan, act, and keep the report.
import type { ContainerClient } from '@azure/storage-blob';
import { isoTime } from '../platform/clock.ts';
import { isAppError } from '../platform/errors.ts';
import type { Lease } from '../platform/lease.ts';
import { describeError, type Log } from '../platform/log.ts';
import type { Run } from '../platform/run.ts';
import { act } from './act.ts';
import type { Memory, Observation } from './observation.ts';
import { observe, observePreflight, observeSurvey, surveyDue, type Seen, type Services } from './observe.ts';
import { planRun, type Plan, type Wish } from './plan.ts';
import { explain, fillIn, RotationProblem } from './problems.ts';
import { settingsMark } from './refusals.ts';
import {
  describe,
  emptyReport,
  isSuccess,
  logReport,
  storable,
  type Outcome,
  type RotationReport,
} from './report.ts';
import type { RotationRequest } from './request.ts';
import { probeIds, requestIdUnder } from './requestIds.ts';
import { TargetState, type RotationState } from './stateDocument.ts';
import type { Target } from './target.ts';
import { noteIds, timed, type Progress } from './work.ts';

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
      noteIds(progress, { failed: requestIdUnder(error) });
      findings.report = { ...findings.report, outcome: 'failed', error: explain(error) };
    }
  });
  let report = told(context, findings, progress, state?.value.lastReport);
  if (state && context.request.dryRun !== true)
    report = await store(state, { ...learnt(context, findings, progress), lastReport: report }, log);
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
  noteIds(progress, probeIds(seen.observation.health === 'proven' ? {} : seen.observation.probeIds));
  findings.report = describe(findings.report, { seen: seen.observation, plan, client: target.client });
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
  const minting = plan.steps.some(({ kind }) => kind === 'mint');
  // What first mints left behind may be swept to make room, but only from a vault that is known to be empty.
  const careful = minting || (plan.refusal?.code === 'max_owned' && seen.current === undefined);
  if (!careful && !surveyDue(seen.observation)) return { seen, plan };
  const [survey, preflight] = await Promise.all([
    observeSurvey(services, target, seen.observation, signal),
    careful ? observePreflight(services, target, seen, signal) : undefined,
  ]);
  const observation = { ...seen.observation, survey, preflight };
  return { seen: { ...seen, observation }, plan: planRun(observation, target, wish()) };
}

function restingOutcome(plan: Plan, otherwise: Outcome): Outcome {
  if (plan.refusal) return 'refused';
  return plan.steps.length === 0 && plan.waiting !== undefined ? 'waiting' : otherwise;
}

/** Nothing of a revocation is remembered: to later runs the leaked credential is one like any other. */
function unfinishedRevocation({ request }: ClientRun, { outcome }: RotationReport): readonly string[] {
  if (request.revoke === undefined || outcome !== 'failed') return [];
  return [
    `the leaked credential may still work, and no later run goes on with its removal; ask again: npm run rotation -- run --target <secret> --revoke ${request.revoke} --reason …`,
  ];
}

function told(
  context: ClientRun,
  { report, observation }: Findings,
  { verifyAttempts, durations, newKeyId, warnings, requestIds }: Progress,
  last: RotationReport | undefined,
): RotationReport {
  const { services, target } = context;
  const known = {
    appId: target.client.appId,
    secret: target.client.secretName,
    vault: target.vaultName,
    'principal id': services.applications.identity()?.principalId,
  };
  const { error } = report;
  const time = isoTime(observation?.now ?? services.clock.now());
  return storable({
    ...report,
    ...{ newKeyId, verifyAttempts, durations, requestIds, time },
    lastSuccess: isSuccess(report) ? time : last?.lastSuccess,
    warnings: [...report.warnings, ...warnings, ...unfinishedRevocation(context, report)].map((text) =>
      fillIn(text, known),
    ),
    error: error && { ...error, advice: fillIn(error.advice, known) },
  });
}

async function store(
  state: TargetState,
  change: Partial<RotationState> & { readonly lastReport: RotationReport },
  log: Log,
): Promise<RotationReport> {
  const report = change.lastReport;
  try {
    await state.save(change);
    return report;
  } catch (error) {
    log.warn('rotation_report_not_stored', { appId: report.appId, ...describeError(error) });
    return { ...report, warnings: [...report.warnings, 'this report could not be stored'] };
  }
}

function learnt(
  { target }: ClientRun,
  { observation }: Findings,
  { obstacle }: Progress,
): Partial<RotationState> {
  if (!observation) return {};
  const { credentials, survey, now, current } = observation;
  return {
    knownKeys: credentials.map(({ keyId }) => keyId),
    ...rejectionIn(observation),
    ...(survey ? { survey } : {}),
    ...(obstacle
      ? {
          obstacle: {
            ...{ code: obstacle, time: now, versionId: current?.versionId },
            settings: settingsMark(target.client),
          },
        }
      : {}),
  };
}

function rejectionIn({
  current,
  health,
  memory,
  now,
  clocksAgree,
}: Observation): Pick<RotationState, 'rejection'> {
  if (health === 'unknown' || !clocksAgree) return {};
  if (health !== 'rejected' || !current) return { rejection: undefined };
  const same = memory.rejection?.versionId === current.versionId ? memory.rejection : undefined;
  return { rejection: same ?? { versionId: current.versionId, time: now } };
}
