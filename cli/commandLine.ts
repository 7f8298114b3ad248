// What the command lines share: options that are refused by name, answers on the right stream, and what an exit code means.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { AppError } from '../src/platform/errors.ts';

/** Options or arguments that cannot be meant: the text names them and says what is expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** `remains`: what was allowed is done, and the output says what somebody else has to do. */
export const exitCodes = { done: 0, failed: 1, usage: 2, remains: 3 } as const;

/** Where a command writes to: results to `out`, everything else to `err`. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export const processStreams: Streams = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

type Words<T extends NonNullable<ParseArgsConfig['options']>> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; strict: true; allowPositionals: true }>
>;

/** `parseArgs`, strict, with Node's refusals as `UsageError` in its first sentence. */
export function readOptions<T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
): Words<T>['values'] {
  return readWords(args, options, false).values;
}

/** As `readOptions`, with the words that are no options where the command takes some. */
export function readWords<T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
  allowPositionals = true,
): Words<T> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals });
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : '').split(/\. (?=To |If )/);
    throw new UsageError(`${sentence.replace(/\.$/, '')}. --help lists the options.`, { cause: error });
  }
}

/** Runs a command to its exit code; what it throws is told in words, without a stack and without what upstreams said. */
export async function runCommand(streams: Streams, command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    const text = error instanceof AppError || error instanceof UsageError ? error.message : nameOf(error);
    streams.err(`${text}\n`);
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

function nameOf(error: unknown): string {
  return `An unexpected error ended the command (${error instanceof Error ? error.name : typeof error}).`;
}
