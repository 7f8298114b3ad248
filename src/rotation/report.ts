// What a run says of one service client: stored, answered over HTTP and logged; never a secret or a hint.
import * as z from 'zod/mini';
import type { Log } from '../platform/log.ts';
import type { ServiceClientSettings } from '../platform/settings/types.ts';
import type { Observation } from './observation.ts';
import type { Plan, Step } from './plan.ts';

const outcomes = [
  /** Nothing to do. */
  'noop',
  /** A dry run that found something to do. */
  'planned',
  /** A first rejection was seen, a second one is awaited. */
  'waiting',
  'adopted',
  'rotated',
  'revoked',
  /** Old credentials or versions were put away. */
  'cleaned',
  /** Something was due or asked for, and a rule forbids it. */
  'refused',
  'failed',
  /** Another run is at work on the application. */
  'busy',
  /** The run's time was up before, or there has been no run yet. */
  'not_started',
] as const;
export type Outcome = (typeof outcomes)[number];

const count = z.int().check(z.nonnegative());

/** The stored form; all its parts are public. */
export const reportShape = z.object({
  appId: z.string(),
  secretName: z.string(),
  outcome: z.enum(outcomes),
  plan: z.array(z.object({ kind: z.string(), text: z.string() })),
  /** ISO 8601, server time where it was learnt. */
  time: z.optional(z.string()),
  daysToExpiry: z.optional(z.number()),
  /** Of the credential that the vault's current version names, after the run. */
  keyId: z.optional(z.string()),
  previousKeyId: z.optional(z.string()),
  newKeyId: z.optional(z.string()),
  versionId: z.optional(z.string()),
  counts: z.optional(z.object({ owned: count, orphan: count, foreign: count })),
  verifyAttempts: count,
  /** Milliseconds by phase. */
  durations: z.record(z.string(), z.number()),
  warnings: z.array(z.string()),
  error: z.optional(z.object({ code: z.string(), message: z.string(), advice: z.string() })),
});
export type RotationReport = z.infer<typeof reportShape>;

/** A report about a client that was not looked at. */
export function emptyReport(client: ServiceClientSettings, outcome: Outcome): RotationReport {
  const { appId, secretName } = client;
  return { appId, secretName, outcome, plan: [], verifyAttempts: 0, durations: {}, warnings: [] };
}

/** Fills in what was seen and planned. */
export function describe(report: RotationReport, seen: Observation, plan: Plan): RotationReport {
  const { classified, standing, endsAt } = plan;
  const number = (kind: string): number => classified.filter((one) => one.kind === kind).length;
  const owned = classified.filter(({ ours, credential }) => ours && credential.endsAt > seen.now).length;
  return {
    ...report,
    plan: plan.steps.map((step) => ({ kind: step.kind, text: textOf(step) })),
    warnings: [...plan.warnings, ...(plan.waiting === undefined ? [] : [plan.waiting])],
    counts: { owned, orphan: number('orphan'), foreign: number('foreign') },
    ...(endsAt === undefined ? {} : { daysToExpiry: daysBetween(seen.now, endsAt) }),
    ...(seen.current ? { versionId: seen.current.versionId } : {}),
    ...(standing.kind === 'none' || standing.version.credentialId === undefined
      ? {}
      : { keyId: standing.version.credentialId }),
    ...(plan.refusal ? { error: plan.refusal } : {}),
  };
}

/** Days with one decimal, negative once it is over. */
export function daysBetween(now: number, end: number): number {
  return Math.floor((end - now) / 8_640_000) / 10;
}

const reasons = {
  bootstrap: 'the vault holds no secret yet',
  expiry: 'the current one is about to expire',
  rejected: 'Entra has rejected the current one twice',
  forced: 'it was asked for',
  revoked: 'a credential is to be revoked',
} as const;

function textOf(step: Step): string {
  switch (step.kind) {
    case 'adopt':
      return `adopt ${step.keyId}: tag the current version with it`;
    case 'mint':
      return `mint, prove and publish a new credential: ${reasons[step.reason]}`;
    case 'revoke':
      return `remove ${step.keyId} without overlap`;
    case 'retire':
      return `remove ${step.keyId}: its successor has outlived the overlap`;
    case 'sweep':
      return `remove ${step.keyId}: no version of the secret carries it`;
    case 'removeExpired':
      return `remove ${step.keyId}: it has expired`;
    case 'disableVersion':
      return `disable version ${step.versionId}: its credential is gone`;
  }
}

/** Whether the timer must show the run as failed. */
export function isFailure({ outcome }: RotationReport): boolean {
  return outcome === 'failed' || outcome === 'refused';
}

/** The one structured summary of a client and run. */
export function logReport(log: Log, report: RotationReport): void {
  const { appId, secretName, outcome, plan, counts, error, durations, warnings, ...rest } = report;
  const phases = Object.fromEntries(
    Object.entries(durations).map(([phase, ms]) => [`${phase}Ms`, Math.round(ms)]),
  );
  const fields = {
    ...{
      appId,
      secretName,
      outcome,
      steps: plan.map(({ kind }) => kind),
      ...rest,
      ...counts,
      ...phases,
      warnings,
    },
    ...(error ? { problem: error.code, advice: error.advice } : {}),
  };
  if (isFailure(report)) log.error('rotation_client', fields);
  else if (warnings.length > 0) log.warn('rotation_client', fields);
  else log.info('rotation_client', fields);
}
