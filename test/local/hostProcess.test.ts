// Core Tools as the host of a local run, played by a program of that name: what they are started with, and that they end.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startHostProcess } from '../../local/hostProcess.ts';

const folder = mkdtempSync(join(tmpdir(), 'func-'));
after(() => {
  rmSync(folder, { recursive: true });
});

/** Like the real ones: prints, answers the status, has a worker process, and stops when asked, unless `stubborn`. */
const func = `#!${process.execPath}
const { spawn } = require('node:child_process');
const { writeFileSync } = require('node:fs');
const [action, option, port] = process.argv.slice(2);
if (action === '--version') process.exit(0);
const worker = spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); setTimeout(() => {}, 30000)"], { stdio: 'inherit' });
writeFileSync(process.env.FUNC_REPORT, JSON.stringify({ pid: process.pid, worker: worker.pid, action, option, env: process.env, cwd: process.cwd() }));
console.log('Azure Functions Core Tools');
if (process.env.FUNC_MOOD === 'broken') { console.error('Port is cursed'); process.exit(1); }
process.on('SIGTERM', () => { if (process.env.FUNC_MOOD !== 'stubborn') process.exit(0); });
require('node:http').createServer((request, response) => response.end('{"state":"Running"}')).listen(Number(port), '127.0.0.1');
`;
writeFileSync(join(folder, 'func'), func);
chmodSync(join(folder, 'func'), 0o755);

interface Report {
  readonly pid: number;
  readonly worker: number;
  readonly action: string;
  readonly option: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}
let reports = 0;

function setUp(mood = '') {
  const report = join(folder, `report-${String(++reports)}.json`);
  const environment = {
    PATH: [folder, process.env['PATH'] ?? ''].join(delimiter),
    FUNC_REPORT: report,
    FUNC_MOOD: mood,
    FUNCTIONS_WORKER_RUNTIME: 'node',
  };
  const lines: string[] = [];
  const options = {
    kind: 'func',
    port: 0,
    keys: { master: 'm', function: 'f' },
    environment,
    onLine: (line: string) => lines.push(line),
  } as const;
  return { options, lines, read: () => JSON.parse(readFileSync(report, 'utf8')) as Report };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended but was not yet waited for can still be signalled.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone({ pid, worker }: Report): Promise<void> {
  for (let attempt = 0; attempt < 100 && [pid, worker].some(isAlive); attempt += 1) await sleep(50);
  assert.deepEqual([pid, worker].filter(isAlive), [], 'a process was left behind');
}

test('Core Tools get a free port and the environment of the run, and nothing of theirs is left', async () => {
  const { options, lines, read } = setUp();
  const host = await startHostProcess(options);
  const report = read();
  assert.equal((await fetch(`${host.url}/admin/host/status`)).status, 200);
  assert.deepEqual([report.action, report.option], ['start', '--port']);
  assert.equal(report.cwd, fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, ''));
  assert.equal(report.env['FUNCTIONS_WORKER_RUNTIME'], 'node');
  assert.ok(lines.includes('Azure Functions Core Tools'));
  await host.stop();
  assert.equal(await host.ended, 'the host ended (exit code 0)');
  await gone(report);
});

test('a host that cannot start is told with its last lines', async () => {
  const { options, read } = setUp('broken');
  await assert.rejects(
    startHostProcess(options),
    /the host ended \(exit code 1\)\. Its last lines:[^]*cursed/,
  );
  await gone(read());
});

test('on a port that is in use Core Tools are not started: what answers there is another host', async (t) => {
  const squatter = createServer().listen(0, '127.0.0.1');
  t.after(() => squatter.close());
  await once(squatter, 'listening');
  const address = squatter.address();
  assert.ok(address !== null && typeof address === 'object');
  const { options, read } = setUp();
  await assert.rejects(startHostProcess({ ...options, port: address.port }), /is in use.*LOCAL_PORT_HOST/);
  assert.throws(read, /ENOENT/);
});

/** A run in a process of its own, as far as this test is concerned: it starts the host and waits. */
async function runElsewhere(t: TestContext, mood: string) {
  const { options, read } = setUp(mood);
  const module = new URL('../../local/hostProcess.ts', import.meta.url).href;
  const program = `
    const { startHostProcess } = await import(${JSON.stringify(module)});
    const host = await startHostProcess({ ...${JSON.stringify(options)}, onLine() {} });
    process.on('SIGTERM', () => { void host.stop(); setTimeout(() => process.exit(130), 200); });
    console.log('up');
    setInterval(() => {}, 1000);`;
  const run = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => run.kill('SIGKILL'));
  await once(run.stdout, 'data');
  return { run, report: read() };
}

test('when the run is killed outright, Core Tools and their worker end', async (t) => {
  const { run, report } = await runElsewhere(t, '');
  run.kill('SIGKILL');
  await gone(report);
});

test('when the run does not wait for a host that will not stop, it is ended at once', async (t) => {
  const { run, report } = await runElsewhere(t, 'stubborn');
  run.kill('SIGTERM');
  await once(run, 'exit');
  await gone(report);
});
