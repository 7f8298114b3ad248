// Command line of the local Functions host: node [--require <preload>] local/host/main.ts --app <folder> [options].
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startHost, type FunctionInfo, type Host } from './host.ts';
import { hostKeysSchema, type HostKeys } from './keys.ts';
import { coreToolsLog, errorMessage } from './log.ts';
import { parseJson, readLocalSettings, type LocalSettings } from './settings.ts';

const usage = `--app <folder>       with host.json and package.json (default: this folder)
--port <n>           0 takes a free one (default: Host.LocalHttpPort with --local-settings, else 7071)
--local-settings     read local.settings.json of the app's folder as Core Tools does
--keys <file>        {"master", "function"?, "functions"?: {<name>: <key>}}; LOCAL_HOST_KEYS may hold the same JSON;
                     without either no key is asked for, as with Core Tools`;

interface Arguments {
  readonly app: string;
  readonly port: number;
  readonly keys: HostKeys | undefined;
  readonly local: LocalSettings | undefined;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      app: { type: 'string', default: '.' },
      port: { type: 'string' },
      keys: { type: 'string' },
      'local-settings': { type: 'boolean', default: false },
    },
  });
  const app = resolve(values.app);
  const local = values['local-settings'] ? readLocalSettings(app) : undefined;
  const port = values.port === undefined ? (local?.port ?? 7071) : Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error('--port: expected 0 to 65535.');
  return { app, port, keys: readKeys(values.keys), local };
}

/** The variable is taken away so that the app does not see the host's keys. */
function readKeys(file: string | undefined): HostKeys | undefined {
  const variable = process.env['LOCAL_HOST_KEYS'];
  delete process.env['LOCAL_HOST_KEYS'];
  if (file !== undefined) return parseJson(file, readFileSync(file, 'utf8'), hostKeysSchema);
  return variable === undefined ? undefined : parseJson('LOCAL_HOST_KEYS', variable, hostKeysSchema);
}

function applyValues(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) process.env[name] ??= value;
}

function listFunctions(functions: readonly FunctionInfo[]): string {
  const lines = functions.map(({ name, type, methods = [], url, disabled }) => {
    const where = type === 'timerTrigger' ? type : `[${methods.join(',')}] ${url ?? ''}`;
    return `\t${name}: ${where}${disabled ? ' (disabled)' : ''}\n`;
  });
  return `\nFunctions:\n\n${lines.join('\n')}\n`;
}

/** One clear line, without a stack. */
function startFailure(error: unknown, port: number): string {
  const busy = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  if (busy) return `Port ${port} is in use: set LOCAL_PORT_HOST to another one, or to 0 for any free one.`;
  return errorMessage(error);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Stops once, whoever asks: a signal, or the parent that has gone. A second signal ends the process as usual. */
function stopWhenAsked(host: Host): void {
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    void host.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('disconnect', stop);
  // The parent may have gone while the app was loading.
  if (process.send !== undefined && !process.connected) stop();
}

/** The app's own listener for such an error keeps the real worker alive, so it does here. */
function surviveCrashes(crashed: (error: unknown) => void): void {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error) => {
      if (process.listenerCount(event) === 1) crashed(error);
    });
  }
}

async function main({ app, port, keys, local }: Arguments): Promise<void> {
  const running: { host?: Host } = {};
  surviveCrashes((error) => {
    if (running.host === undefined) fail(`The app failed while it started: ${errorMessage(error)}`);
    running.host.crash(error);
  });
  applyValues(local?.values ?? {});
  const host = await startHost({
    appDirectory: app,
    port,
    keys,
    cors: local?.cors,
    environment: process.env,
    log: coreToolsLog((text) => process.stdout.write(text)),
    // The callers of the calls that were given up are told first.
    onGivenUp: () => setImmediate(() => process.exit(0)),
  });
  running.host = host;
  process.stdout.write(listFunctions(host.functions));
  stopWhenAsked(host);
  if (process.connected)
    process.send?.({ type: 'listening', url: host.url, state: host.state, functions: host.functions });
}

let args: Arguments;
try {
  args = readArguments();
} catch (error) {
  fail(`${errorMessage(error)}\n${usage}`);
}
main(args).catch((error: unknown) => fail(startFailure(error, args.port)));
