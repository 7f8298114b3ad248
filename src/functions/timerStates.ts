// What this process knows of each timer: how its last run here ended, what to do, and whether it is long overdue.
import { Cron } from 'croner';
import { isoTime } from '../platform/clock.ts';
import { timerOverdueMs } from '../platform/limits.ts';
import type { AppContext } from './context.ts';

export interface TimerState {
  /** `unknown`: it has not run in this process; the platform may run it in another one. */
  readonly state: 'ok' | 'failed' | 'unknown';
  /** Of the last run's end. */
  readonly time?: string;
  readonly detail?: string | undefined;
  readonly advice?: string;
  /** It ran here once, and since then two of its times and ten minutes have passed: since when. */
  readonly overdueSince?: string;
}

const timers = [
  ['cleanUpIdentities', 'communication', 'Find the run’s requestId in the log: event run_failed.'],
  ['rotateSecrets', 'rotation', 'npm run rotation -- status'],
  ['pullChangeFeed', 'changeFeed', 'npm run feed -- status'],
] as const;
export const timerNames = timers.map(([name]) => name);

/** Without those of capabilities that are off. */
export function timerStates(context: AppContext): Readonly<Record<string, TimerState>> {
  const { clock, health, settings } = context;
  const known = health.parts();
  const on = timers.filter(([, capability]) => context[capability].state !== 'off');
  const states = on.map(([name, , look]): [string, TimerState] => {
    const last = known[name];
    if (!last) return [name, { state: 'unknown' }];
    const { ok, time, detail } = last;
    const due = secondTimeAfter(settings.schedules[name], time);
    const overdue = due !== undefined && clock.now() > due + timerOverdueMs;
    return [
      name,
      {
        ...{ state: ok ? 'ok' : 'failed', time },
        ...(ok ? {} : { detail, advice: look }),
        ...(overdue ? { overdueSince: isoTime(due) } : {}),
      },
    ];
  });
  return Object.fromEntries(states);
}

function secondTimeAfter(schedule: string, time: string): number | undefined {
  const options = {
    paused: true,
    mode: '6-part',
    sloppyRanges: true,
    domAndDow: true,
    timezone: 'UTC',
  } as const;
  const [, second] = new Cron(schedule, options).nextRuns(2, new Date(time));
  return second?.getTime();
}
