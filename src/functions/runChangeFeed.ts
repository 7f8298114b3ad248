// `POST /api/change-feed/runs`: pulls the change feed now.
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
      return { status: 200, body: await part.service().pull({ log: call.log, run: call }) };
    },
  });
}
