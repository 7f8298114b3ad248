// A terminal, a clock and an app that answers what a test says: a command of the app without its process.
import type { Around } from '../../cli/app/around.ts';
import type { Call, Trouble } from '../../cli/app/call.ts';
import { ManualClock } from '../support/clock.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** The JSON of an answer, or what went wrong instead. */
export type Reply = { readonly json: unknown } | { readonly trouble: Trouble };

export interface SceneOptions {
  readonly answer: (asked: Asked, nth: number) => Reply;
  readonly colors?: boolean;
  readonly columns?: number;
  /** Whether the terminal is live. */
  readonly live?: boolean;
  /** What people answer. */
  readonly yes?: boolean;
  /** How long the app takes for an answer. */
  readonly answerMs?: number;
  /** Whether somebody presses Ctrl-C before the call with this number. */
  readonly interruptAt?: number;
}

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly questions: readonly string[];
  readonly asked: readonly Asked[];
  /** How much time has passed. */
  readonly seconds: number;
}

/** Runs the command, moving the clock by a second whenever it waits. Fails when it has not ended after `most` seconds. */
export async function play(
  command: (around: Around) => Promise<number>,
  { answer, colors = false, columns, live = false, yes = false, answerMs = 0, interruptAt }: SceneOptions,
  most = 10,
): Promise<Ended> {
  const said = { out: '', err: '' };
  const questions: string[] = [];
  const asked: Asked[] = [];
  const clock = new ManualClock();
  const interrupt = new AbortController();
  const around: Around = {
    ...{ clock, url: 'https://f', terminal: { colors, live, asks: true, columns } },
    streams: { out: (text) => (said.out += text), err: (text) => (said.err += text) },
    confirm: async (question) => {
      questions.push(question);
      return yes;
    },
    call: async <T>({ method, path, body, shape, interruption }: Call<T>) => {
      const one = { method, path, ...(body === undefined ? {} : { body }) };
      asked.push(one);
      if (answerMs > 0) await clock.sleep(answerMs);
      if (interruptAt === asked.length) {
        interrupt.abort();
        const trouble = { kind: 'interrupted', code: 'interrupted', ...interruption } as const;
        return { kind: 'trouble', trouble };
      }
      const reply = answer(one, asked.length);
      if ('trouble' in reply) return { kind: 'trouble', trouble: reply.trouble };
      return { kind: 'answer', value: shape.parse(reply.json), text: JSON.stringify(reply.json) };
    },
    interrupted: interrupt.signal,
  };
  const begun = clock.now();
  const state = { isOver: false };
  const ending = command(around).finally(() => (state.isOver = true));
  // Who awaits the play is told of it: below.
  ending.catch(() => undefined);
  await clock.advance(0);
  for (let second = 0; second < most && !state.isOver; second += 1) await clock.advance(1000);
  if (!state.isOver) throw new Error(`it has not ended after ${most} s; it said:\n${said.err}`);
  const code = await ending;
  return { code, questions, asked, ...said, seconds: (clock.now() - begun) / 1000 };
}
