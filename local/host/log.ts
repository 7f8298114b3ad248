// The host's log lines: what may be said about a request or a run, and how Core Tools prints it.

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

export interface LogLine {
  readonly level: LogLevel;
  /** `Host.…` for the host itself, `Function.<name>` around a call, `Function.<name>.User` for the app's own lines. */
  readonly category: string;
  readonly message: string;
}

export type Log = (line: LogLine) => void;

const hidden: ReadonlySet<LogLevel> = new Set(['trace', 'debug', 'none']);

/** Prints `[time] message`, without debug and trace, which the real host hides by default. */
export function coreToolsLog(write: (text: string) => void): Log {
  return ({ level, message }) => {
    if (!hidden.has(level)) write(`[${new Date().toISOString()}] ${message}\n`);
  };
}

/** The stack of an Error, or what was thrown, as text. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return error.stack ?? `${error.name}: ${error.message}`;
  return String(error);
}

/** One line about an error, without its stack. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
