// Runs a command until it ends or is interrupted, and closes what it opened, in the reverse order, once.
import { PortError } from './ports.ts';

/** Why a local run cannot start or go on, in words for the person who started it. */
export class StartError extends Error {}

export class Open {
  readonly #closers: (() => Promise<void> | void)[] = [];
  #closing: Promise<void> | undefined;

  push(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const close of this.#closers.toReversed()) await close();
    })();
    return this.#closing;
  }
}

/** Reads what a person wrote, such as an option or a file; what it throws is shown to that person, without a stack. */
export function readForPeople<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Error ? new StartError(error.message, { cause: error }) : error;
  }
}

/**
 * Runs `work`, which answers why it ended. The first Ctrl-C (or SIGTERM) closes everything and exits with 0, the second
 * exits at once with 130. A closed terminal closes everything too. An end or a failure of the work itself exits with 1 after
 * closing.
 */
export async function runUntilInterrupted(work: (open: Open) => Promise<string>): Promise<void> {
  const open = new Open();
  let interrupted = false;
  const wasInterrupted = (): boolean => interrupted;
  const close = (): void => {
    interrupted = true;
    void open.close().then(() => process.exit(0));
  };
  const interrupt = (): void => {
    if (interrupted) {
      console.log('Stopping at once.');
      process.exit(130);
    }
    console.log('\nStopping … (Ctrl-C again does not wait)');
    close();
  };
  const hangUp = (): void => {
    if (!interrupted) close();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  process.on('SIGHUP', hangUp);
  // Nobody reads on: without a listener the next line that is printed would end this process before it has closed anything.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', hangUp);
  const ending = await work(open).catch(explain);
  // While it is being stopped, what the work ran into is of no interest.
  if (wasInterrupted()) return;
  console.error(ending);
  await open.close();
  process.exit(1);
}

function explain(error: unknown): string {
  if (error instanceof StartError || error instanceof PortError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
