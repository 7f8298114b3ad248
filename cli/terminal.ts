// What a command knows of the terminal it runs in, and how it asks the person there.
import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';

export interface Terminal {
  readonly colors: boolean;
  /** Whether a line can be taken back: somebody looks on, and nothing is kept. */
  readonly live: boolean;
  /** Whether there is somebody to ask. */
  readonly asks: boolean;
  /** Undefined where the output is not shown on a terminal, or that does not say how wide it is. */
  readonly columns: number | undefined;
}

/** https://no-color.org: every value but an empty one switches colours off. */
export function terminalOf({ stdin, stdout, stderr, env }: NodeJS.Process): Terminal {
  return {
    colors: stdout.isTTY && !env['NO_COLOR'],
    live: stdout.isTTY && stderr.isTTY,
    asks: stdin.isTTY,
    columns: stdout.isTTY ? stdout.columns || undefined : undefined,
  };
}

export type Color = 'bold' | 'cyan' | 'gray' | 'green' | 'red' | 'yellow';

/** What the command has decided about colours counts: the stream's own opinion is not asked. */
export function painted(
  color: Color | undefined,
  text: string,
  { colors }: Pick<Terminal, 'colors'>,
): string {
  return colors && color !== undefined ? styleText(color, text, { validateStream: false }) : text;
}

/** Takes back what the last `progress` showed. */
export const clearLine = '\r\u001b[2K';

/** In the place of what was shown last; cut, as a line that wraps could not be taken back whole. */
export function redrawn(text: string, { columns = 80 }: Pick<Terminal, 'columns'>): string {
  return `${clearLine}${text.slice(0, columns - 1)}`;
}

/** What is under way. */
export function progress(text: string, terminal: Pick<Terminal, 'columns'>): string {
  return redrawn(`… ${text}`, terminal);
}

/** True for a yes. Ctrl-C and the end of the input abort `interrupt`, and the answer is then a rejection. */
export async function ask(question: string, interrupt: AbortController): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const stop = (): void => {
    interrupt.abort();
  };
  terminal.on('SIGINT', stop).on('close', stop);
  try {
    const answer = await terminal.question(question, { signal: interrupt.signal });
    terminal.off('close', stop);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** An answer must not steer the terminal that it is shown on. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
