// What hooks receive: the two read-only bags of data that the worker shares between them, and the log hook's say over a line.
import type { AppCore } from './core.ts';
import { errorMessage, type Log, type LogLevel } from './log.ts';

export interface HookData {
  /** Shared by the hooks of one call, or by appStart and appTerminate. */
  readonly hookData: object;
  /** Shared by all hooks of the app. */
  readonly appHookData: object;
}

/** Adds the bags to a hook's own context; like the worker's they cannot be replaced, only filled. */
export function hookContext<T extends object>(data: HookData, own: T): T {
  const fixed = (value: object) => ({ value, enumerable: true, writable: false });
  return Object.defineProperties(own, {
    hookData: fixed(data.hookData),
    appHookData: fixed(data.appHookData),
  });
}

/** Runs the hooks one after another in the order of their registration; the first that throws ends it. */
export async function runHooks(
  core: AppCore,
  name: 'appStart' | 'appTerminate' | 'preInvocation' | 'postInvocation',
  context: object,
): Promise<void> {
  for (const hook of core.hooks(name)) await hook(context);
}

export interface AppLine {
  level: LogLevel;
  message: string;
  readonly category: string;
  readonly invocationContext: object | undefined;
}

/** Log hooks may change level and message of a line; one that throws is reported and changes nothing. */
export function runLogHooks(core: AppCore, data: HookData, line: AppLine, log: Log): AppLine {
  const context = hookContext(data, line);
  for (const hook of core.hooks('log')) {
    try {
      hook(context);
    } catch (error) {
      log({ level: 'error', category: 'Worker', message: `A log hook threw: ${errorMessage(error)}` });
    }
  }
  return context;
}
