// Starts the whole app as `npm start` does, as it is deployed, in a folder and on ports of its own, for a file of end-to-end tests.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { freePorts, portSetting, type PortName } from '../../local/ports.ts';
import { readRunFile, type RunFile } from '../../local/runFile.ts';
import { packagedApp } from './packagedApp.ts';

export interface LocalRun {
  readonly run: RunFile;
  readonly directory: string;
  readonly child: ChildProcess | undefined;
  /** Everything it has printed so far. */
  readonly output: () => string;
  /** Asks it to stop and answers its exit code. */
  readonly stop: () => Promise<number | null>;
}

const root = join(import.meta.dirname, '..', '..');

/** Free ports for every service, as environment variables. */
export const anyPorts: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(freePorts).map((name) => [portSetting(name as PortName), '0']),
);

export interface StartedProcess {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

/** Runs a script of `local/` with its output collected. */
export function runLocal(
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): StartedProcess {
  const child = spawn(process.execPath, [join(root, 'local', script), ...args], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  return { child, ended, output: () => text };
}

/**
 * A run for the tests of one file, stopped after them: await it at the top of the file, for inside a hook "after" would mean
 * after that hook. With E2E_LOCAL_DIR the run that goes on in that folder is used
 * instead, whatever its host, unless the tests need settings of their own: so the same tests meet Core Tools.
 */
export async function startLocalRun(environment: Readonly<Record<string, string>> = {}): Promise<LocalRun> {
  const existing = process.env['E2E_LOCAL_DIR'];
  if (existing !== undefined && Object.keys(environment).length === 0) return joinRun(existing);
  const directory = mkdtempSync(join(tmpdir(), 'telehealth-e2e-'));
  const started = runLocal('start.ts', ['--host', 'local', '--verbose'], {
    ...anyPorts,
    LOCAL_DIR: directory,
    LOCAL_APP: await packagedApp(directory),
    ...environment,
  });
  const stop = async (): Promise<number | null> => {
    started.child.kill('SIGTERM');
    return started.ended;
  };
  after(async () => {
    await stop();
    rmSync(directory, { recursive: true, force: true });
  });
  await printed(started, 'Ctrl-C stops everything.');
  const run = readRunFile(directory);
  if (!run) throw new Error('there is no run file');
  return { run, directory, child: started.child, output: started.output, stop };
}

/** Waits until the process has printed the text; throws with its output when it ends before. */
export async function printed(started: StartedProcess, text: string): Promise<void> {
  const { child, ended, output } = started;
  const seen = new Promise<'seen'>((resolve) => {
    const look = (): void => {
      if (output().includes(text)) resolve('seen');
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    look();
  });
  if ((await Promise.race([seen, ended])) !== 'seen')
    throw new Error(`it ended before it said "${text}":\n${output()}`);
}

function joinRun(directory: string): LocalRun {
  const run = readRunFile(directory);
  if (!run) throw new Error(`no local run goes on in ${directory}`);
  return { run, directory, child: undefined, output: () => '', stop: () => Promise.resolve(0) };
}
