// Calls the routes of the rotation, and says in words what went wrong where the app itself did not.
import * as z from 'zod/mini';
import { reportShape, type RotationReport } from '../../src/rotation/report.ts';
import type { Access } from './access.ts';
import type { RotationOptions } from './options.ts';

/** Azure ends an answer at 230 s, and a run over HTTP after 180 s; a status is stored and quickly read. */
const answerMs = { run: 240_000, plan: 240_000, status: 30_000 } as const;

/** What the person at the terminal is told: `code` as in the problem details, or one of ours. */
export interface Trouble {
  readonly kind: 'failed' | 'usage' | 'unreachable' | 'busy' | 'interrupted';
  readonly code: string;
  readonly detail: string;
  readonly requestId?: string;
  /** What may mend it. */
  readonly advice?: string;
}

export type Answer =
  | { readonly kind: 'clients'; readonly clients: readonly RotationReport[]; readonly text: string }
  /** `text`: the problem document as it came, where one did. */
  | { readonly kind: 'trouble'; readonly trouble: Trouble; readonly text?: string };

const clientsShape = z.object({ clients: z.array(reportShape) });
const problemShape = z.object({ code: z.string(), detail: z.string(), requestId: z.string() });

/** Never throws for what the network or the app does. */
export async function callApp(
  { url, headers, signedIn }: Access,
  { command, request }: Pick<RotationOptions, 'command' | 'request'>,
  interrupted: AbortSignal,
): Promise<Answer> {
  const init =
    command === 'status'
      ? { headers }
      : {
          ...{ method: 'POST', body: JSON.stringify(request) },
          headers: { ...headers, 'content-type': 'application/json' },
        };
  const late = AbortSignal.timeout(answerMs[command]);
  try {
    // A redirection is not followed: the key would travel along to wherever it leads.
    const reply = await fetch(`${url}/api/rotations`, {
      ...{ ...init, redirect: 'manual' },
      signal: AbortSignal.any([interrupted, late]),
    });
    return judge(reply.status, await reply.text(), signedIn);
  } catch (error) {
    if (interrupted.aborted) return { kind: 'trouble', trouble: interruption(command) };
    const why = late.aborted ? `no answer within ${answerMs[command] / 1000} s` : reasonOf(error);
    return troubled('unreachable', 'unreachable', `${url} could not be reached (${why}).`);
  }
}

function interruption(command: RotationOptions['command']): Trouble {
  const detail = command === 'run' ? 'Nobody waits any more; the run itself goes on.' : 'Stopped.';
  const advice = 'See how it ended: npm run rotation -- status';
  return { kind: 'interrupted', code: 'interrupted', detail, ...(command === 'run' ? { advice } : {}) };
}

/** The code alone: what a library says of a request may hold its headers. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : 'the connection failed';
}

function troubled(kind: Trouble['kind'], code: string, detail: string, advice?: string): Answer {
  return { kind: 'trouble', trouble: { kind, code, detail, ...(advice === undefined ? {} : { advice }) } };
}

function judge(status: number, text: string, signedIn: boolean): Answer {
  const json = parsed(text);
  if (status === 200) {
    const answer = clientsShape.safeParse(json);
    if (answer.success) return { kind: 'clients', clients: answer.data.clients, text };
    return troubled(
      'unreachable',
      'unexpected_answer',
      'The answer is not one of this app: is the url its address?',
    );
  }
  const problem = problemShape.safeParse(json);
  if (!problem.success) return byHost(status);
  const { code, detail, requestId } = problem.data;
  const advice =
    code === 'unauthenticated' && !signedIn
      ? 'The app asks for an operator: --bearer-command or --bearer-file.'
      : undefined;
  const trouble = { kind: kindOf(status, code), code, detail, requestId, ...(advice ? { advice } : {}) };
  return { kind: 'trouble', text, trouble };
}

function kindOf(status: number, code: string): Trouble['kind'] {
  if (code === 'busy') return 'busy';
  if (status === 401 || status === 403) return 'unreachable';
  return status < 500 && status !== 429 ? 'usage' : 'failed';
}

/** Answers without problem details come from the host, or from whatever stands in front of it. */
function byHost(status: number): Answer {
  const tell = (code: string, detail: string): Answer => troubled('unreachable', code, detail);
  switch (status) {
    case 401:
      return tell(
        'key_refused',
        'The host refuses the function key (401): set FUNCTION_KEY to a key of this app.',
      );
    case 403:
      return tell('not_allowed', 'Access is refused before the app is asked (403): network restrictions?');
    case 404:
      return tell(
        'no_route',
        'There is no such route (404): is the url that of the app, and is its rotation configured?',
      );
    default:
      return status >= 300 && status < 400
        ? tell('redirected', `The url leads somewhere else (${status}): expected the app itself.`)
        : tell('host_failed', `The host answers ${status}: the app does not run, or it is not this app.`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
