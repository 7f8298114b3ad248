// What the app answers about its health, as the doctor reads it.
import * as z from 'zod/mini';
import { dependencyNames } from '../../src/platform/cures.ts';

const time = z.string();

const capability = z.object({
  state: z.enum(['off', 'on', 'misconfigured']),
  problems: z.optional(z.array(z.object({ setting: z.string(), problem: z.string() }))),
});
const timer = z.object({
  state: z.enum(['ok', 'failed', 'unknown']),
  time: z.optional(time),
  detail: z.optional(z.string()),
  advice: z.optional(z.string()),
  overdueSince: z.optional(time),
});
const failure = z.object({
  time,
  code: z.optional(z.union([z.int(), z.string()])),
  problem: z.string(),
  advice: z.string(),
});
const dependency = z.object({
  name: z.enum(dependencyNames),
  target: z.optional(z.string()),
  state: z.enum(['ok', 'shaky', 'failing', 'unknown']),
  lastSuccess: z.optional(time),
  lastFailure: z.optional(failure),
});

export const detailsShape = z.object({
  status: z.enum(['ok', 'failing']),
  since: time,
  version: z.string(),
  capabilities: z.object({ communication: capability, rotation: capability, changeFeed: capability }),
  timers: z.object({
    cleanUpIdentities: z.optional(timer),
    rotateSecrets: z.optional(timer),
    pullChangeFeed: z.optional(timer),
  }),
  dependencies: z.array(dependency),
  parts: z.record(z.string(), z.object({ ok: z.boolean(), time, detail: z.optional(z.string()) })),
});
export type HealthDetails = z.output<typeof detailsShape>;
