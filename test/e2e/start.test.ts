// `npm start` and `npm run azure` as a newcomer meets them: what is printed, what is left behind, what a mistake gets.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { readRunFile, writeRunFile } from '../../local/runFile.ts';
import { anyPorts, printed, runLocal, type StartedProcess } from '../support/localRun.ts';

const directory = mkdtempSync(join(tmpdir(), 'telehealth-start-'));
const environment = { ...anyPorts, LOCAL_DIR: directory };
after(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function started(script: string, ...args: string[]): Promise<StartedProcess> {
  const run = runLocal(script, args, environment);
  after(() => run.child.kill('SIGKILL'));
  await printed(run, 'Ctrl-C stops everything.');
  return run;
}

test('npm start shows the three jobs, tells where everything is, and leaves nothing behind', async () => {
  const begun = performance.now();
  const run = await started('start.ts', '--host', 'local');
  assert.ok(performance.now() - begun < 60_000);
  assert.match(run.output(), /✓ token issued for 8:acs:\S+, valid until \d{4}-/);
  assert.match(
    run.output(),
    /✓ secret dicom-client-secret rotated from key id [0-9a-f-]{36} to key id [0-9a-f-]{36}/,
  );
  assert.match(
    run.output(),
    /✓ 3 changes delivered .*queue dicom-changes.*container dicom-changes \(\S+\.ndjson/,
  );

  const file = readRunFile(directory);
  assert.ok(file);
  assert.equal(statSync(join(directory, 'run.json')).mode & 0o777, 0o600);
  assert.equal(file.pid, run.child.pid);
  assert.deepEqual(file.host, { kind: 'local', url: file.host.url, keysEnforced: true });

  const line =
    /^ {2}(curl -X POST \S+\/api\/tokens .*)$/m.exec(run.output())?.[1] ?? assert.fail('no curl line');
  const answer = execFileSync('sh', ['-c', `${line} -s`], { encoding: 'utf8' });
  assert.match(answer, /"communicationUserId":"8:acs:/);

  const second = runLocal('start.ts', ['--host', 'local'], environment);
  assert.equal(await second.ended, 1);
  assert.match(second.output(), /already going on .*LOCAL_DIR/);

  run.child.kill('SIGINT');
  assert.equal(await run.ended, 0);
  assert.deepEqual(
    ['run.json', 'bearer.txt', 'dicom-bearer.txt'].filter((file) => existsSync(join(directory, file))),
    [],
  );
  for (const url of [file.host.url, file.azure.graph, file.azure.faults]) {
    await assert.rejects(fetch(url), 'something still listens');
  }
});

test('--help tells the options and starts nothing', async () => {
  for (const [script, usage] of [
    ['start.ts', /^Usage: npm start -- \[options\]\n[^]* --host [^]* --verbose [^]* LOCAL_PORT_HOST 7071\n/],
    ['azure.ts', /^Usage: npm run azure\n[^]* LOCAL_PORT_HOST 7071\n/],
  ] as const) {
    const help = runLocal(script, ['--help'], environment);
    assert.equal(await help.ended, 0);
    assert.match(help.output(), usage);
    assert.doesNotMatch(help.output(), /Building/);
  }
});

test('with LOCAL_STATE it goes on where it stopped', async (t) => {
  const state = { LOCAL_STATE: join(directory, 'state') };
  const first = runLocal('start.ts', ['--host', 'local'], { ...environment, ...state });
  t.after(() => first.child.kill('SIGKILL'));
  await printed(first, 'Ctrl-C stops everything.');
  const [, keyId] = /to key id ([0-9a-f-]{36})/.exec(first.output()) ?? [];
  const [, identity] = /token issued for (8:acs:[^,]+)/.exec(first.output()) ?? [];
  first.child.kill('SIGINT');
  await first.ended;
  const second = runLocal('start.ts', ['--host', 'local'], { ...environment, ...state });
  t.after(() => second.child.kill('SIGKILL'));
  await printed(second, 'Ctrl-C stops everything.');
  assert.match(second.output(), new RegExp(`token issued for ${identity ?? 'nobody'},`));
  assert.match(second.output(), new RegExp(`secret dicom-client-secret stands at key id ${keyId ?? 'none'}`));
  assert.match(second.output(), /changes delivered up to sequence 3:/);
  second.child.kill('SIGINT');
  await second.ended;
});

/** Core Tools, played by a script: like them it takes the worker's arguments from the environment and has a child process. */
function playCoreTools(): { readonly path: string; readonly seen: () => string } {
  const folder = join(directory, 'core-tools');
  const seen = join(folder, 'environment');
  mkdirSync(folder);
  const script = `#!/bin/sh
[ "$1" = --version ] && exit 0
{ echo "arguments=$*"; env; } > '${seen}'
'${process.execPath}' $languageWorkers__node__arguments local/host/main.ts --port "$3" &
wait`;
  writeFileSync(join(folder, 'func'), script, { mode: 0o755 });
  return { path: [folder, process.env['PATH']].join(delimiter), seen: () => readFileSync(seen, 'utf8') };
}

test('where Core Tools are it uses them, with the settings of the run; killed outright, it leaves no host behind', async () => {
  const { path, seen } = playCoreTools();
  const shell = { PATH: path, AZURE_CLIENT_ID: 'of-the-shell', HTTPS_PROXY: 'http://127.0.0.1:9' };
  const run = runLocal('start.ts', [], { ...environment, ...shell });
  after(() => run.child.kill('SIGKILL'));
  await printed(run, 'Ctrl-C stops everything.');
  assert.equal(run.output().match(/✓/g)?.length, 3, run.output());
  const { host, azure } = readRunFile(directory) ?? assert.fail('no run file');
  assert.deepEqual(host, { kind: 'func', url: host.url, keysEnforced: false });
  assert.match(seen(), new RegExp(`^arguments=start --port ${new URL(host.url).port}$`, 'm'));
  assert.ok(seen().includes(`\nAzureWebJobsStorage=${azure.storage}\n`));
  assert.ok(seen().includes(`\nIDENTITY_ENDPOINT=${azure.managedIdentity}/msi/token\n`));
  assert.doesNotMatch(seen(), /of-the-shell|HTTPS_PROXY/);
  run.child.kill('SIGKILL');
  await run.ended;
  await unanswered(host.url);
});

async function unanswered(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (!answered) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('the host still answers');
}

test('npm run azure starts storage and stand-ins alone and names the host that Core Tools will start', async () => {
  const run = await started('azure.ts');
  const file = readRunFile(directory);
  assert.equal(file?.host.kind, 'func');
  assert.equal(file.host.keysEnforced, false);
  assert.equal((await fetch(`${file.azure.faults}/state`)).status, 200);
  // As when its terminal is closed.
  run.child.kill('SIGHUP');
  assert.equal(await run.ended, 0);
  assert.equal(existsSync(join(directory, 'run.json')), false);
});

test('a busy port is one line that names the setting, also beside the file of a run that is no more', async (t) => {
  const gone = 'http://127.0.0.1:9';
  writeRunFile(directory, {
    // Of a living process, but not of a run.
    pid: process.pid,
    host: { kind: 'local', url: gone, keysEnforced: true },
    keys: { master: 'm', function: 'f' },
    demo: { bearer: 'b', dicomBearer: 'd', userId: 'u' },
    azure: {
      ...{ storage: 's', managedIdentity: gone, entra: gone, graph: gone },
      ...{ keyVault: gone, communication: gone, dicom: gone, subscriber: gone, faults: gone },
    },
  });
  const squatter = createServer().listen(0, '127.0.0.1');
  t.after(() => squatter.close());
  await new Promise((resolve) => squatter.once('listening', resolve));
  const address = squatter.address();
  assert.ok(address !== null && typeof address === 'object');
  for (const name of ['LOCAL_PORT_GRAPH', 'LOCAL_PORT_HOST', 'LOCAL_PORT_TABLE']) {
    const run = runLocal('start.ts', ['--host', 'local'], { ...environment, [name]: String(address.port) });
    assert.equal(await run.ended, 1);
    assert.match(run.output(), new RegExp(`Port ${address.port} is in use.*${name}`));
    assert.doesNotMatch(run.output(), /\n\s+at /);
  }
});

test('a wrong option or port is refused with what is expected', async () => {
  const option = runLocal('start.ts', ['--host', 'docker'], environment);
  assert.equal(await option.ended, 1);
  assert.match(option.output(), /--host: found "docker"; expected local or func/);
  for (const script of ['start.ts', 'azure.ts']) {
    const unknown = runLocal(script, ['--hots', 'func'], environment);
    assert.equal(await unknown.ended, 1);
    assert.match(unknown.output(), /^Unknown option '--hots'/);
    assert.doesNotMatch(unknown.output(), /\n\s+at /);
  }
  const port = runLocal('start.ts', [], { ...environment, LOCAL_PORT_DICOM: 'http' });
  assert.equal(await port.ended, 1);
  assert.match(port.output(), /LOCAL_PORT_DICOM: 'http' is not a port/);
});

test('an older Node is told in one line which one is needed', () => {
  const check = join(import.meta.dirname, '../../scripts/needs-node.cjs');
  const old = "Object.defineProperty(process.versions, 'node', { value: '20.20.2' });";
  const run = (before: string): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, ['--eval', `${before} require(${JSON.stringify(check)})`], {
      encoding: 'utf8',
    });
  assert.equal(run('').status, 0);
  const refused = run(old);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^Node 22\.18 or newer is needed.*\n$/);
});
