// Timer: renews the secrets of the service clients before they expire.
import { AppError } from '../platform/errors.ts';
import { rotationBudgetMs } from '../platform/limits.ts';
import { failed } from '../rotation/rotation.ts';
import type { AppContext } from './context.ts';
import { timer } from './timer.ts';

export function rotateSecrets(context: AppContext): void {
  timer(context, {
    name: 'rotateSecrets',
    schedule: context.settings.schedules.rotateSecrets,
    section: context.rotation,
    budgetMs: () => rotationBudgetMs,
    work: async (part, run, log) => {
      const summary = await part.service().run({}, { log, run, actor: 'timer' });
      if (failed(summary))
        throw new AppError('upstream_failed', 'A rotation failed; its report says why: GET /api/rotations.');
    },
  });
}
