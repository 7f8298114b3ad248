// Timer: pulls the change feed of each DICOM service and delivers what is new.
import { failed } from '../changeFeed/changeFeed.ts';
import { AppError } from '../platform/errors.ts';
import type { AppContext } from './context.ts';
import { timer } from './timer.ts';

export function pullChangeFeed(context: AppContext): void {
  timer(context, {
    name: 'pullChangeFeed',
    schedule: context.settings.schedules.pullChangeFeed,
    section: context.changeFeed,
    budgetMs: ({ settings }) => settings.budgetSeconds * 1000,
    work: async (part, run, log) => {
      const summary = await part.service().pull({ log, run });
      if (failed(summary))
        throw new AppError('upstream_failed', 'A pull failed; its report says why: GET /api/change-feed.');
    },
  });
}
