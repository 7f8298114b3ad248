// Serves a `@azure/functions-core` to the Functions library, so that tests can see what is registered and call it.
import type * as library from '@azure/functions';
import type { HttpMethod, HttpResponseInit } from '@azure/functions';
import { createRequire, Module } from 'node:module';
import { createCore, type RegisteredFunction } from '../../local/host/core.ts';
import type { AppContext } from '../../src/functions/context.ts';
import { HealthBoard } from '../../src/platform/health.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import { noTelemetry } from '../../src/platform/telemetry.ts';
import { ManualClock } from '../support/clock.ts';

const core = createCore(() => undefined);
const loader: { require: (this: unknown, id: string) => unknown } = Module.prototype;
const original = loader.require;
loader.require = function (id) {
  return id === '@azure/functions-core' ? core.api : original.call(this, id);
};
// Only from here on does the library find its core. As CommonJS: Node 22 does not find these names in an import (measured).
const { HttpRequest, HttpResponse, InvocationContext } = createRequire(import.meta.url)(
  '@azure/functions',
) as typeof library;
export const { http } = await import('../../src/functions/http.ts');
export const { timer } = await import('../../src/functions/timer.ts');
export const { startTelemetry } = await import('../../src/functions/telemetry.ts');

export interface TestContext extends AppContext {
  readonly clock: ManualClock;
  readonly stop: AbortController;
}

/** A context in which nothing is configured, with a clock of its own. */
export function testContext(environment: Readonly<Record<string, string>> = {}): TestContext {
  const clock = new ManualClock();
  const stop = new AbortController();
  const off = { state: 'off' } as const;
  return {
    ...{
      settings: parseSettings(environment),
      clock,
      stop,
      shutdown: stop.signal,
      health: new HealthBoard(clock),
      telemetry: noTelemetry,
    },
    operators: { state: 'off' },
    ...{ communication: off, rotation: off, changeFeed: off },
  };
}

/** What the app has the worker do then, the latest last. */
export const { hooks } = core;

export function registered(name: string): RegisteredFunction | undefined {
  return core.functions.get(name);
}

export interface Sent {
  readonly method?: HttpMethod;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly params?: Readonly<Record<string, string>>;
}

export interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** What the invocation logged, one line each. */
  readonly log: readonly string[];
}

function invocation(name: string): { context: InstanceType<typeof InvocationContext>; log: string[] } {
  const log: string[] = [];
  const context = new InvocationContext({
    functionName: name,
    invocationId: 'invocation-1',
    logHandler: (level, ...words) => log.push(`${level} ${words.join(' ')}`),
  });
  return { context, log };
}

/** Calls a registered HTTP function with a real request and renders its answer as the library does. */
export async function call(
  name: string,
  { method = 'POST', url, headers, body, params }: Sent = {},
): Promise<Received> {
  const request = new HttpRequest({
    ...{
      method,
      url: url ?? 'http://localhost:7071/api/things',
      headers: { ...headers },
      params: { ...params },
    },
    ...(body === undefined ? {} : { body: { string: body } }),
  });
  const { context, log } = invocation(name);
  const answer = (await registered(name)?.callback(request, context)) as HttpResponseInit;
  const response = new HttpResponse(answer);
  return { status: response.status, headers: response.headers, text: await response.text(), log };
}

/** Runs a registered timer once; what it throws comes back as `error`. */
export async function fire(name: string): Promise<{ error: unknown; log: readonly string[] }> {
  const { context, log } = invocation(name);
  try {
    await registered(name)?.callback({ isPastDue: false, schedule: { adjustForDST: true } }, context);
    return { error: undefined, log };
  } catch (error) {
    return { error, log };
  }
}
