// A small Functions host in this process: loads the built bundle unchanged, serves its routes and fires its timers.
import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { startApp, type App } from './app.ts';
import type { HostFunction } from './catalog.ts';
import { createFront, type Front } from './front.ts';
import { createInvoker, type Invoker } from './invoke.ts';
import type { HostKeys } from './keys.ts';
import { describeError, type Log } from './log.ts';
import { readHostJson, type CorsSettings } from './settings.ts';
import { createTimer, type HostTimer } from './timers.ts';

export interface HostOptions {
  /** The folder with host.json and package.json. It can be loaded once per process: Node keeps a loaded module. */
  readonly appDirectory: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly hostname?: string;
  /** Without keys none is asked for, as with Core Tools. */
  readonly keys?: HostKeys | undefined;
  readonly cors?: CorsSettings | undefined;
  /** Where `%SETTING%` and `AzureWebJobs_<name>_Disabled` are looked up; the app itself reads `process.env`. */
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Log;
  /** Called at the third crash within 30 minutes, when the real host ends with code 0. */
  readonly onGivenUp?: () => void;
}

/** What parents, tests and people may know of a function that is not in error. */
export interface FunctionInfo {
  readonly name: string;
  readonly type: HostFunction['type'];
  readonly disabled: boolean;
  /** HTTP only. */
  readonly methods?: readonly string[];
  readonly authLevel?: string;
  readonly route?: string;
  /** HTTP only: the route's template behind the host's address and prefix. */
  readonly url?: string;
  /** Timers only, as registered. */
  readonly schedule?: string;
}

export interface Host {
  readonly url: string;
  readonly state: App['state'];
  readonly functions: readonly FunctionInfo[];
  /** One run of a timer as its schedule makes it; resolves to whether it succeeded. Rejects for an unknown name. */
  fireTimer(name: string): Promise<boolean>;
  /**
   * Tell the host of an error thrown outside any call. Like the real one it answers 500 to every running call; but where
   * the real one starts a new worker, here the app's module state lives on.
   */
  readonly crash: (error: unknown) => void;
  /** Takes no new connection, lets running calls end (30 seconds at most), runs the appTerminate hooks. */
  stop(): Promise<void>;
}

const crashWindowMs = 30 * 60_000;
const fatalCrash = 3;
const stopLimitMs = 30_000;

/**
 * Rejects when the port cannot be had (Node's `EADDRINUSE`), host.json is bad, or the app cannot be started (see `app.ts`);
 * an app that throws while loading does not count as that: its host runs, without functions.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const settings = readHostJson(options.appDirectory);
  const app = await startApp({ ...options, routePrefix: settings.routePrefix });
  const { functions } = app.catalog;
  const { invoker, crash } = createWorker(app, settings.functionTimeoutMs, options);
  const timers = functions.flatMap((one) => (one.type === 'timerTrigger' ? [createTimer(one, invoker)] : []));
  const started = performance.now();
  const front = createFront({
    keys: options.keys,
    cors: options.cors,
    customHeaders: settings.customHeaders,
    functions,
    invoker,
    healthy: app.state === 'Running',
    welcomePage: options.environment['AzureWebJobsDisableHomepage'] !== 'true',
    admin: {
      status: () => ({ state: app.state, processUptime: Math.round(performance.now() - started) }),
      runNow: (name) => runNow(name, functions, timers, options.log),
    },
  });
  const url = await listen(front.server, options.port, options.hostname ?? '127.0.0.1');
  for (const timer of timers) timer.start();
  return {
    url,
    state: app.state,
    functions: functions.map((one) => describe(one, `${url}/${settings.routePrefix}`)),
    fireTimer: (name) => fireTimer(name, timers),
    crash,
    stop: () => stop(front, timers, invoker, app),
  };
}

async function fireTimer(name: string, timers: readonly HostTimer[]): Promise<boolean> {
  const timer = timers.find((one) => one.name === name);
  if (timer === undefined) throw new RangeError(`There is no timer function '${name}'.`);
  return timer.fire();
}

async function stop(front: Front, timers: readonly HostTimer[], invoker: Invoker, app: App): Promise<void> {
  for (const timer of timers) timer.stop();
  front.server.close();
  const ended = Promise.all([front.answered(), invoker.idle()]);
  await Promise.race([ended, delay(stopLimitMs, undefined, { ref: false })]);
  // A connection on which nothing was asked, such as a browser opens in advance, would hold the server open.
  front.server.closeAllConnections();
  await app.terminate();
}

function createWorker(app: App, timeoutMs: number, { log, onGivenUp, environment }: HostOptions) {
  const traces = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'APPLICATIONINSIGHTS_CONNECTION_STRING'].some(
    (name) => environment[name],
  );
  let crashes: number[] = [];
  function crash(error: unknown): void {
    log({ level: 'error', category: 'Host', message: `The worker crashed.\n${describeError(error)}` });
    invoker.failAll(new Error('The worker crashed while this function ran.'));
    crashes = [...crashes.filter((at) => at > Date.now() - crashWindowMs), Date.now()];
    if (crashes.length >= fatalCrash) onGivenUp?.();
  }
  const invoker: Invoker = createInvoker({ ...app, log, timeoutMs, traces, onWorkerDeath: crash });
  return { invoker, crash };
}

/** False for an unknown name. Measured: 202 at once, the run goes on in the background. */
function runNow(
  name: string,
  functions: readonly HostFunction[],
  timers: readonly HostTimer[],
  log: Log,
): boolean {
  const same = (one: { readonly name: string }) => one.name.toLowerCase() === name.toLowerCase();
  const timer = timers.find(same);
  if (timer !== undefined) void timer.runNow();
  else if (functions.some(same)) {
    log({
      level: 'error',
      category: 'Host',
      message: `'${name}' has an HTTP trigger: the local host runs it by its URL only.`,
    });
  } else return false;
  return true;
}

function describe(one: HostFunction, base: string): FunctionInfo {
  const { name, type, disabled } = one;
  if (one.type === 'timerTrigger') return { name, type, disabled, schedule: one.scheduleText };
  const { methods, authLevel, route } = one;
  return { name, type, disabled, methods, authLevel, route, url: `${base.replace(/\/$/, '')}/${route}` };
}

function listen(server: Server, port: number, hostname: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, hostname, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The host has no TCP address.'));
      else resolve(`http://${hostname}:${address.port}`);
    });
  });
}
