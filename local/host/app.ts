// The app as the host sees it after start-up: loaded, its start hooks run, its functions described or said to be in error.
import { setImmediate } from 'node:timers/promises';
import { describeFunctions, type Catalog } from './catalog.ts';
import { createCore, loadApp, type AppCore } from './core.ts';
import { hookContext, runHooks, type HookData } from './hooks.ts';
import { describeError, errorMessage, type Log } from './log.ts';

export interface App {
  readonly core: AppCore;
  readonly catalog: Catalog;
  readonly state: 'Running' | 'Error';
  readonly appHookData: object;
  /** Runs the appTerminate hooks; one that throws is logged. */
  terminate(): Promise<void>;
}

export interface AppOptions {
  readonly appDirectory: string;
  readonly routePrefix: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** Rejects when an appStart hook throws or the app asks for HTTP streaming; what the app does wrong otherwise is logged. */
export async function startApp({ appDirectory, routePrefix, environment, log }: AppOptions): Promise<App> {
  const core = createCore(log);
  const loaded = load(appDirectory, core, log);
  core.lock();
  // Node reports a promise that was rejected while loading only now, and that must be before the host serves anything.
  await setImmediate();
  const capabilities = (await core.model()?.getCapabilities({})) ?? {};
  if ('HttpUri' in capabilities) throw new Error('The local host does not support enableHttpStream.');
  const data: HookData = { hookData: {}, appHookData: {} };
  await runHooks(core, 'appStart', hookContext(data, { functionAppDirectory: appDirectory }));
  const registered = loaded ? core.functions.values() : [];
  return {
    core,
    ...describeApp(() => describeFunctions(registered, { routePrefix, environment }), log),
    appHookData: data.appHookData,
    async terminate() {
      try {
        await runHooks(core, 'appTerminate', hookContext(data, {}));
      } catch (error) {
        log({
          level: 'error',
          category: 'Host',
          message: `An appTerminate hook threw.\n${describeError(error)}`,
        });
      }
    },
  };
}

/** Measured: the host of an app that throws while loading, or has no bundle, runs on with no function and one error line. */
function load(appDirectory: string, core: AppCore, log: Log): boolean {
  try {
    loadApp(appDirectory, core);
    return true;
  } catch (error) {
    log({
      level: 'error',
      category: 'Host',
      message: `The app could not be loaded.\n${describeError(error)}`,
    });
    return false;
  }
}

function describeApp(describe: () => Catalog, log: Log): Pick<App, 'catalog' | 'state'> {
  try {
    const catalog = describe();
    for (const { name, reason } of catalog.inError) {
      log({ level: 'error', category: 'Host', message: `The '${name}' function is in error: ${reason}` });
    }
    return { catalog, state: 'Running' };
  } catch (error) {
    log({ level: 'error', category: 'Host', message: errorMessage(error) });
    return { catalog: { functions: [], inError: [] }, state: 'Error' };
  }
}
