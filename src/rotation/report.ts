// What a run says of one service client: stored, answered over HTTP and logged; never a secret or a hint.
import * as z from 'zod/mini';
import { isoTime } from '../platform/clock.ts';
import type { Log, LogFields } from '../platform/log.ts';
import type { ServiceClientSettings } from '../platform/settings/types.ts';
import type { Observation } from './observation.ts';
import type { Plan, Step } from './plan.ts';
import { requestIdsShape, type RequestIds } from './requestIds.ts';

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

const dayMs = 24 * 3_600_000;
const count = z.int().check(z.nonnegative());

/** The stored form; all its parts are public. What later releases added is optional, so that older reports stay readable. */
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
  /** ISO 8601: when the current secret is due to be followed by another one. */
  nextRotation: z.optional(z.string()),
  /** ISO 8601: when a run last ended with neither a failure, a refusal nor a rejected secret. */
  lastSuccess: z.optional(z.string()),
  /** As the run found them, before it changed anything. */
  counts: z.optional(z.object({ owned: count, orphan: count, foreign: count })),
  /** Until the first foreign credential of the application expires, of those that have not. */
  foreignDaysToExpiry: z.optional(z.number()),
  /** Secrets on the service principal, never touched, and the days until the first of them expires; absent if not known. */
  principalSecrets: z.optional(count),
  principalSecretsDaysToExpiry: z.optional(z.number()),
  /** Absent if not known. With any, the secret may be unnecessary. */
  federatedCredentials: z.optional(count),
  secretMayBeUnnecessary: z.optional(z.boolean()),
  requestIds: z.optional(requestIdsShape),
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

/** As it is stored: whatever is not part of the shape is left out, so that it can neither be stored nor answered nor logged. */
export function storable(report: RotationReport): RotationReport {
  return reportShape.parse(JSON.parse(JSON.stringify(report)));
}

/** Fills in what was seen and planned. */
export function describe(
  report: RotationReport,
  { seen, plan, client }: { seen: Observation; plan: Plan; client: ServiceClientSettings },
): RotationReport {
  const { classified, standing, endsAt } = plan;
  const number = (kind: string): number => classified.filter((one) => one.kind === kind).length;
  const owned = classified.filter(({ ours, credential }) => ours && credential.endsAt > seen.now).length;
  return {
    ...report,
    plan: plan.steps.map((step) => ({ kind: step.kind, text: textOf(step) })),
    warnings: [...plan.warnings, ...(plan.waiting === undefined ? [] : [plan.waiting])],
    counts: { owned, orphan: number('orphan'), foreign: number('foreign') },
    ...(endsAt === undefined ? {} : lifeOf(seen.now, endsAt, client)),
    ...surroundings(seen, classified),
    versionId: seen.current?.versionId,
    keyId: standing.kind === 'none' ? undefined : standing.version.credentialId,
    error: plan.refusal,
  };
}

function surroundings(
  { now, survey, memory }: Observation,
  classified: Plan['classified'],
): Partial<RotationReport> {
  const known = survey ?? memory.survey;
  const { federatedCredentials, principalSecrets } = known ?? {};
  const foreign = classified.filter(({ kind }) => kind === 'foreign').map(({ credential }) => credential);
  return {
    foreignDaysToExpiry: daysToFirst(now, foreign),
    principalSecrets: principalSecrets?.length,
    principalSecretsDaysToExpiry: daysToFirst(now, principalSecrets ?? []),
    federatedCredentials,
    secretMayBeUnnecessary: federatedCredentials === undefined ? undefined : federatedCredentials > 0,
  };
}

/** Expired ones are past counting. */
function daysToFirst(now: number, all: readonly { readonly endsAt: number }[]): number | undefined {
  const ends = all.map(({ endsAt }) => endsAt).filter((end) => end > now);
  return ends.length === 0 ? undefined : daysBetween(now, Math.min(...ends));
}

/** What the end of the current secret means to the reader. */
export function lifeOf(
  now: number,
  endsAt: number,
  { beforeDays }: Pick<ServiceClientSettings, 'beforeDays'>,
): Partial<RotationReport> {
  return { daysToExpiry: daysBetween(now, endsAt), nextRotation: isoTime(endsAt - beforeDays * dayMs) };
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

/** Whether the run left nothing to worry about. */
export function isSuccess({ outcome }: RotationReport): boolean {
  return ['noop', 'adopted', 'rotated', 'revoked', 'cleaned'].includes(outcome);
}

/** Whether the timer must show the run as failed. */
export function isFailure({ outcome }: RotationReport): boolean {
  return outcome === 'failed' || outcome === 'refused';
}

function idFields(ids: RequestIds = {}): LogFields {
  return {
    mintRequestId: ids.mint,
    removalRequestIds: ids.removals,
    publishRequestId: ids.publish,
    failedRequestId: ids.failed,
    probeTraceId: ids.probeTrace,
    probeCorrelationId: ids.probeCorrelation,
  };
}

/** The one structured summary of a client and run. */
export function logReport(log: Log, report: RotationReport): void {
  const { appId, secretName, outcome, plan, counts, error, durations, warnings, requestIds, ...rest } =
    report;
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
      ...idFields(requestIds),
      warnings,
    },
    ...(error ? { problem: error.code, advice: error.advice } : {}),
  };
  if (isFailure(report)) log.error('rotation_client', fields);
  else if (warnings.length > 0) log.warn('rotation_client', fields);
  else log.info('rotation_client', fields);
}
