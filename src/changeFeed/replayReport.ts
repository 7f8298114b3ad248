// What operators read of a replay: its range, how far it is, and how its last run ended.
import * as z from 'zod/mini';
import { outcomes } from './outcome.ts';
import { sinkName } from './sink.ts';

const whole = z.int().check(z.nonnegative());

export const lastRunShape = z.object({
  /** When it ended, ISO 8601. */
  time: z.string(),
  outcome: z.enum(outcomes),
  error: z.optional(z.object({ code: z.string(), message: z.string(), advice: z.string() })),
});

export const replayShape = z.object({
  id: z.string(),
  /** URL of the service. */
  service: z.string(),
  state: z.enum(['running', 'done', 'cancelled', 'failed']),
  epoch: whole,
  /** First and last sequence. */
  from: whole,
  to: whole,
  sinks: z.array(sinkName),
  /** Sequences that are behind it, whether or not they had a change, and all of them. */
  passed: whole,
  total: whole,
  /** Changes that every sink took. */
  delivered: whole,
  startedAt: z.string(),
  endedAt: z.optional(z.string()),
  lastRun: z.optional(lastRunShape),
});

export type ReplayReport = Readonly<z.infer<typeof replayShape>>;
