// Looks: the application, the vault, a token request. Four requests; more only before a mint, and once a day.
import { rotationClockToleranceMs, rotationSurveyMs } from '../platform/limits.ts';
import { isAppError } from '../platform/errors.ts';
import { Secret } from '../platform/secret.ts';
import { once } from '../platform/once.ts';
import type { Clock } from '../platform/clock.ts';
import type { Application, Applications } from './graphApplications.ts';
import type { CurrentSecret, Dated, SecretVersion, VaultSecrets } from './keyVaultSecrets.ts';
import type {
  CredentialFact,
  Health,
  Memory,
  Observation,
  Preflight,
  Survey,
  VersionFact,
} from './observation.ts';
import { RotationProblem } from './problems.ts';
import { tagsOf } from './tags.ts';
import type { Target } from './target.ts';
import { proves, type ProbeAnswer, type TokenProbe } from './tokenProbe.ts';

/** The doors to the outside, and time. */
export interface Services {
  readonly applications: Applications;
  readonly vault: VaultSecrets;
  readonly probe: TokenProbe;
  readonly clock: Clock;
  readonly uuid: () => string;
}

export interface Seen {
  readonly observation: Observation;
  /** The vault's current version with its value and all its tags. */
  readonly current: CurrentSecret | undefined;
  /** What a deliberately wrong secret is answered: asked at most once a run. */
  readonly control: () => Promise<ProbeAnswer>;
}

export async function observe(
  services: Services,
  { client }: Target,
  memory: Memory,
  signal: AbortSignal,
): Promise<Seen> {
  const { applications, vault, probe, clock, uuid } = services;
  const reading = applications.read(client.appId, signal);
  const [application, current] = await Promise.all([
    reading,
    // The advice to a refusal names our identity, and the token for Graph is what tells it.
    vault.current(client.secretName, signal).finally(() => reading),
  ]);
  const control = once(() => probe.ask(client, new Secret(`no-such-secret-${uuid()}`), signal));
  const [versions, answer] = current.value
    ? await Promise.all([
        vault.versions(client.secretName, signal),
        probe.ask(client, current.value.value, signal),
      ])
    : [[], undefined];
  const observation: Observation = {
    ...timeOf(application, current, clock.now()),
    objectId: application.id,
    credentials: application.credentials.map((credential) => toFact(credential, current.value?.value)),
    current: current.value && toVersionFact(current.value),
    versions: versions.map(toVersionFact),
    health: answer ? await healthOf(answer, control) : 'absent',
    probeCode: answer?.code,
    probeIds: answer?.ids,
    memory,
  };
  return { observation, current: current.value, control };
}

/** Whether it is time for another survey of the application. Instances share the last one through the state. */
export function surveyDue({ memory, now }: Observation): boolean {
  return memory.survey === undefined || Math.abs(now - memory.survey.time) >= rotationSurveyMs;
}

export async function observeSurvey(
  { applications }: Services,
  { client }: Target,
  { now, memory: { survey: last } }: Observation,
  signal: AbortSignal,
): Promise<Survey> {
  const survey = await applications.survey(client.appId, signal);
  return {
    ...{ ...survey, time: now },
    // Without the last known secrets one that appears after a failed look would pass for an old one.
    principalSecrets: survey.principalSecrets ?? last?.principalSecrets,
    federatedCredentials: survey.federatedCredentials ?? last?.federatedCredentials,
  };
}

/** What else must be known before a mint. */
export async function observePreflight(
  { vault }: Services,
  { client }: Target,
  { observation, control }: Seen,
  signal: AbortSignal,
): Promise<Preflight> {
  const deleted = observation.current ? 'no' : await deletedState(vault, client.secretName, signal);
  return { deleted, control: await control() };
}

async function deletedState(
  vault: VaultSecrets,
  name: string,
  signal: AbortSignal,
): Promise<Preflight['deleted']> {
  try {
    return (await vault.isDeleted(name, signal)) ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof RotationProblem && isAppError(error, 'misconfigured')) return 'unreadable';
    throw error;
  }
}

/** No readable clock of a service counts as disagreement: then nothing is changed. */
function timeOf(
  { serverTime: graph }: Application,
  { serverTime: vault }: Dated<unknown>,
  local: number,
): Pick<Observation, 'now' | 'clocksAgree'> {
  if (graph === undefined || vault === undefined) return { now: local, clocksAgree: false };
  const clocks = [graph, vault, local];
  const apart = Math.max(...clocks) - Math.min(...clocks);
  return { now: Math.min(graph, vault), clocksAgree: apart <= rotationClockToleranceMs };
}

async function healthOf(answer: ProbeAnswer, control: () => Promise<ProbeAnswer>): Promise<Health> {
  switch (answer.kind) {
    case 'issued':
      return 'proven';
    case 'rejected':
    case 'expired':
      return 'rejected';
    case 'denied':
      return proves(answer, await control()) ? 'proven' : 'unknown';
    case 'wrongTenant':
    case 'unknown':
      return 'unknown';
  }
}

function toFact(credential: Application['credentials'][number], value: Secret | undefined): CredentialFact {
  const { keyId, displayName, startsAt, endsAt, hint } = credential;
  const compared = hint && value ? value.reveal().startsWith(hint.reveal()) : undefined;
  return {
    ...{ keyId, displayName, startsAt, endsAt },
    hint: compared === undefined ? 'unknown' : compared ? 'matches' : 'differs',
  };
}

function toVersionFact({ versionId, enabled, createdAt, expiresAt, tags }: SecretVersion): VersionFact {
  const { credentialId, taggedApp } = tagsOf(tags);
  return { versionId, enabled, createdAt, expiresAt, credentialId, taggedApp };
}
