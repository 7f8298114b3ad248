// Storage and stand-ins in this process, and as many hosts with the packaged app beside them as a test wants.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { startHostProcess, type HostProcess } from '../../local/hostProcess.ts';
import type { RunFile } from '../../local/runFile.ts';
import { startStack, type Stack } from '../../local/stack.ts';
import { anyPorts } from './localRun.ts';
import { packagedApp } from './packagedApp.ts';

export interface OwnHost extends HostProcess {
  /** What a run file would say of it. */
  readonly run: RunFile;
  /** Everything that it has printed so far. */
  readonly output: () => string;
}

export interface OwnStack {
  readonly stack: Stack;
  /** One more host, with the same storage and stand-ins as the others, and the same environment but for `more`. */
  readonly startHost: (more?: Readonly<Record<string, string>>) => Promise<OwnHost>;
}

/** Nothing runs by itself: what a test wants of the timers it asks for. */
const quiet = {
  AzureWebJobs_rotateSecrets_Disabled: 'true',
  AzureWebJobs_pullChangeFeed_Disabled: 'true',
  IDENTITY_CLEANUP_SCHEDULE: '0 0 0 1 1 *',
};

/** Await it at the top of a file; everything is stopped after its tests. */
export async function startOwnStack(environment: Readonly<Record<string, string>>): Promise<OwnStack> {
  const directory = mkdtempSync(join(tmpdir(), 'telehealth-hosts-'));
  const own = { ...anyPorts, LOCAL_DIR: directory, LOCAL_STATE: '', LOCAL_APP: await packagedApp(directory) };
  const stack = await startStack({ ...process.env, ...quiet, ...environment, ...own });
  const hosts: OwnHost[] = [];
  after(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    await stack.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    stack,
    async startHost(more = {}) {
      const host = await startOwnHost(stack, more);
      hosts.push(host);
      return host;
    },
  };
}

async function startOwnHost(stack: Stack, more: Readonly<Record<string, string>>): Promise<OwnHost> {
  const { app, azure, demo, hostEnvironment } = stack;
  const keys = { master: 'master-key-of-this-test', function: 'function-key-of-this-test' };
  const lines: string[] = [];
  const host = await startHostProcess({
    ...{ kind: 'local', port: 0, app, keys },
    environment: { ...hostEnvironment, ...more },
    onLine: (line) => lines.push(line),
  });
  const run: RunFile = {
    ...{ pid: process.pid, keys, demo, azure },
    host: { kind: 'local', url: host.url, keysEnforced: true },
  };
  return { ...host, run, output: () => lines.join('\n') };
}
