// The host as a child process: its command line, what it tells its parent, and that it never stays behind.
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { FunctionInfo } from '../../../local/host/host.ts';
import { makeApp, makeFolder, send } from './kit.ts';

const main = fileURLToPath(new URL('../../../local/host/main.ts', import.meta.url));

interface Started {
  readonly child: ChildProcess;
  /** What it has printed so far, on both streams. */
  readonly printed: () => string;
  readonly exited: Promise<number | null>;
}

interface Listening {
  readonly type: 'listening';
  readonly url: string;
  readonly functions: readonly FunctionInfo[];
}

function start(t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  const child = fork(main, args, { silent: true, env: { PATH: process.env['PATH'], ...env } });
  let text = '';
  const streams = [child.stdout, child.stderr].flatMap((stream) => stream ?? []);
  for (const stream of streams) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  // Not the event `close`: Node does not emit it after a disconnect.
  const ends = [once(child, 'exit'), ...streams.map((stream) => once(stream, 'end'))];
  const exited = Promise.all(ends).then(([exit]) => exit?.[0] as number | null);
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { child, printed: () => text, exited };
}

async function listening({ child, exited, printed }: Started): Promise<Listening> {
  const message = await Promise.race([once(child, 'message'), exited]);
  if (!Array.isArray(message)) throw new Error(`The host ended with ${String(message)}: ${printed()}`);
  return message[0] as Listening;
}

const get = (url: string, path: string, headers = {}) => send(url, { method: 'GET', path, headers });

const app = `app.http('env', { handler: () => ({ jsonBody: process.env }) });
  app.http('guarded', { authLevel: 'function', handler: () => ({ body: 'in' }) });
  app.timer('tick', { schedule: '0 0 0 1 1 *', handler: () => {} });
  app.hook.appTerminate(() => { console.log('appTerminate ran'); });
  app.http('slow', { handler: async () => {
    console.log('slow begins');
    await new Promise((resolve) => process.once('SIGUSR2', resolve));
    return { body: 'slow done' };
  } });
  app.http('crash', { handler: () => { Promise.reject(new Error('nobody waits for this')); return new Promise(() => {}); } });`;

test('it tells its parent where it listens and lists its functions as Core Tools does', async (t) => {
  const folder = await makeApp(t, app);
  const started = start(t, ['--app', folder, '--port', '0']);
  const { url, functions } = await listening(started);
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual(
    functions.map(({ name }) => name),
    ['crash', 'env', 'guarded', 'slow', 'tick'],
  );
  assert.equal((await get(url, '/api/guarded')).body, 'in');
  assert.ok(started.printed().includes(`\tguarded: [GET,POST] ${url}/api/guarded\n`));
  assert.ok(started.printed().includes('\ttick: timerTrigger\n'));
  assert.match(started.printed(), /\[[\d-]+T[\d:.]+Z\] Executed 'Functions\.guarded' \(Succeeded, /);
});

test('keys come from a file or a variable, which the app does not see', async (t) => {
  const folder = await makeApp(t, app);
  const file = join(makeFolder(t, { 'keys.json': '{"master":"file-key"}' }), 'keys.json');
  const fromFile = await listening(start(t, ['--app', folder, '--port', '0', '--keys', file]));
  assert.equal((await get(fromFile.url, '/api/guarded')).status, 401);
  assert.equal((await get(fromFile.url, '/api/guarded?code=file-key')).status, 200);
  const env = { LOCAL_HOST_KEYS: '{"master":"variable-key"}' };
  const fromVariable = await listening(start(t, ['--app', folder, '--port', '0'], env));
  assert.equal((await get(fromVariable.url, '/api/guarded?code=variable-key')).status, 200);
  assert.doesNotMatch((await get(fromVariable.url, '/api/env')).body, /variable-key/);
});

test('bad keys or arguments are one line and the usage, and no key is quoted', async (t) => {
  const bad = start(t, [], { LOCAL_HOST_KEYS: '{"master":"","other":"hidden-key"}' });
  assert.equal(await bad.exited, 1);
  assert.match(bad.printed(), /^LOCAL_HOST_KEYS: .*master.*\n--app/);
  assert.doesNotMatch(bad.printed(), /hidden-key/);
  const port = start(t, ['--port', 'many']);
  assert.deepEqual([await port.exited, port.printed().split('\n')[0]], [1, '--port: expected 0 to 65535.']);
});

test('local.settings.json gives values that are not set yet, port and CORS, when it is asked for', async (t) => {
  const folder = await makeApp(t, app);
  const settings = {
    IsEncrypted: false,
    Values: { FROM_FILE: 'file', FROM_BOTH: 'file' },
    Host: { LocalHttpPort: 0, CORS: 'http://a.test, http://b.test', CORSCredentials: true },
  };
  writeFileSync(join(folder, 'local.settings.json'), JSON.stringify(settings));
  const { url } = await listening(
    start(t, ['--app', folder, '--local-settings'], { FROM_BOTH: 'environment' }),
  );
  const answer = await get(url, '/api/env', { origin: 'http://b.test' });
  const seen = JSON.parse(answer.body) as NodeJS.ProcessEnv;
  assert.deepEqual([seen['FROM_FILE'], seen['FROM_BOTH']], ['file', 'environment']);
  assert.equal(answer.headers['access-control-allow-origin'], 'http://b.test');
  assert.equal(answer.headers['access-control-allow-credentials'], 'true');
  const unasked = await listening(start(t, ['--app', folder, '--port', '0']));
  assert.doesNotMatch((await get(unasked.url, '/api/env')).body, /FROM_FILE/);
});

test('a bad local.settings.json is refused with its field and without its values', async (t) => {
  const wrong: [object, RegExp][] = [
    [{ Values: { SECRET: 5, OTHER: 'hidden' } }, /local\.settings\.json: Values\.SECRET: /],
    [{ IsEncrypted: true }, /local\.settings\.json: IsEncrypted: Encrypted settings cannot be read here/],
    [
      { Host: { CORS: '*', CORSCredentials: true } },
      /Host\.CORSCredentials: expected the origins to be listed/,
    ],
  ];
  for (const [settings, reason] of wrong) {
    const folder = makeFolder(t, { 'local.settings.json': JSON.stringify(settings) });
    const started = start(t, ['--app', folder, '--local-settings']);
    assert.equal(await started.exited, 1);
    assert.match(started.printed(), reason);
    assert.doesNotMatch(started.printed(), /hidden/);
  }
});

test('a busy port is one line that names it and the way out', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const started = start(t, [
    '--app',
    await makeApp(t, `app.http('one', { handler: () => ({}) });`),
    '--port',
    String(port),
  ]);
  assert.equal(await started.exited, 1);
  assert.equal(
    started.printed(),
    `Port ${port} is in use: set LOCAL_PORT_HOST to another one, or to 0 for any free one.\n`,
  );
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 500; !(await condition()); left--) {
    assert.ok(left > 0, 'it never came');
    await delay(10);
  }
}

