// Runs the Functions host as a child process - Core Tools where they are, else the local host - and stops it again.
import { StartError } from './interrupt.ts';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

export type HostKind = 'local' | 'func';

export interface HostOptions {
  readonly kind: HostKind;
  readonly port: number;
  readonly keys: { readonly master: string; readonly function: string };
  readonly environment: Readonly<Record<string, string>>;
  /** Each line that the host prints. */
  readonly onLine: (line: string) => void;
}

export interface HostProcess {
  readonly url: string;
  /** Resolves when the host has ended by itself or was stopped; the reason in a line. */
  readonly ended: Promise<string>;
  /** Asks the host to stop, and kills it when it has not within 35 s (it lets running requests finish for 30 s). */
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const graceMs = 35_000;
/** Core Tools start a .NET host first. */
const startMs = 90_000;

/** True when Core Tools answer on the PATH. */
export function funcIsInstalled(): boolean {
  return (
    spawnSync('func', ['--version'], { stdio: 'ignore', shell: process.platform === 'win32' }).status === 0
  );
}

/** Starts the host and waits until it answers. Throws `StartError` with its last lines when it does not. */
export async function startHostProcess(options: HostOptions): Promise<HostProcess> {
  const child = options.kind === 'local' ? spawnLocal(options) : spawnFunc(options);
  // Whatever ends this process, nothing is left behind.
  process.once('exit', () => {
    kill(child);
  });
  const lines: string[] = [];
  const onLine = (line: string): void => {
    lines.push(line);
    if (lines.length > 20) lines.shift();
    options.onLine(line);
  };
  forEachLine(child, onLine);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(`the host could not be started: ${error.message}`);
    });
    child.once('close', (code, signal) => {
      resolve(`the host ended (${signal ?? `exit code ${String(code)}`})`);
    });
  });
  const listening = options.kind === 'local' ? announced(child) : answers(options.port);
  const first = await Promise.race([listening, ended.then((reason) => new Error(reason)), late()]);
  if (first instanceof Error) {
    kill(child);
    throw new StartError([`${first.message}. Its last lines:`, ...lines].join('\n'));
  }
  return {
    url: first,
    ended,
    stop: () => stop(child, ended),
  };
}

async function late(): Promise<Error> {
  await sleep(startMs, undefined, { ref: false });
  return new Error(`the host did not answer within ${String(startMs / 1000)} s`);
}

function spawnLocal({ port, keys, environment }: HostOptions): ChildProcess {
  const entry = ['--require', join(root, 'local/preload.cjs'), join(root, 'local/host/main.ts')];
  return spawn(process.execPath, [...entry, '--app', root, '--port', String(port), '--local-settings'], {
    cwd: root,
    env: { ...environment, LOCAL_HOST_KEYS: JSON.stringify(keys) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** Core Tools insist on a local.settings.json; the values in the environment win over those in the file. */
function spawnFunc({ port, environment }: HostOptions): ChildProcess {
  const file = join(root, 'local.settings.json');
  if (!existsSync(file)) copyFileSync(join(root, 'local.settings.sample.json'), file);
  return spawn('func', ['start', '--port', String(port)], {
    cwd: root,
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the host and its worker can be ended together.
    detached: process.platform !== 'win32',
    shell: process.platform === 'win32',
  });
}

function announced(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('message', (message: unknown) => {
      const url: unknown =
        typeof message === 'object' && message !== null ? Reflect.get(message, 'url') : undefined;
      if (typeof url === 'string') resolve(url);
    });
  });
}

async function answers(port: number): Promise<string> {
  const url = `http://127.0.0.1:${String(port)}`;
  for (;;) {
    const reply = await fetch(`${url}/admin/host/status`).catch(() => undefined);
    if (reply?.ok && /"state"\s*:\s*"Running"/i.test(await reply.text())) return url;
    await sleep(250);
  }
}

function forEachLine(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split(/\r?\n/);
      rest = parts.pop() ?? '';
      parts.forEach(onLine);
    });
  }
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  signal(child, 'SIGTERM');
  const timer = setTimeout(() => {
    kill(child);
  }, graceMs);
  await ended;
  clearTimeout(timer);
}

function kill(child: ChildProcess): void {
  signal(child, 'SIGKILL');
}

/** To the whole group where there is one: Core Tools leave their worker behind otherwise. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const grouped = child.spawnfile === 'func' && process.platform !== 'win32';
  try {
    if (grouped) process.kill(-child.pid, name);
    else child.kill(name);
  } catch {
    // It has just ended.
  }
}
