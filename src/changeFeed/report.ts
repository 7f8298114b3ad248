// The report of one run over one service: what operators read, and what is kept in the cursor document.
import * as z from 'zod/mini';
import { isoTime } from '../platform/clock.ts';
import type { Cursor } from './cursor.ts';
import { count } from './intervals.ts';
import { outcomes, type FeedOutcome } from './outcome.ts';
import { lastRunShape, replayShape } from './replayReport.ts';

const whole = z.int().check(z.nonnegative());

export const reportShape = z.object({
  /** URL of the service. */
  service: z.string(),
  outcome: z.enum(outcomes),
  /** When the run ended, ISO 8601; null when there was none. */
  time: z.nullable(z.string()),
  /** The committed sequence; null while there is no cursor. */
  cursor: z.nullable(whole),
  epoch: z.nullable(whole),
  latest: z.nullable(whole),
  /** Sequences between the two: at most this many changes wait. */
  lag: z.nullable(whole),
  /** Age of the first change that waits, or a little more; absent where no run saw it. */
  lagSeconds: z.optional(whole),
  /** Numbers waited for, and numbers passed and still watched. */
  holes: z.object({ held: whole, crossed: whole }),
  /** Changes that every sink took in the run; `late` and `repeated` of them. */
  delivered: whole,
  late: whole,
  repeated: whole,
  /** Changes among the delivered whose metadata the service could not read. */
  fallbacks: z._default(whole, 0),
  /** Null where they could not be counted. */
  deadLetters: z.nullable(whole),
  /** Messages that wait on the queue, about. */
  queueLength: z.optional(whole),
  error: lastRunShape.shape.error,
  /** Those that are under way or ended in the last day, newest first. */
  replays: z._default(z.array(replayShape), []),
  /** Names of those that a newer release wrote, or that are damaged: nothing works on them. */
  unreadableReplays: z.optional(z.array(z.string())),
});

export type FeedReport = Readonly<z.infer<typeof reportShape>>;

/** What a run has done so far. */
export interface Tally {
  latest: number | null;
  delivered: number;
  late: number;
  repeated: number;
  fallbacks: number;
  lagSeconds: number | undefined;
  queueLength: number | undefined;
}

export function emptyTally(): Tally {
  return {
    ...{ latest: null, delivered: 0, late: 0, repeated: 0, fallbacks: 0 },
    ...{ lagSeconds: undefined, queueLength: undefined },
  };
}

/** The age, seconds, of the change that waited when a run before ended, if the cursor has not moved since. `now` is our clock. */
export function carriedLag(report: FeedReport | null, committed: number, now: number): number | undefined {
  const { cursor, lag, lagSeconds, time } = report ?? {};
  if (cursor !== committed || lag === 0 || lagSeconds === undefined) return undefined;
  return lagSeconds + Math.max(0, Math.floor((now - Date.parse(time ?? '')) / 1000));
}

export interface Ending {
  readonly outcome: FeedOutcome;
  readonly error?: FeedReport['error'];
}

/** `now` is our clock, milliseconds; undefined for a service that was never run. */
export function makeReport(
  service: string,
  { outcome, error }: Ending,
  now: number | undefined,
  cursor?: Cursor,
  tally: Tally = emptyTally(),
): FeedReport {
  const { latest, delivered, late, repeated, fallbacks, queueLength } = tally;
  // The numbers of another feed say nothing about how far this one is.
  const isComparable = cursor && latest !== null && outcome !== 'feed_reset';
  const lag = isComparable ? Math.max(0, latest - cursor.committed) : null;
  return {
    ...{ service, outcome, time: now === undefined ? null : isoTime(now) },
    ...{ cursor: cursor?.committed ?? null, epoch: cursor?.epoch ?? null, latest, lag },
    lagSeconds: lag === 0 ? 0 : tally.lagSeconds,
    holes: cursor ? { held: count(cursor.holes), crossed: count(cursor.crossed) } : { held: 0, crossed: 0 },
    ...{ delivered, late, repeated, fallbacks, deadLetters: null, queueLength, error, replays: [] },
  };
}