const refuses = (url: string) =>
  get(url, '/admin/host/ping').then(
    () => false,
    () => true,
  );

test('on SIGTERM it takes nothing new, ends what runs, runs appTerminate and exits 0', async (t) => {
  const started = start(t, ['--app', await makeApp(t, app), '--port', '0']);
  const { url } = await listening(started);
  const silent = connect(Number(new URL(url).port), '127.0.0.1');
  silent.on('error', () => undefined);
  t.after(() => silent.destroy());
  const slow = get(url, '/api/slow');
  await until(() => started.printed().includes('slow begins'));
  started.child.kill('SIGTERM');
  await until(() => refuses(url));
  assert.doesNotMatch(started.printed(), /appTerminate ran/);
  started.child.kill('SIGUSR2');
  assert.equal((await slow).body, 'slow done');
  assert.equal(await started.exited, 0);
  assert.match(started.printed(), /appTerminate ran/);
});

test('it stops when its parent lets go of it', async (t) => {
  const started = start(t, ['--app', await makeApp(t, app), '--port', '0']);
  await listening(started);
  started.child.disconnect();
  assert.equal(await started.exited, 0);
});

test('it does not outlive a parent that was killed', async (t) => {
  const args = ['--app', await makeApp(t, app), '--port', '0'];
  const source = `const { fork } = require('node:child_process');
    const child = fork(${JSON.stringify(main)}, ${JSON.stringify(args)});
    child.on('message', ({ url }) => process.send({ url, pid: child.pid }));`;
  const parent = fork(join(makeFolder(t, { 'parent.cjs': source }), 'parent.cjs'), { silent: true });
  assert.ok(parent.stdout);
  parent.stdout.resume();
  let outlived = true;
  // Both write to the same pipe: it ends when the last of them has gone.
  const gone = once(parent.stdout, 'end').then(() => (outlived = false));
  const [{ url, pid }] = (await once(parent, 'message')) as [{ url: string; pid: number }];
  t.after(() => {
    if (outlived) process.kill(pid, 'SIGKILL');
  });
  assert.equal(await refuses(url), false);
  parent.kill('SIGKILL');
  await gone;
  assert.equal(await refuses(url), true);
});

test('a rejection nobody handles answers the running calls with 500; the third ends the host with 0', async (t) => {
  const started = start(t, ['--app', await makeApp(t, app), '--port', '0']);
  const { url } = await listening(started);
  for (let count = 0; count < 3; count++) assert.equal((await get(url, '/api/crash')).status, 500);
  assert.equal(await started.exited, 0);
  assert.match(started.printed(), /The worker crashed\.\nError: nobody waits for this/);
});

test('an app with its own listener for such rejections is not taken for crashed', async (t) => {
  const source = `process.on('unhandledRejection', () => { console.log('handled by the app'); globalThis.end({ body: 'lives' }); });
    app.http('one', { handler: () => { Promise.reject(new Error('x')); return new Promise((resolve) => { globalThis.end = resolve; }); } });`;
  const { url } = await listening(start(t, ['--app', await makeApp(t, source), '--port', '0']));
  assert.equal((await get(url, '/api/one')).body, 'lives');
});

test('an app that fails while it starts ends the host with one line', async (t) => {
  const failures: [string, string][] = [
    [`app.hook.appStart(() => { throw new Error('no start today'); });`, 'no start today\n'],
    [`Promise.reject(new Error('at load'));`, 'The app failed while it started: at load\n'],
  ];
  for (const [source, line] of failures) {
    const started = start(t, ['--app', await makeApp(t, source), '--port', '0']);
    assert.equal(await started.exited, 1);
    assert.equal(started.printed(), line);
  }
});
