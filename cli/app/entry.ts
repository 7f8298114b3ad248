// The process of a command that talks to the app: its options, its streams, its access, and Ctrl-C.
import { systemClock } from '../../src/platform/clock.ts';
import { processStreams, runCommand, UsageError } from '../commandLine.ts';
import { ask, terminalOf } from '../terminal.ts';
import { readAccess } from './access.ts';
import type { Around } from './around.ts';
import { createCaller } from './call.ts';
import type { AccessOptions, Environment } from './options.ts';

export interface AppCommand<Options> {
  readonly help: string;
  readonly read: (args: readonly string[], environment: Environment) => Options | 'help';
  /** What is said after `--yes: ` where the options need a confirmation and nobody can be asked; undefined where they do not. */
  readonly unconfirmed: (options: Options) => string | undefined;
  /** Does what needs no app, and answers the exit code; undefined where the app is to be called. */
  readonly here?: (options: Options) => Promise<number> | undefined;
  readonly run: (options: Options, around: Around) => Promise<number>;
}

/** Runs the command as this process, which ends with the exit code that it answers. */
export async function asProcess(command: () => Promise<number>): Promise<void> {
  // `| head` reads no further than it likes: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.exitCode = await runCommand(processStreams, command);
}

/** Runs a command of the app as this process. */
export async function runAppCommand<Options extends { readonly access: AccessOptions }>({
  help,
  read,
  unconfirmed,
  here,
  run,
}: AppCommand<Options>): Promise<void> {
  await asProcess(async () => {
    const options = read(process.argv.slice(2), process.env);
    if (options === 'help') {
      processStreams.out(help);
      return 0;
    }
    const terminal = terminalOf(process);
    const needed = unconfirmed(options);
    if (needed !== undefined && !terminal.asks) throw new UsageError(`--yes: ${needed}`);
    const done = here?.(options);
    if (done) return done;
    const access = await readAccess(options.access, process.env);
    const interrupt = new AbortController();
    // The second Ctrl-C ends the process at once, as ever.
    process.once('SIGINT', () => {
      interrupt.abort();
    });
    return run(options, {
      ...{ streams: processStreams, terminal, clock: systemClock, url: access.url },
      call: createCaller(access, options.access, interrupt.signal),
      confirm: (question) => ask(question, interrupt).catch(() => false),
      interrupted: interrupt.signal,
    });
  });
}
