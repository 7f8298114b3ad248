// `npm run rotation -- status|plan|run`: the rotation from a terminal, through the routes of the app.
import { runAppCommand } from './app/entry.ts';
import { rotationCommand } from './rotation/command.ts';
import { help, isUnusual, readRotationOptions } from './rotation/options.ts';

await runAppCommand({
  help,
  read: readRotationOptions,
  unconfirmed: (options) =>
    isUnusual(options) && !options.yes
      ? 'needed where nobody can be asked; plan shows what would be done.'
      : undefined,
  run: rotationCommand,
});
