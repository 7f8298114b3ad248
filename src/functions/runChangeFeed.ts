// `POST /api/change-feed/runs`: pulls the change feed now.
import { AppError } from '../platform/errors.ts';
import { httpRunBudgetMs } from '../platform/limits.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function runChangeFeed(context: AppContext): void {
  http(context, {
    name: 'runChangeFeed',
    method: 'POST',
    route: 'change-feed/runs',
    authLevel: 'function',
    budgetMs: httpRunBudgetMs,
    section: context.changeFeed,
    handle: async (call, part) => {
      await part.callers().trusted(call, part.settings.operatorRole);
      const summary = await part.service().pull({ log: call.log, run: call });
      if (summary.services.every(({ outcome }) => outcome === 'busy')) {
        throw new AppError('busy', 'Another run is pulling already. Try again when it has ended.');
      }
      return { status: 200, body: summary };
    },
  });
}
