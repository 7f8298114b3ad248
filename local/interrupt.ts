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

/**
 * Runs `work`, which answers why it ended. The first Ctrl-C (or SIGTERM) closes everything and exits with 0, the second
 * exits at once with 130. An end or a failure of the work itself exits with 1 after closing.
 */
export async function runUntilInterrupted(work: (open: Open) => Promise<string>): Promise<void> {
  const open = new Open();
  let interrupted = false;
  const wasInterrupted = (): boolean => interrupted;
  const interrupt = (): void => {
    if (interrupted) {
      console.log('Stopping at once.');
      process.exit(130);
    }
    interrupted = true;
    console.log('\nStopping … (Ctrl-C again does not wait)');
    void open.close().then(() => process.exit(0));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
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
