// Timer: finishes what the token service owes - revocations, deletions, and claims that nobody finished.
import { cleanUpBudgetMs } from '../platform/limits.ts';
import type { AppContext } from './context.ts';
import { timer } from './timer.ts';

export function cleanUpIdentities(context: AppContext): void {
  timer(context, {
    name: 'cleanUpIdentities',
    schedule: context.settings.schedules.cleanUpIdentities,
    section: context.communication,
    budgetMs: () => cleanUpBudgetMs,
    work: async (part, run, log) => {
      await part.service().cleanUp({ log, ...run });
    },
  });
}
