// One call of a function, in the order of the real worker: arguments, hooks before, handler, hooks after, response.
import { randomUUID } from 'node:crypto';
import type { AppCore, ProgrammingModel, RegisteredFunction } from './core.ts';
import { hookContext, runHooks, runLogHooks, type HookData } from './hooks.ts';
import { describeError, type Log, type LogLevel } from './log.ts';

export interface RetryContext {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  readonly exception: { readonly message: string };
}

export interface Call {
  readonly target: RegisteredFunction;
  /** The trigger's data in the worker's own form, by the name of its binding. */
  readonly input: { readonly name: string; readonly data: object };
  /** Stands in the log; never a URL with its query. */
  readonly reason: string;
  readonly retryContext?: RetryContext | undefined;
  /** W3C `traceparent` of the caller. */
  readonly traceParent?: string | undefined;
}

export interface InvokerOptions {
  readonly core: AppCore;
  readonly appHookData: object;
  readonly log: Log;
  /**
   * host.json's functionTimeout in milliseconds, or Infinity. The real host answers 500 some 12 seconds after it and
   * replaces the worker; a handler in our own process cannot be killed, so its caller gets the 500 at once and it runs on unheard.
   */
  readonly timeoutMs: number;
  /** Whether the host has anywhere to send traces: without that it hands none on (measured). */
  readonly traces: boolean;
  /** Told of what kills the real worker although it looks like an ordinary failure. */
  readonly onWorkerDeath: (error: Error) => void;
}

export interface Invoker {
  /** The return value in the worker's own form; rejects with what the function threw, or why the host gave it up. */
  run(call: Call): Promise<unknown>;
  /** Gives up every running call: what the real host does when its worker dies. */
  failAll(error: Error): void;
  /** Resolves when the calls that run now have ended. */
  idle(): Promise<void>;
}

interface CoreContext {
  readonly invocationId: string;
  readonly metadata: object;
  readonly request: object;
  state: 'preInvocationHooks' | 'postInvocationHooks' | 'invocation' | undefined;
  log(level: LogLevel, category: string, message: string): void;
}

export function createInvoker(options: InvokerOptions): Invoker {
  const running = new Map<Promise<unknown>, (error: Error) => void>();
  return {
    async run(call) {
      const givenUp = Promise.withResolvers<never>();
      const work = logged(call, options.log, async (id) => {
        const timer = rejectLate(givenUp.reject, call, id, options.timeoutMs);
        try {
          return await Promise.race([perform(call, id, options), givenUp.promise]);
        } finally {
          clearTimeout(timer);
        }
      });
      running.set(work, givenUp.reject);
      try {
        return await work;
      } finally {
        running.delete(work);
      }
    },
    failAll(error) {
      for (const giveUp of running.values()) giveUp(error);
    },
    async idle() {
      await Promise.allSettled(running.keys());
    },
  };
}

function rejectLate(reject: (error: Error) => void, call: Call, id: string, timeoutMs: number) {
  // A limit beyond what setTimeout takes (25 days) is none.
  if (timeoutMs >= 2 ** 31) return undefined;
  return setTimeout(() => {
    const name = `'Functions.${call.target.metadata.name}' (Id: '${id}')`;
    reject(new Error(`Timeout value of ${timeoutMs / 1000} s was exceeded by function ${name}.`));
  }, timeoutMs);
}

async function logged(call: Call, log: Log, work: (id: string) => Promise<unknown>): Promise<unknown> {
  const title = `'Functions.${call.target.metadata.name}'`;
  const category = `Function.${call.target.metadata.name}`;
  const id = randomUUID();
  const started = performance.now();
  const outcome = (word: string) =>
    `Executed ${title} (${word}, Id=${id}, Duration=${Math.round(performance.now() - started)}ms)`;
  log({ level: 'information', category, message: `Executing ${title} (Reason='${call.reason}', Id=${id})` });
  try {
    const value = await work(id);
    log({ level: 'information', category, message: outcome('Succeeded') });
    return value;
  } catch (error) {
    log({ level: 'error', category, message: `${outcome('Failed')}\n${describeError(error)}` });
    throw error;
  }
}

async function perform(call: Call, invocationId: string, options: InvokerOptions): Promise<unknown> {
  const scope = openScope(call, invocationId, options);
  try {
    return await inWorkerOrder(call, scope, options.core);
  } catch (error) {
    // Measured: the worker writes into every Error that reaches it, and a frozen one kills it.
    if (error instanceof Error && Object.isFrozen(error)) options.onWorkerDeath(error);
    throw error;
  } finally {
    scope.done = true;
  }
}

async function inWorkerOrder(call: Call, scope: Scope, core: AppCore): Promise<unknown> {
  const { coreContext, data } = scope;
  const model = modelOf(core, call).getInvocationModel(coreContext);
  const { context, inputs } = await model.getArguments();
  scope.invocationContext = context;
  coreContext.state = 'preInvocationHooks';
  const before = hookContext(data, {
    invocationContext: context,
    functionCallback: call.target.callback,
    inputs,
  });
  await runHooks(core, 'preInvocation', before);
  coreContext.state = 'invocation';
  const outcome = await settle(() => model.invokeFunction(context, before.inputs, before.functionCallback));
  coreContext.state = 'postInvocationHooks';
  const after = hookContext(data, { invocationContext: context, inputs: before.inputs, ...outcome });
  await runHooks(core, 'postInvocation', after);
  coreContext.state = undefined;
  // As in the worker a thrown null counts as no error, so its caller gets 204.
  if (after.error !== null && after.error !== undefined) throw after.error as Error;
  return (await model.getResponse(context, after.result)).returnValue;
}

async function settle(work: () => Promise<unknown>): Promise<{ result: unknown; error: unknown }> {
  try {
    return { result: await work(), error: null };
  } catch (error) {
    return { result: null, error };
  }
}

function modelOf(core: AppCore, call: Call): ProgrammingModel {
  const model = core.model();
  if (model === undefined)
    throw new Error(`'${call.target.metadata.name}' was registered without a programming model.`);
  return model;
}

interface Scope {
  readonly coreContext: CoreContext;
  readonly data: HookData;
  invocationContext: object | undefined;
  done: boolean;
}

function openScope(call: Call, invocationId: string, options: InvokerOptions): Scope {
  const { core, appHookData, log, traces } = options;
  const { metadata } = call.target;
  const data: HookData = { hookData: {}, appHookData };
  const coreContext: CoreContext = {
    invocationId,
    metadata,
    request: {
      inputData: [call.input],
      triggerMetadata: {},
      // The real host hands on a span of its own, a child of the caller's; this one makes no spans.
      traceContext: { traceParent: (traces && call.traceParent) || '', traceState: '', attributes: {} },
      retryContext: call.retryContext,
    },
    state: undefined,
    log(level, category, message) {
      // Measured: a line after the call's end is dropped; the library has already warned about it as `system`.
      if (scope.done && category === 'user') return;
      const own = { level, message, category, invocationContext: scope.invocationContext };
      const line = runLogHooks(core, data, own, log);
      log({
        level: line.level,
        category: `Function.${metadata.name}.${category === 'user' ? 'User' : 'System'}`,
        message: line.message,
      });
    },
  };
  const scope: Scope = { coreContext, data, invocationContext: undefined, done: false };
  return scope;
}
