// `npm run feed -- status|run|replay|cancel|redrive|set-cursor`: the change feed from a terminal, through the routes of the app.
import { runAppCommand } from './app/entry.ts';
import { feedCommand } from './feed/command.ts';
import { help } from './feed/help.ts';
import { readFeedOptions } from './feed/options.ts';

await runAppCommand({
  help,
  read: readFeedOptions,
  unconfirmed: (options) =>
    options.command === 'set-cursor' && !options.yes
      ? 'needed for set-cursor where nobody can be asked'
      : undefined,
  run: feedCommand,
});
