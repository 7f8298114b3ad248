// `npm run azure`: storage and stand-ins alone on their fixed ports, for `func start` in another terminal.
import { removeRunFile, writeRunFile } from './runFile.ts';
import { runUntilInterrupted } from './interrupt.ts';
import { seed } from './seed.ts';
import { startStack } from './stack.ts';

await runUntilInterrupted(async (open) => {
  console.log('Building the app and starting storage and stand-ins …');
  const stack = await startStack(process.env);
  open.push(() => stack.close());
  await seed(stack.cloud);
  const { azure, demo, directory, ports } = stack;
  // Core Tools ask for no keys; any value passes.
  const keys = { master: 'not-asked-for', function: 'not-asked-for' };
  const url = `http://127.0.0.1:${ports.host}`;
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
  console.log(`
Storage and stand-ins are running; everything about them is in ${directory}/run.json.
In another terminal:
  cp local.settings.sample.json local.settings.json
  func start

Then:
  curl -X POST ${url}/api/tokens -H "Authorization: Bearer ${demo.bearer}"
  curl -X POST ${url}/api/rotations -H "Content-Type: application/json" -d '{}'
  curl -X POST ${url}/api/change-feed/runs -H "Content-Length: 0"

Ctrl-C stops everything.`);
  return new Promise(() => undefined);
});
