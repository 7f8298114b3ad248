// Child process of the contract test: loads the built bundle as a host does and prints what it registered, a line each.
import { join } from 'node:path';
import { startApp } from '../../local/host/app.ts';

const { catalog, state } = await startApp({
  appDirectory: join(import.meta.dirname, '..', '..'),
  routePrefix: 'api',
  environment: process.env,
  log: ({ level, message }) => {
    process.stderr.write(`${level}: ${message}\n`);
  },
});
const lines = catalog.functions.map((one) =>
  one.type === 'timerTrigger'
    ? `${one.name}: timer ${one.scheduleText}`
    : `${one.name}: ${one.methods.join(',')} ${one.route} ${one.authLevel}`,
);
process.stdout.write(JSON.stringify({ state, inError: catalog.inError, lines: lines.sort() }));
process.exit(0);
