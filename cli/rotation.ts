// `npm run rotation -- status|plan|run`: the rotation from a terminal, through the routes of the app.
import { systemClock } from '../src/platform/clock.ts';
import { processStreams, runCommand, UsageError } from './commandLine.ts';
import { readAccess } from './rotation/access.ts';
import { rotationCommand } from './rotation/command.ts';
import { help, readRotationOptions } from './rotation/options.ts';
import { callApp } from './rotation/service.ts';
import { ask, terminalOf } from './terminal.ts';

// `| head` reads no further than it likes: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runCommand(processStreams, async () => {
  const options = readRotationOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    processStreams.out(help);
    return 0;
  }
  const { request, command } = options;
  const terminal = terminalOf(process);
  const unusual = request.force === true || request.revoke !== undefined;
  if (command === 'run' && unusual && !options.yes && !terminal.asks)
    throw new UsageError('--yes: needed where nobody can be asked; plan shows what would be done.');
  const access = await readAccess(options.access, process.env);
  const interrupt = new AbortController();
  // The second Ctrl-C ends the process at once, as ever.
  process.once('SIGINT', () => {
    interrupt.abort();
  });
  return rotationCommand(options, {
    ...{ streams: processStreams, terminal, clock: systemClock, url: access.url },
    call: () => callApp(access, options, interrupt.signal),
    confirm: (question) => ask(question, interrupt).catch(() => false),
  });
});
