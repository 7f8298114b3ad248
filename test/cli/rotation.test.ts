// `npm run rotation` as people and pipelines call it: a process of its own, and the app that it talks to.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { demo } from '../../local/demo.ts';
import { apiOf } from '../support/api.ts';
import { startOwnStack } from '../support/hosts.ts';
import { commandOf } from './appProcess.ts';

const { startHost } = await startOwnStack({});
const host = await startHost();
const api = apiOf(host.run);
const { directory, start, call: rotation } = commandOf('rotation.ts', host.run);
afterEach(() => api.clearFaults());

const { appId, secretName } = demo.serviceClient;

test('plan says what run then does, and status tells of it, each with its exit code', async () => {
  const before = await rotation(['status']);
  assert.deepEqual([before.code, before.err], [0, '']);
  assert.match(before.out, new RegExp(`^APP ID .*NEXT ROTATION\n${appId}  ${secretName}  not started .*\n$`));
  const plan = await rotation(['plan']);
  assert.deepEqual([plan.code, plan.err], [0, '']);
  assert.match(plan.out, new RegExp(`^${secretName} of ${appId}: planned .*\n  - mint, prove and publish`));
  const run = await rotation(['run', '--target', secretName]);
  assert.deepEqual([run.code, run.err], [0, '']);
  assert.match(
    run.out,
    /: rotated \(.* s\)\n {2}- mint, .*\n {2}new key id [0-9a-f-]{36}, version [0-9a-f]{32} /,
  );
  const after = await rotation(['status']);
  assert.match(
    after.out,
    new RegExp(`\n${appId}  ${secretName}  rotated +(90.0|89.9) d +\\d +0 +0 +<1 min ago`),
  );
});

test('--json prints the answer as it is, and the problem where it is one', async () => {
  const { code, out } = await rotation(['status', '--json']);
  assert.deepEqual([code, out], [0, `${(await api.operation('GET', 'rotations')).text}\n`]);
  const problem = await rotation(['plan', '--target', 'nobody', '--json']);
  assert.equal(problem.code, 2);
  assert.deepEqual(z.looseObject({ code: z.string() }).parse(JSON.parse(problem.out)).code, 'not_found');
  assert.match(problem.err, /^not_found: target: .*\nrequestId: [0-9a-f-]{36}\n$/);
});

test('a client that fails makes the exit code 1, and what mends it is said', async () => {
  await api.fault({
    service: 'graph',
    path: 'applications',
    effect: { status: 403, body: { error: { code: 'Authorization_RequestDenied', message: 'No.' } } },
  });
  const run = await rotation(['run']);
  assert.equal(run.code, 1);
  assert.match(run.out, /: failed .*\n {2}graph_denied: .* az rest /);
  assert.equal((await rotation(['status'])).code, 1);
});

/** Until the stand-in of Graph is being asked. */
async function graphIsAsked(): Promise<void> {
  const entry = z.array(z.looseObject({ status: z.number() }));
  for (let tries = 0; tries < 200; tries += 1) {
    const reply = await fetch(`${host.run.azure.faults}/requests?service=graph`);
    if (entry.parse(await reply.json()).some(({ status }) => status === 0)) return;
    await sleep(25);
  }
  assert.fail('Graph was not asked');
}

test('Ctrl-C ends the waiting and says that the run goes on; another run is told that it is busy', async () => {
  await api.fault({ service: 'graph', effect: { delayMs: 3000 } });
  const first = start(['run']);
  await graphIsAsked();
  first.child.kill('SIGINT');
  const { code, err, out } = await first.ended;
  assert.deepEqual([code, out], [130, '']);
  assert.match(err, /^interrupted: .*the run itself goes on\.\n.* -- status\n$/);
  const second = await rotation(['run', '--force', '--yes', '--reason', 'a drill']);
  assert.equal(second.code, 4);
  assert.match(second.err, /^busy: Another run is at work .*\nrequestId: /);
  assert.equal((await api.whenFree('POST', 'rotations', { dryRun: true })).status, 200);
  // The report of the test before said "failed": the run that nobody waited for has ended well since.
  assert.equal((await rotation(['status'])).code, 0);
});

test('what cannot be reached or does not let in ends with 3', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const address = closed.address();
  assert.ok(typeof address === 'object' && address !== null);
  closed.close();
  const { code, err } = await rotation(['status', '--url', `http://127.0.0.1:${address.port}`]);
  assert.equal(code, 3);
  assert.match(err, /^unreachable: http:\/\/127\.0\.0\.1:\d+ could not be reached \(ECONNREFUSED\)\.\n$/);
  for (const [args, environment, input] of [
    [['--key-stdin'], {}, 'the-wrong-key\n'],
    [['--key', 'the-wrong-key'], {}],
    [['--url', host.url], { FUNCTION_KEY: 'the-wrong-key' }],
    [[], { FUNCTION_APP_URL: host.url }],
  ] as const) {
    const refused = await rotation(['status', ...args], environment, input);
    assert.equal(refused.code, 3);
    assert.match(refused.err, /^key_refused: .*FUNCTION_KEY/);
  }
  assert.equal((await rotation(['status'], { FUNCTION_KEY: 'the-wrong-key' })).code, 0);
  const named = { FUNCTION_APP_URL: `${host.url}/`, FUNCTION_KEY: host.run.keys.function };
  assert.equal((await rotation(['status'], named)).code, 0);
});

test('--help explains, and what makes no sense is refused before anything is asked', async () => {
  const help = await rotation(['--help']);
  assert.deepEqual([help.code, help.err], [0, '']);
  assert.match(help.out, /--key <key> +the same; other users of this machine can see it/);
  const wrong = await rotation(['run', '--force', '--reason', 'a drill']);
  assert.deepEqual(
    [wrong.code, wrong.err],
    [2, '--yes: needed where nobody can be asked; plan shows what would be done.\n'],
  );
  const nowhere = await rotation(['status'], { LOCAL_DIR: join(directory, 'none') });
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.err, /^--url: missing;/);
});
