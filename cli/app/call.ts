// Calls a route of the app, and says in words what went wrong where the app itself did not.
import * as z from 'zod/mini';
import { withNewBearer, type Access } from './access.ts';
import type { AccessOptions } from './options.ts';

/** What the person at the terminal is told: `code` as in the problem details, or one of ours. */
export interface Trouble {
  readonly kind: 'failed' | 'usage' | 'unreachable' | 'busy' | 'interrupted';
  readonly code: string;
  readonly detail: string;
  readonly requestId?: string;
  /** What may mend it. */
  readonly advice?: string;
  /** The same question may be answered a little later. */
  readonly passes?: true;
}

export interface Troubled {
  readonly kind: 'trouble';
  readonly trouble: Trouble;
  /** The problem document as it came, where one did. */
  readonly text?: string;
}

/** `text` is the answer as it came. */
export type Answer<T> = { readonly kind: 'answer'; readonly value: T; readonly text: string } | Troubled;

export interface Call<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/`, encoded. */
  readonly path: string;
  /** As JSON, where there is one. */
  readonly body?: unknown;
  /** How long the answer may take. */
  readonly answerMs: number;
  /** What an answer of success holds. */
  readonly shape: z.ZodMiniType<T>;
  /** A status besides success whose answer may have that shape as well. */
  readonly orStatus?: number;
  /** What must be configured for the route to exist, as in `its rotation`. */
  readonly capability: string;
  /** What goes on, or does not, when the person at the terminal waits no longer. */
  readonly interruption: { readonly detail: string; readonly advice?: string };
}

/** Azure ends an answer at 230 s, and work over HTTP ends after 180 s; what is stored is quickly read. */
export const runAnswerMs = 240_000;
export const readAnswerMs = 30_000;

/** Calls the app as often as a command wants, with a new token where one that was good has expired since. */
export function createCaller(
  access: Access,
  options: AccessOptions,
  interrupted: AbortSignal,
): <T>(call: Call<T>) => Promise<Answer<T>> {
  let current = access;
  let wasGood = false;
  return async (call) => {
    const answer = await callApp(current, call, interrupted);
    if (answer.kind === 'answer') wasGood = true;
    if (answer.kind === 'answer' || !wasGood || answer.trouble.code !== 'unauthenticated') return answer;
    // What is wrong with the file or the command now is not what the person at the terminal asked about.
    current = await withNewBearer(current, options).catch(() => current);
    return callApp(current, call, interrupted);
  };
}

const problemShape = z.object({ code: z.string(), detail: z.string(), requestId: z.string() });

/** Never throws for what the network or the app does. */
export async function callApp<T>(
  { url, headers, signedIn }: Access,
  call: Call<T>,
  interrupted: AbortSignal,
): Promise<Answer<T>> {
  const { method, path, body, answerMs } = call;
  const init =
    body === undefined
      ? { method, headers }
      : { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const late = AbortSignal.timeout(answerMs);
  try {
    // A redirection is not followed: the key would travel along to wherever it leads.
    const reply = await fetch(`${url}/api/${path}`, {
      ...{ ...init, redirect: 'manual' },
      signal: AbortSignal.any([interrupted, late]),
    });
    return judge(reply.status, await reply.text(), call, signedIn);
  } catch (error) {
    if (interrupted.aborted)
      return { kind: 'trouble', trouble: { kind: 'interrupted', code: 'interrupted', ...call.interruption } };
    const why = late.aborted ? `no answer within ${answerMs / 1000} s` : reasonOf(error);
    return troubled('unreachable', `${url} could not be reached (${why}).`, true);
  }
}

/** The code alone: what a library says of a request may hold its headers. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : 'the connection failed';
}

/** Not an answer of the app. */
function troubled(code: string, detail: string, passes = false): Troubled {
  return {
    kind: 'trouble',
    trouble: { kind: 'unreachable', code, detail, ...(passes ? { passes } : {}) },
  };
}

function judge<T>(
  status: number,
  text: string,
  { shape, capability, orStatus }: Call<T>,
  signedIn: boolean,
): Answer<T> {
  const json = parsed(text);
  const good = status === 200 || status === 202;
  if (good || status === orStatus) {
    const answer = shape.safeParse(json);
    if (answer.success) return { kind: 'answer', value: answer.data, text };
    if (good)
      return troubled('unexpected_answer', 'The answer is not one of this app: is the url its address?');
  }
  const problem = problemShape.safeParse(json);
  if (!problem.success) return byHost(status, capability);
  const { code, detail, requestId } = problem.data;
  const trouble: Trouble = {
    ...{ kind: kindOf(status, code), code, detail, requestId },
    ...adviceFor(code, signedIn),
    ...(status >= 500 || status === 429 ? { passes: true } : {}),
  };
  return { kind: 'trouble', text, trouble };
}

function adviceFor(code: string, signedIn: boolean): Pick<Trouble, 'advice'> {
  if (code === 'unauthenticated' && !signedIn)
    return { advice: 'The app asks for an operator: --bearer-command or --bearer-file.' };
  if (code === 'misconfigured')
    return {
      advice:
        'Its log names the settings, at each start: "Settings with problems". So does npm run doctor -- --settings <path>.',
    };
  if (code !== 'forbidden') return {};
  // An access token keeps the roles of the moment in which it was issued, and sign-in tools keep the token.
  const role = 'AUTH_OPERATOR_ROLE of the app names the role; docs/operate.md says how one is given it';
  return { advice: `${role}. After that sign in anew: a token from before lacks it.` };
}

function kindOf(status: number, code: string): Trouble['kind'] {
  if (code === 'busy') return 'busy';
  if (status === 401 || status === 403) return 'unreachable';
  return status < 500 && status !== 409 && status !== 429 ? 'usage' : 'failed';
}

/** Answers without problem details come from the host, or from whatever stands in front of it. */
function byHost(status: number, capability: string): Troubled {
  switch (status) {
    case 401:
      return troubled(
        'key_refused',
        'The host refuses the function key (401): set FUNCTION_KEY to a key of this app.',
      );
    case 403:
      return troubled(
        'not_allowed',
        'Access is refused before the app is asked (403): network restrictions?',
      );
    case 404:
      return troubled(
        'no_route',
        `There is no such route (404): is the url that of the app, and is ${capability} configured?`,
      );
    default:
      return status >= 300 && status < 400
        ? troubled('redirected', `The url leads somewhere else (${status}): expected the app itself.`)
        : troubled(
            'host_failed',
            `The host answers ${status}: the app does not run, or it is not this app.`,
            true,
          );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
