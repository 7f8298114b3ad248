// Timer schedules: NCRONTAB with five or six fields, or a timespan, always in UTC.
import { Cron } from 'croner';

export interface Schedule {
  /** The first occurrence later than `after`. */
  next(after: Date): Date;
  readonly adjustForDST: boolean;
  /** Measured: under a minute between two runs the real host keeps no status, and the run is never past due. */
  readonly monitored: boolean;
}

// Croner also takes nicknames and L, W, # and ?, which NCRONTAB refuses.
const ncrontab =
  /^(?:[\d*,/\-\s]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)+$/i;

/** Replaces each `%NAME%` by the setting of that name; throws a RangeError that names an unset one. */
export function resolveSettings(text: string, environment: NodeJS.ProcessEnv): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = environment[name];
    if (value === undefined || value === '') throw new RangeError(`'%${name}%' does not resolve to a value.`);
    return value;
  });
}

/** Throws a RangeError that quotes the text and says what is expected. */
export function parseSchedule(text: string): Schedule {
  const span = parseTimespan(text);
  if (span !== undefined) return everyTimespan(text, span);
  const cron = parseCron(text);
  const next = (after: Date): Date => {
    const found = cron.nextRun(after);
    if (found === null) throw new RangeError(`The schedule '${text}' never comes.`);
    return found;
  };
  return { next, adjustForDST: true, monitored: shortestGap(next) >= 60_000 };
}

/** Milliseconds of a .NET timespan `[d.]hh:mm[:ss]`; undefined for any other text. */
export function parseTimespan(text: string): number | undefined {
  const [, days = '0', hours, minutes, seconds = '0'] =
    /^(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  return (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

function everyTimespan(text: string, span: number): Schedule {
  if (span === 0) throw new RangeError(`The schedule '${text}' must be longer than nothing.`);
  return {
    next: (after) => new Date(after.getTime() + span),
    adjustForDST: false,
    monitored: span >= 60_000,
  };
}

function parseCron(text: string): Cron {
  try {
    if (!ncrontab.test(text)) throw new RangeError('unknown characters');
    // NCRONTAB wants day of month and day of week both to fit, and takes a step after a single number.
    const cron = new Cron(text, {
      timezone: 'UTC',
      mode: '5-or-6-parts',
      domAndDow: true,
      sloppyRanges: true,
      paused: true,
    });
    if (cron.nextRun(new Date(0)) === null) throw new RangeError('it never comes');
    return cron;
  } catch (cause) {
    throw new RangeError(
      `The schedule '${text}' is neither an NCRONTAB expression of five or six fields nor a timespan.`,
      { cause },
    );
  }
}

function shortestGap(next: (after: Date) => Date): number {
  let at = next(new Date());
  let shortest = Infinity;
  for (let count = 0; count < 5; count++) {
    const following = next(at);
    shortest = Math.min(shortest, following.getTime() - at.getTime());
    at = following;
  }
  return shortest;
}
