// Where the app is and what opens it: from the options, or from the run file of the app on this machine.
import { exec } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { localDirectory, readRunFile } from '../../local/runFile.ts';
import { UsageError } from '../commandLine.ts';
import type { AccessOptions, Environment } from './options.ts';

export interface Access {
  /** Without a trailing slash. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether an operator's token goes along. */
  readonly signedIn: boolean;
}

/** Throws `UsageError` naming the option whose key or token cannot be had; never with what was found there. */
export async function readAccess(options: AccessOptions, environment: Environment): Promise<Access> {
  const { url, key } = options.url === undefined ? localApp(environment) : { url: options.url };
  const bearer = await readBearer(options);
  const opening = options.keyStdin ? await text(process.stdin) : (options.key ?? key);
  return {
    url,
    headers: {
      ...(opening === undefined ? {} : { 'x-functions-key': keyIn(opening) }),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    signedIn: bearer !== undefined,
  };
}

function localApp(environment: Environment): { readonly url: string; readonly key?: string } {
  const directory = localDirectory(environment);
  let run;
  try {
    run = readRunFile(directory);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'The run file cannot be read.', {
      cause: error,
    });
  }
  if (run) return { url: run.host.url, key: run.keys.function };
  throw new UsageError(
    '--url: missing; expected the address of the function app. (No app runs on this machine: `npm start`.)',
  );
}

/** A header would be refused with its value in the error. */
function keyIn(found: string): string {
  const key = found.trim();
  if (/^[\x21-\x7e]{1,1000}$/.test(key)) return key;
  throw new UsageError('The function key (--key-stdin, --key or FUNCTION_KEY): expected one word.');
}

/** With what the file or the command gives now: a token lives for an hour, and some commands wait longer. */
export async function withNewBearer(access: Access, options: AccessOptions): Promise<Access> {
  const bearer = await readBearer(options);
  if (bearer === undefined) return access;
  return { ...access, headers: { ...access.headers, authorization: `Bearer ${bearer}` } };
}

async function readBearer({ bearerFile, bearerCommand }: AccessOptions): Promise<string | undefined> {
  if (bearerFile !== undefined) return bearerIn('--bearer-file', readBearerFile(bearerFile));
  if (bearerCommand !== undefined) return bearerIn('--bearer-command', await outputOf(bearerCommand));
  return undefined;
}

function readBearerFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read';
    throw new UsageError(`--bearer-file: expected a file with a token (${code}).`, { cause: error });
  }
}

/** What the command complains about is shown; what it prints is the token. */
async function outputOf(line: string): Promise<string> {
  const running = promisify(exec)(line, { encoding: 'utf8' });
  running.child.stderr?.pipe(process.stderr);
  try {
    return (await running).stdout;
  } catch {
    // The cause is dropped: it holds on to the output.
    const code = running.child.exitCode === null ? '' : ` with exit code ${running.child.exitCode}`;
    throw new UsageError(`--bearer-command: the command failed${code}.`);
  }
}

/** As it is, or as the header that `npm start` leaves in a file. */
function bearerIn(option: string, found: string): string {
  const token = found.trim().replace(/^(Authorization:\s*)?Bearer\s+/i, '');
  if (/^[\w.~+/-]+=*$/.test(token)) return token;
  throw new UsageError(`${option}: expected an access token and nothing else.`);
}
