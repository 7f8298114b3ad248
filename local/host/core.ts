// The `@azure/functions-core` that the real worker supplies: registration, hooks, and the programming model it is given.
import { createRequire, Module } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log, LogLevel } from './log.ts';

export interface Binding {
  readonly type: string;
  readonly direction: string;
  readonly [option: string]: unknown;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly retryOptions?: RetryOptions | undefined;
}

/** As the library hands it over; the intervals are in whole seconds. */
export interface RetryOptions {
  readonly retryStrategy?: 'fixedDelay' | 'exponentialBackoff';
  /** -1: for ever. */
  readonly maxRetryCount?: number;
  readonly delayInterval?: { readonly seconds: number };
  readonly minimumInterval?: { readonly seconds: number };
  readonly maximumInterval?: { readonly seconds: number };
}

export type FunctionCallback = (...args: unknown[]) => unknown;
export type HookCallback = (context: object) => unknown;

/** What the library makes of one call; see `invoke.ts` for the order in which the worker uses it. */
export interface InvocationModel {
  getArguments(): Promise<{ context: object; inputs: unknown[] }>;
  invokeFunction(context: object, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: object, result: unknown): Promise<{ returnValue?: unknown }>;
}

export interface ProgrammingModel {
  getInvocationModel(coreContext: object): InvocationModel;
  getCapabilities(capabilities: object): Promise<Record<string, unknown>>;
}

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];

export interface AppCore {
  /** What `require('@azure/functions-core')` answers. */
  readonly api: object;
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  readonly hooks: (name: HookName) => readonly HookCallback[];
  readonly model: () => ProgrammingModel | undefined;
  /** From here on a registration throws, as after the real worker's start-up. */
  readonly lock: () => void;
}

class Disposable {
  readonly dispose: () => unknown;
  constructor(dispose: () => unknown) {
    this.dispose = dispose;
  }
}

const systemError = <E extends Error>(error: E) =>
  Object.assign(error, { isAzureFunctionsSystemError: true });

export function createCore(log: Log): AppCore {
  const functions = new Map<string, RegisteredFunction>();
  let programmingModel: ProgrammingModel | undefined;
  let locked = false;

  function registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
    if (locked) throw systemError(new Error('A function can only be registered during app startup.'));
    if (functions.has(metadata.name)) {
      throw systemError(new Error(`A function with name "${metadata.name}" has already been registered.`));
    }
    functions.set(metadata.name, { metadata, callback });
    return new Disposable(() => functions.delete(metadata.name));
  }

  const { hooks, registerHook } = createHooks();
  const api = {
    version: '3.9.1',
    hostVersion: '4.1037.0.0',
    Disposable,
    registerFunction,
    registerHook,
    setProgrammingModel(model: ProgrammingModel) {
      programmingModel = model;
    },
    getProgrammingModel: () => programmingModel,
    log(level: LogLevel, _category: string, message: string) {
      log({ level, category: 'Worker', message });
    },
  };
  const lock = () => {
    locked = true;
  };
  return { api, functions, hooks, model: () => programmingModel, lock };
}

function createHooks() {
  const lists = new Map<string, HookCallback[]>(hookNames.map((name) => [name, []]));
  return {
    hooks: (name: HookName) => lists.get(name) ?? [],
    registerHook: (name: string, callback: HookCallback): Disposable => {
      const list = lists.get(name);
      if (list === undefined) throw systemError(new RangeError(`Unrecognized hook "${name}"`));
      list.push(callback);
      return new Disposable(() =>
        lists.set(name, lists.get(name)?.filter((other) => other !== callback) ?? []),
      );
    },
  };
}

let served: object | undefined;

/**
 * Loads the file that `main` of the folder's package.json names, with `core` as its `@azure/functions-core`.
 * Throws what the file throws. Node keeps a loaded module: a folder can be loaded once per process.
 */
export function loadApp(appDirectory: string, core: AppCore): void {
  const packageFile = join(appDirectory, 'package.json');
  const { main } = JSON.parse(readFileSync(packageFile, 'utf8')) as { main?: unknown };
  if (typeof main !== 'string') throw new Error(`${packageFile}: expected "main" to name the app's bundle.`);
  serveCore(core.api);
  createRequire(packageFile)(`./${main}`);
}

/** The real worker wraps the same function; it stays wrapped, because the library may ask as late as in a handler. */
function serveCore(api: object): void {
  if (served === undefined) {
    const loader: { require: (this: unknown, id: string) => unknown } = Module.prototype;
    const original = loader.require;
    loader.require = function (id) {
      return id === '@azure/functions-core' ? served : original.call(this, id);
    };
  }
  served = api;
}
