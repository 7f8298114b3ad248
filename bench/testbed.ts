// What a benchmark runs on: the built bundle on the local host, and everything behind it, each in a process of its own.
//
// This process holds the clients only. So the app's way to ACS and that of the SDK alone are alike: out of one process and
// into that of the stand-ins.
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { startHostProcess } from '../local/hostProcess.ts';
import { StartError } from '../local/interrupt.ts';
import { freePorts, portSetting, type PortName } from '../local/ports.ts';
import { readIfPresent } from '../local/privateFile.ts';

export interface Testbed {
  readonly host: string;
  readonly keys: { readonly master: string; readonly function: string };
  /** The demo user's. */
  readonly bearer: string;
  /** Connection string of the storage account. */
  readonly storage: string;
  /** The admin endpoint of the stand-ins. */
  readonly faults: string;
  /** What the host runs with: the app's settings among it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Memory of the host that is in use now, MiB; `null` where the system does not tell. */
  readonly memory: () => number | null;
  /** How many lines of the host's log contain this. */
  readonly logged: (text: string) => number;
  close(): Promise<void>;
}

const root = join(import.meta.dirname, '..');
const stackReady = z.object({
  azure: z.object({ storage: z.string(), faults: z.string() }),
  bearer: z.string(),
  hostEnvironment: z.record(z.string(), z.string()),
});

const sample = z.object({ Values: z.record(z.string(), z.string()) });

/** The sample's, whatever this person's local.settings.json says. */
function sampleSettings(): Readonly<Record<string, string>> {
  return sample.parse(JSON.parse(readFileSync(join(root, 'local.settings.sample.json'), 'utf8'))).Values;
}

/** What another capability's timer does meanwhile would be measured, too. */
const quiet = {
  AzureWebJobs_rotateSecrets_Disabled: 'true',
  AzureWebJobs_pullChangeFeed_Disabled: 'true',
};

/**
 * `settings` are the app's, above those of the sample; `detour` answers another connection string for the app's storage.
 * Throws `StartError` when something does not start.
 */
export async function openTestbed(
  settings: Readonly<Record<string, string>> = {},
  detour: (storage: string) => Promise<string> = (storage) => Promise.resolve(storage),
): Promise<Testbed> {
  const stack = forkStack(settings);
  const ended = once(stack, 'exit');
  const lines: string[] = [];
  try {
    const { azure, bearer, hostEnvironment } = await ready(stack, ended);
    const environment = { ...hostEnvironment, AzureWebJobsStorage: await detour(azure.storage) };
    routeThisProcess(environment);
    const keys = { master: 'bench-master', function: 'bench-function' };
    const onLine = (line: string): void => void lines.push(line);
    const host = await startHostProcess({ kind: 'local', port: 0, keys, environment, onLine });
    return {
      ...{ host: host.url, keys, bearer, storage: azure.storage, faults: azure.faults, environment },
      memory: () => memoryOf(host.pid),
      logged: (text) => lines.filter((line) => line.includes(text)).length,
      close: async () => {
        await host.stop();
        if (stack.connected) stack.disconnect();
        await ended;
      },
    };
  } catch (error) {
    stack.kill();
    throw error;
  }
}

function forkStack(settings: Readonly<Record<string, string>>): ChildProcess {
  const names = Object.keys(freePorts) as PortName[];
  const ports = Object.fromEntries(names.map((name) => [portSetting(name), '0']));
  const own = { ...quiet, ...settings, LOCAL_DIR: join(root, '.local-bench'), LOCAL_STATE: '' };
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
  return fork(join(import.meta.dirname, 'stackProcess.ts'), {
    env: { ...process.env, ...sampleSettings(), ...ports, ...own },
    execArgv: [],
    stdio: [...stdio],
  });
}

async function ready(stack: ChildProcess, ended: Promise<unknown>): Promise<z.infer<typeof stackReady>> {
  const said = await Promise.race([once(stack, 'message'), ended.then(() => undefined)]);
  if (!said) throw new StartError('Storage and stand-ins could not be started.');
  return stackReady.parse(said[0]);
}

/** The SDK in this process goes the app's way: the same managed identity, the same preload. */
function routeThisProcess(environment: Readonly<Record<string, string>>): void {
  for (const name of ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'LOCAL_ROUTES']) {
    process.env[name] = environment[name] ?? '';
  }
  createRequire(import.meta.url)('../local/preload.cjs');
}

function memoryOf(pid: number | undefined): number | null {
  if (pid === undefined) return null;
  const kib = process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
  return kib === undefined ? null : Math.round(Number(kib) / 1024);
}

function fromProc(pid: number): string | undefined {
  return /^VmRSS:\s+(\d+) kB$/m.exec(readIfPresent(`/proc/${pid}/status`) ?? '')?.[1];
}

function fromPs(pid: number): string | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return /^\s*(\d+)\s*$/.exec(stdout)?.[1];
}
