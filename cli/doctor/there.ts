// Asks a running app how it is, and judges its health, its timers and its stored reports.
import * as z from 'zod/mini';
import { isFine } from '../../src/changeFeed/outcome.ts';
import { reportShape as feedShape, type FeedReport } from '../../src/changeFeed/report.ts';
import { needs } from '../../src/platform/cures.ts';
import { isFailure, reportShape as clientShape, type RotationReport } from '../../src/rotation/report.ts';
import { version } from '../../src/platform/version.ts';
import type { Around } from '../app/around.ts';
import { readAnswerMs, type Troubled } from '../app/call.ts';
import { ago, figureOf } from '../app/figures.ts';
import { detailsShape, type HealthDetails } from './details.ts';
import { idle, type Finding } from './finding.ts';

const read = { method: 'GET', answerMs: readAnswerMs, interruption: { detail: 'Stopped.' } } as const;

/** Answers the trouble where the app itself could not be asked; that a report could not be had is a finding. */
export async function lookThere(around: Around): Promise<readonly Finding[] | Troubled> {
  const health = await around.call({
    ...read,
    ...{ path: 'health/details', shape: detailsShape, orStatus: 503, capability: 'this release deployed' },
  });
  if (health.kind === 'trouble') return health;
  const details = health.value;
  const now = around.clock.now();
  const findings = [
    release(details),
    ...capabilities(details),
    ...timers(details, now),
    ...dependencies(details, now),
  ];
  if (details.capabilities.rotation.state === 'on') findings.push(...(await rotations(around)));
  if (details.capabilities.changeFeed.state === 'on') findings.push(...(await feeds(around)));
  return [...findings, ...otherParts(details, now)];
}

const mendSettings =
  'Mend the app settings that are named: Azure portal, the function app, Environment variables';

function release({ version: there }: HealthDetails): Finding {
  const check = 'Release';
  if (there === version) return { check, verdict: 'ok', detail: there };
  const detail = `the app is ${there}, this command is of ${version}`;
  return { check, verdict: 'unproven', detail, cure: 'Run the command of the release that is deployed.' };
}

function capabilities({ capabilities: all }: HealthDetails): Finding[] {
  const none = idle(Object.values(all).map(({ state }) => state));
  const each = Object.entries(all).flatMap(([name, { state, problems = [] }]): Finding[] => {
    const check = `Settings: ${name}`;
    if (state !== 'misconfigured') return [{ check, verdict: 'ok', detail: state }];
    const cure = `${mendSettings}.`;
    const named = problems.map(({ setting, problem }): Finding => ({
      ...{ check: `Settings: ${setting}`, verdict: 'failed', detail: problem, cure },
    }));
    return [{ check, verdict: 'failed', detail: state, cure }, ...named];
  });
  return [...each, ...none];
}

type Timer = NonNullable<HealthDetails['timers']['rotateSecrets']>;

function timers({ timers: all }: HealthDetails, now: number): Finding[] {
  return Object.entries(all).flatMap(([name, timer]) => (timer ? [timerFinding(name, timer, now)] : []));
}

function timerFinding(
  name: string,
  { state, time, detail = '', advice, overdueSince }: Timer,
  now: number,
): Finding {
  const check = `Timer: ${name}`;
  const when = time === undefined ? '' : `${state} ${ago(time, now)}`;
  if (state === 'failed')
    return { check, verdict: 'failed', detail: `${when}: ${detail}`, ...(advice ? { cure: advice } : {}) };
  if (state === 'unknown')
    return { check, verdict: 'unproven', detail: 'it has not run in the process that answered' };
  if (overdueSince !== undefined)
    return { check, verdict: 'unproven', detail: `${when}, overdue here; another process may run it` };
  return { check, verdict: 'ok', detail: when };
}

function dependencies({ dependencies: all }: HealthDetails, now: number): Finding[] {
  return all.map(({ name, target, state, lastSuccess, lastFailure }): Finding => {
    const check = `${needs[name].service}${target === undefined ? '' : ` (${target})`}`;
    const worked = lastSuccess === undefined ? 'not used yet' : `worked ${ago(lastSuccess, now)}`;
    if (state === 'ok') return { check, verdict: 'ok', detail: worked };
    if (!lastFailure) return { check, verdict: 'unproven', detail: worked };
    const { time, code, problem, advice } = lastFailure;
    const told = `${problem.replace(/\.$/, '')} (${code === undefined ? '' : `${code}, `}${ago(time, now)})`;
    if (state === 'failing') return { check, verdict: 'failed', detail: told, cure: advice };
    // What is unknown for want of use has failed last: a success would have made it ok.
    const since = state === 'unknown' ? 'not used since' : 'it may pass';
    return { check, verdict: 'unproven', detail: `${told}; ${since}`, cure: advice };
  });
}

