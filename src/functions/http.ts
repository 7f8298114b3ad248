// Registers HTTP functions: the time for a call, the problem details of an error, and the headers of every answer of ours.
import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import type { Answer, Call } from '../platform/call.ts';
import type { Clock } from '../platform/clock.ts';
import { AppError, isAppError } from '../platform/errors.ts';
import { httpAnswerGraceMs, httpCallBudgetMs } from '../platform/limits.ts';
import { createLog, describeError, type Log } from '../platform/log.ts';
import { toProblem } from '../platform/problem.ts';
import { withinBudget } from '../platform/run.ts';
import type { Section } from '../platform/settings/types.ts';
import type { Invocation, InvocationEnd, Telemetry } from '../platform/telemetry.ts';
import type { AppContext } from './context.ts';
import { refuseBody, toCall } from './httpCall.ts';

export interface Endpoint<T> {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly route: string;
  readonly authLevel: 'anonymous' | 'function';
  /** Time for one call, milliseconds. */
  readonly budgetMs?: number;
  /** Off: not registered. Misconfigured: every call is answered 503. */
  readonly section: Section<T>;
  readonly handle: (call: Call, part: T) => Promise<Answer>;
}

const ours = { 'Cache-Control': 'no-store' };

export function http<T>(context: AppContext, endpoint: Endpoint<T>): void {
  if (endpoint.section.state === 'off') return;
  const { name, method, route, authLevel } = endpoint;
  app.http(name, {
    methods: [method],
    route,
    authLevel,
    handler: (request, invocation) =>
      context.telemetry.invocation(
        { ...aboutOf(invocation), http: { method, route } },
        () => answer(context, endpoint, request, invocation),
        endOf,
      ),
  });
}

/** Always an answer of ours: the host turns a throw into an empty 500 and nothing into a 204 (measured). */
async function answer<T>(
  context: AppContext,
  endpoint: Endpoint<T>,
  request: HttpRequest,
  invocation: InvocationContext,
): Promise<HttpResponseInit> {
  const { clock, shutdown } = context;
  const requestId = invocation.invocationId;
  const log = invocationLog(invocation, context.telemetry);
  try {
    const frame = { requestId, budgetMs: endpoint.budgetMs ?? httpCallBudgetMs, clock, shutdown };
    const { status, body, location } = await withinBudget(frame, async (run) => {
      refuseBody(request);
      if (endpoint.section.state !== 'on') throw misconfigured();
      return inTime(
        run.signal,
        clock,
        endpoint.handle(toCall(request, endpoint.route, run, log), endpoint.section.value),
      );
    });
    const headers = { ...ours, ...(location === undefined ? {} : { Location: location }) };
    return { status, headers, ...(body === undefined ? {} : { jsonBody: body }) };
  } catch (error) {
    const problem = toProblem(error, requestId);
    logFailure(log, problem.status, error);
    return { status: problem.status, headers: { ...ours, ...problem.headers }, jsonBody: problem.body };
  }
}

/** What telemetry is told of any invocation. */
export function aboutOf({ functionName, invocationId, traceContext }: InvocationContext): Invocation {
  return { name: functionName, requestId: invocationId, traceParent: traceContext?.traceParent };
}

function endOf({ status = 200 }: HttpResponseInit): InvocationEnd {
  return { status, outcome: status >= 500 ? 'failed' : status >= 400 ? 'refused' : 'ok' };
}

/** Names no setting: that is for the log and the details of the health route. */
function misconfigured(): AppError {
  return new AppError('misconfigured', 'This part of the service is not configured correctly.');
}

/**
 * When the time of a call is used up, what it was waiting for is an upstream that did not answer. Work that does not stop
 * when it is told to goes on unheard: the caller is answered all the same.
 */
async function inTime<T>(signal: AbortSignal, clock: Clock, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = aborted(signal, done.signal).then(async () => {
    await clock.sleep(httpAnswerGraceMs, done.signal);
    throw timeout(signal.reason);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    if (!signal.aborted || isAppError(error)) throw error;
    throw timeout(error);
  } finally {
    late.catch(() => undefined);
    done.abort();
  }
}

/** `done` takes the listener away: with one, the signal of each call would live as long as the shutdown's. */
function aborted(signal: AbortSignal, done: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    const listener = (): void => {
      resolve();
    };
    signal.addEventListener('abort', listener, { once: true, signal: done });
  });
}

function timeout(cause: unknown): AppError {
  return new AppError('upstream_timeout', 'A service behind this app did not answer in time.', { cause });
}

function logFailure(log: Log, status: number, error: unknown): void {
  const fields = { status, ...(isAppError(error) ? { code: error.code } : {}), ...describeError(error) };
  if (status >= 500) log.error('call_failed', fields);
  else log.info('call_refused', fields);
}

/** Log lines of one invocation, each with its request id; telemetry hears of each. */
export function invocationLog(invocation: InvocationContext, telemetry: Telemetry): Log {
  return createLog(
    {
      info: (line) => {
        invocation.info(line);
      },
      warn: (line) => {
        invocation.warn(line);
      },
      error: (line) => {
        invocation.error(line);
      },
    },
    { function: invocation.functionName, requestId: invocation.invocationId },
    telemetry.event,
  );
}
