// `npm run azure`: storage and stand-ins alone on their fixed ports, for `func start` in another terminal.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isDefault, type Ports } from './ports.ts';
import { headerFiles, removeRunFile, writeRunFile, type RunFile } from './runFile.ts';
import { readForPeople, runUntilInterrupted, type Open } from './interrupt.ts';
import { seed } from './seed.ts';
import { startStack } from './stack.ts';
import { variables } from './usage.ts';

/** Core Tools' own, where nothing names another. */
const funcPort = 7071;

const help = `Usage: npm run azure

Storage and stand-ins alone, for "func start" in another terminal.

${variables}`;

async function main(open: Open): Promise<string> {
  readForPeople(() => parseArgs({ options: {} }));
  console.log('Building the app and starting storage and stand-ins …');
  const stack = await startStack(process.env);
  open.push(() => stack.close());
  await seed(stack.cloud);
  const { azure, demo, directory, ports } = stack;
  // Core Tools ask for no keys; any value passes.
  const keys = { master: 'not-asked-for', function: 'not-asked-for' };
  const url = `http://127.0.0.1:${ports.host || funcPort}`;
  writeRunFile(directory, {
    pid: process.pid,
    host: { kind: 'func', url, keysEnforced: false },
    keys,
    demo,
    azure,
  });
  open.push(() => {
    removeRunFile(directory);
  });
  const bearer = headerFiles(directory).user;
  console.log(`
Storage and stand-ins are running; everything about them is in ${directory}/run.json.
In another terminal:
${steps(azure, ports).join('\n')}

Then:
  curl -X POST ${url}/api/tokens -H "@${bearer}"
  curl -X POST ${url}/api/rotations -H "Content-Type: application/json" -d '{}'
  curl -X POST ${url}/api/change-feed/runs

Ctrl-C stops everything.`);
  return new Promise(() => undefined);
}

/** The sample settings know the default ports and the default folder only. */
function steps(azure: RunFile['azure'], ports: Ports): string[] {
  const port = process.env['LOCAL_PORT_HOST'] && ports.host ? ` --port ${ports.host}` : '';
  const folder = process.env['LOCAL_DIR'] ? `LOCAL_DIR="${process.env['LOCAL_DIR']}" ` : '';
  const storage = (['blob', 'queue', 'table'] as const).every((name) => isDefault(ports, name));
  return [
    ...(existsSync('local.settings.json') ? [] : ['  cp local.settings.sample.json local.settings.json']),
    ...(storage ? [] : [`  (in it "AzureWebJobsStorage": "${azure.storage}")`]),
    ...(isDefault(ports, 'managedIdentity')
      ? []
      : [`  (in it "IDENTITY_ENDPOINT": "${azure.managedIdentity}/msi/token")`]),
    `  ${folder}func start${port}`,
  ];
}

if (process.argv.includes('--help')) console.log(help);
else await runUntilInterrupted(main);
