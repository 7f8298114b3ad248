// `POST /api/rotations`: runs the rotation now, for one client or all, for real or as a dry run.
import * as z from 'zod/mini';
import { AppError } from '../platform/errors.ts';
import { httpRunBudgetMs } from '../platform/limits.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';

const text = z
  .string()
  .check(z.minLength(1, 'expected a text'), z.maxLength(500, 'expected at most 500 characters'));
export const rotationRequest = z.strictObject({
  target: z.optional(text),
  dryRun: z.optional(z.boolean()),
  force: z.optional(z.boolean()),
  revoke: z.optional(text),
  reason: z.optional(text),
});

export function runRotation(context: AppContext): void {
  http(context, {
    name: 'runRotation',
    method: 'POST',
    route: 'rotations',
    authLevel: 'function',
    budgetMs: httpRunBudgetMs,
    section: context.rotation,
    handle: async (call, part) => {
      const actor = await part.callers().trusted(call, part.settings.operatorRole);
      const request = (await call.json(rotationRequest)) ?? {};
      const summary = await part.service().run(request, { log: call.log, run: call, actor });
      if (summary.clients.every(({ outcome }) => outcome === 'busy')) {
        throw new AppError('busy', 'Another run is at work on the service clients. Try again in a minute.');
      }
      return { status: 200, body: summary };
    },
  });
}
