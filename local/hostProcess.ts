// Runs the Functions host as a child process - Core Tools where they are, else the local host - and stops it again.
import { StartError } from './interrupt.ts';
import { explainPort } from './ports.ts';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

export type HostKind = 'local' | 'func';

export interface HostOptions {
  readonly kind: HostKind;
  readonly port: number;
  /** Folder of the app, for the local host; this one when absent. */
  readonly app?: string | undefined;
  readonly keys: { readonly master: string; readonly function: string };
  readonly environment: Readonly<Record<string, string>>;
  /** Each line that the host prints. */
  readonly onLine: (line: string) => void;
}

export interface HostProcess {
  readonly url: string;
  /** The local host's own, or that of the tether of Core Tools. */
  readonly pid: number | undefined;
  /** Resolves when the host has ended by itself or was stopped; the reason in a line. */
  readonly ended: Promise<string>;
  /** Asks the host to stop, and kills it when it has not within 35 s (it lets running requests finish for 30 s). */
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const graceMs = 35_000;
/** Core Tools start a .NET host first. */
const startMs = 90_000;
const lastLinesMs = 500;

/** True when Core Tools answer on the PATH. */
export function funcIsInstalled(): boolean {
  return (
    spawnSync('func', ['--version'], { stdio: 'ignore', shell: process.platform === 'win32' }).status === 0
  );
}

/**
 * Starts the host and waits until it answers. Throws `StartError` with its last lines when it does not, and `PortError` when
 * Core Tools cannot have the port.
 */
export async function startHostProcess(options: HostOptions): Promise<HostProcess> {
  const { kind } = options;
  const port = kind === 'func' ? await claimPort(options.port) : options.port;
  const child = kind === 'local' ? spawnLocal(options) : spawnFunc(options, port);
  // Whatever ends this process, nothing is left behind.
  process.once('exit', () => {
    kill(child, kind);
  });
  const lines: string[] = [];
  forEachLine(child, (line) => {
    lines.push(line);
    if (lines.length > 20) lines.shift();
    options.onLine(line);
  });
  const ended = ending(child);
  const over = new AbortController();
  void ended.then(() => {
    over.abort();
  });
  const listening = kind === 'local' ? announced(child) : answers(port, over.signal);
  const first = await Promise.race([ended.then((reason) => new Error(reason)), listening, late()]);
  if (first instanceof Error) {
    over.abort();
    kill(child, kind);
    throw new StartError([`${first.message}. Its last lines:`, ...lines].join('\n'));
  }
  return { url: first, pid: child.pid, ended, stop: () => stop(child, kind, ended) };
}

/** Resolves with why the process ended, when its last lines have been read. */
function ending(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(`the host could not be started: ${error.message}`);
    });
    child.once('exit', (code, signal) => {
      const end = (): void => {
        resolve(`the host ended (${signal ?? `exit code ${String(code)}`})`);
      };
      child.once('close', end);
      // A process that the host left behind would hold its output open.
      setTimeout(end, lastLinesMs);
    });
  });
}

/**
 * The port itself, or a free one for 0, which Core Tools would take for their default. Another host on that port would
 * else be taken for the one that is being started. Throws `PortError` when the port is in use.
 */
async function claimPort(wanted: number): Promise<number> {
  const server = createServer();
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening').catch((error: unknown) => {
    throw explainPort(error, 'host', wanted);
  });
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : wanted;
}

async function late(): Promise<Error> {
  await sleep(startMs, undefined, { ref: false });
  return new Error(`the host did not answer within ${String(startMs / 1000)} s`);
}

function spawnLocal({ port, app = root, keys, environment }: HostOptions): ChildProcess {
  const entry = ['--require', join(root, 'local/preload.cjs'), join(root, 'local/host/main.ts')];
  return spawn(process.execPath, [...entry, '--app', app, '--port', String(port), '--local-settings'], {
    cwd: app,
    env: { ...environment, LOCAL_HOST_KEYS: JSON.stringify(keys) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/**
 * Core Tools take their settings from the environment (their own source and tests: they need no local.settings.json where
 * FUNCTIONS_WORKER_RUNTIME is set, and where there is one, what is in the environment wins).
 */
function spawnFunc({ environment }: HostOptions, port: number): ChildProcess {
  const tether = join(root, 'local/tether.ts');
  return spawn(process.execPath, [tether, 'func', 'start', '--port', String(port)], {
    cwd: root,
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
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

async function answers(port: number, over: AbortSignal): Promise<string> {
  const url = `http://127.0.0.1:${String(port)}`;
  while (!over.aborted) {
    const reply = await fetch(`${url}/admin/host/status`).catch(() => undefined);
    if (reply?.ok && /"state"\s*:\s*"Running"/i.test(await reply.text())) break;
    await sleep(250);
  }
  return url;
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

/** Both hosts stop in an orderly way when their channel to this process closes. */
async function stop(child: ChildProcess, kind: HostKind, ended: Promise<string>): Promise<void> {
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => {
    kill(child, kind);
  }, graceMs);
  await ended;
  clearTimeout(timer);
}

/** At once: to the tether of Core Tools a signal after the end of the channel says so. */
function kill(child: ChildProcess, kind: HostKind): void {
  if (child.connected) child.disconnect();
  child.kill(kind === 'local' ? 'SIGKILL' : 'SIGTERM');
}
