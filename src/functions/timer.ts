// Registers timer functions: idempotent runs inside a budget that fail visibly and never overstay the host's limit.
import { app, type InvocationContext } from '@azure/functions';
import { AppError } from '../platform/errors.ts';
import { describeError, headline, type Log } from '../platform/log.ts';
import { withinBudget, type Run } from '../platform/run.ts';
import { problemText } from '../platform/settings/settings.ts';
import type { Section } from '../platform/settings/types.ts';
import type { AppContext } from './context.ts';
import { aboutOf, invocationLog } from './http.ts';

export interface TimerJob<T> {
  readonly name: string;
  /** NCRONTAB with six fields, already parsed: never `%NAME%`, which silently disables the timer when unset (measured). */
  readonly schedule: string;
  readonly section: Section<T>;
  readonly budgetMs: (part: T) => number;
  /** Throws when the run failed, so that the invocation shows as failed. */
  readonly work: (part: T, run: Run, log: Log) => Promise<void>;
}

export function timer<T>(context: AppContext, job: TimerJob<T>): void {
  if (job.section.state === 'off') return;
  app.timer(job.name, {
    schedule: job.schedule,
    handler: async (_timer, invocation) => {
      const { telemetry } = context;
      const failure = await telemetry.invocation(
        aboutOf(invocation),
        () => run(context, job, invocation),
        (failed) => ({ outcome: failed === undefined ? 'ok' : 'failed' }),
      );
      await telemetry.flush();
      // The host prints what is thrown, so it gets our own words only.
      if (failure !== undefined) throw new Error(`${job.name}: ${failure}`);
    },
  });
}

/** Runs the job once and answers in a line why it failed, or undefined. */
async function run<T>(
  context: AppContext,
  job: TimerJob<T>,
  invocation: InvocationContext,
): Promise<string | undefined> {
  const { clock, shutdown, health } = context;
  const { section, name } = job;
  const log = invocationLog(invocation, context.telemetry);
  try {
    if (section.state === 'off') return undefined;
    if (section.state === 'misconfigured') throw new AppError('misconfigured', problemText(section));
    const frame = {
      requestId: invocation.invocationId,
      budgetMs: job.budgetMs(section.value),
      clock,
      shutdown,
    };
    await withinBudget(frame, (run) => job.work(section.value, run, log));
    health.note(name, true);
    return undefined;
  } catch (error) {
    health.note(name, false, headline(error));
    log.error('run_failed', describeError(error));
    return headline(error);
  }
}
