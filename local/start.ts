// `npm start`: the whole app on this machine, with something to see within a minute; Ctrl-C stops everything.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { funcIsInstalled, startHostProcess, type HostKind, type HostProcess } from './hostProcess.ts';
import { readForPeople, runUntilInterrupted, StartError, type Open } from './interrupt.ts';
import { headerFiles, removeRunFile, writeRunFile, type RunFile } from './runFile.ts';
import { seed, type Seeded } from './seed.ts';
import { showFeed, showRotation, showToken } from './showcase.ts';
import { startStack, type Stack } from './stack.ts';
import { variables } from './usage.ts';

interface Options {
  readonly kind: HostKind;
  readonly verbose: boolean;
}

const help = `Usage: npm start -- [options]

  --host local   the local host, even where Core Tools are installed
  --host func    Core Tools; without the option, wherever they are on the PATH
  --verbose      also shows what the host prints
  --help         this text

${variables}`;

function readOptions(): Options {
  const { values } = readForPeople(() =>
    parseArgs({ options: { host: { type: 'string' }, verbose: { type: 'boolean', default: false } } }),
  );
  const { host, verbose } = values;
  if (host !== undefined && host !== 'local' && host !== 'func')
    throw new StartError(`--host: found "${host}"; expected local or func`);
  if (host === 'func' && !funcIsInstalled()) {
    throw new StartError(
      '--host func: Core Tools are not on the PATH. Install them, or leave the option out.',
    );
  }
  const kind = host ?? (funcIsInstalled() ? 'func' : 'local');
  if (kind === 'func' && process.env['LOCAL_APP'])
    throw new StartError(
      'LOCAL_APP: only with --host local; Core Tools would look for the preload in that folder.',
    );
  return { kind, verbose };
}

async function main(open: Open): Promise<string> {
  const { kind, verbose } = readOptions();
  console.log('Building the app and starting storage and stand-ins …');
  const stack = await startStack(process.env);
  open.push(() => stack.close());
  const seeded = await seed(stack.cloud);
  const keys = { master: newKey(), function: newKey() };
  const host = await startHostProcess({
    kind,
    port: stack.ports.host,
    app: stack.app,
    keys,
    environment: stack.hostEnvironment,
    onLine: (line) => {
      if (verbose) console.log(`  host | ${line}`);
    },
  });
  open.push(() => host.stop());
  const run = runFile(stack, kind, host, keys);
  open.push(() => {
    removeRunFile(stack.directory);
  });
  writeRunFile(stack.directory, run);
  await show(run, seeded);
  printWhereabouts(run, stack);
  return `Stopped: ${await host.ended}.`;
}

function newKey(): string {
  return randomBytes(24).toString('base64url');
}

function runFile(
  stack: Stack,
  kind: HostKind,
  host: HostProcess,
  keys: { master: string; function: string },
): RunFile {
  return {
    pid: process.pid,
    host: { kind, url: host.url, keysEnforced: kind === 'local' },
    keys,
    demo: stack.demo,
    azure: stack.azure,
  };
}

/** A job that fails is said so and does not keep the others from being seen. */
async function show(run: RunFile, seeded: Seeded): Promise<void> {
  console.log('\nWhat happened:');
  const jobs = [showToken(run), showRotation(run, seeded.keyId), showFeed(run, seeded.files)].map((job) =>
    // Heard at once: a rejection that nobody waits for yet would end the run.
    job.then(
      (text) => `✓ ${text}`,
      (error: unknown) =>
        `✗ ${error instanceof Error ? error.message : String(error)} (--verbose shows what the host prints)`,
    ),
  );
  for (const job of jobs) console.log(`  ${await job}`);
}

function printWhereabouts({ host, keys, azure }: RunFile, { directory, sample }: Stack): void {
  const url = `${host.url}/api`;
  const { user, gateway } = headerFiles(directory);
  const key = `-H "x-functions-key: ${keys.function}"`;
  console.log(`
Running: ${url} (${host.kind === 'func' ? 'Core Tools' : 'local host'}), DICOM ${azure.dicom}, faults ${azure.faults}
Everything else: ${directory}/run.json

Try:
  curl -X POST ${url}/tokens -H "@${user}"
  curl ${url}/identity -H "@${user}"
  curl -X DELETE ${url}/tokens -H "@${user}"
  curl -X DELETE ${url}/identity -H "@${user}"
  curl -X POST ${url}/users/patient-1/tokens ${key}
  curl ${url}/rotations ${key}
  curl -X POST ${azure.dicom}/v2/studies -H "@${gateway}" -H "Content-Type: application/dicom" --data-binary "@${sample}"
  curl -X POST ${url}/change-feed/runs ${key}

Ctrl-C stops everything.`);
}

if (process.argv.includes('--help')) console.log(help);
else await runUntilInterrupted(main);