async function rotations({ call, clock }: Around): Promise<readonly Finding[]> {
  const shape = z.object({ clients: z.array(clientShape) });
  const answer = await call({ ...read, path: 'rotations', shape, capability: 'its rotation' });
  if (answer.kind === 'trouble') return [unread('Rotation: its reports', answer)];
  return answer.value.clients.map((report) => rotation(report, clock.now()));
}

function rotation(report: RotationReport, now: number): Finding {
  const { secretName, outcome, time, daysToExpiry, error } = report;
  const check = `Rotation: ${secretName}`;
  const when = time === undefined ? 'never run' : `${outcome} ${ago(time, now)}`;
  if (isFailure(report) && error)
    return { check, verdict: 'failed', detail: `${when}: ${error.message}`, cure: error.advice };
  if (isFailure(report))
    return { check, verdict: 'failed', detail: when, cure: 'npm run rotation -- status' };
  if (time === undefined) return { check, verdict: 'unproven', detail: when };
  const left = daysToExpiry === undefined ? '' : `, ${daysToExpiry} days left then`;
  return { check, verdict: 'ok', detail: `${when}${left}` };
}

async function feeds({ call, clock }: Around): Promise<readonly Finding[]> {
  const shape = z.object({ services: z.array(feedShape) });
  const answer = await call({ ...read, path: 'change-feed', shape, capability: 'its change feed' });
  if (answer.kind === 'trouble') return [unread('Change feed: its reports', answer)];
  return answer.value.services.flatMap((report) => feed(report, clock.now()));
}

function feed(report: FeedReport, now: number): Finding[] {
  const { service, outcome, time, lag, deadLetters, error } = report;
  const check = `Change feed: ${new URL(service).host}`;
  const when = time === null ? 'never run' : `${outcome} ${ago(time, now)}`;
  const letters: Finding[] =
    deadLetters === null || deadLetters === 0
      ? []
      : [
          {
            ...{
              check: `${check}, dead letters`,
              verdict: 'failed',
              detail: figureOf(deadLetters, 'change'),
            },
            cure: 'Mend the receiver, then: npm run feed -- redrive --reason …',
          },
        ];
  if (!isFine(outcome))
    return [
      {
        ...{ check, verdict: 'failed', detail: `${when}${error ? `: ${error.message}` : ''}` },
        cure: error?.advice ?? 'npm run feed -- status',
      },
      ...letters,
    ];
  if (time === null) return [{ check, verdict: 'unproven', detail: when }, ...letters];
  const behind = lag === null || lag === 0 ? '' : `, ${figureOf(lag, 'change')} behind`;
  return [{ check, verdict: 'ok', detail: `${when}${behind}` }, ...letters];
}

/** A key of one function opens one route. */
function unread(check: string, { trouble: { code, detail, advice } }: Troubled): Finding {
  return {
    ...{ check, verdict: 'unproven', detail: `not read (${code}): ${detail}` },
    cure: advice ?? 'A host key opens all of them: Azure portal, the function app, App keys.',
  };
}

/** What the capabilities say of themselves is told already. */
function otherParts({ parts, capabilities: told }: HealthDetails, now: number): Finding[] {
  return Object.entries(parts)
    .filter(([name]) => !(name in told))
    .map(([check, { ok, time, detail = '' }]): Finding => {
      if (!ok)
        return { check, verdict: 'failed', detail, cure: `${mendSettings}, or deploy the package whole.` };
      if (detail === '') return { check, verdict: 'ok', detail };
      const cure =
        'Nothing, if it is long ago. Otherwise check OTEL_EXPORTER_OTLP_ENDPOINT, or the role Monitoring Metrics Publisher of the identity on Application Insights.';
      return { check, verdict: 'unproven', detail: `${detail.replace(/\.$/, '')} (${ago(time, now)})`, cure };
    });
}
