// What becomes of an app that is wrong: as measured, the host of most of them runs on with what is right.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startHost } from '../../../local/host/host.ts';
import { makeApp, makeFolder, runApp, type TestHost } from './kit.ts';

const fine = `app.http('fine', { handler: () => ({ body: 'fine' }) });`;
const keys = { master: 'm-key' };

const errors = ({ lines }: TestHost) =>
  lines.filter(({ level }) => level === 'error').map(({ message }) => message);

async function assertRunsEmpty(host: TestHost, reason: RegExp): Promise<void> {
  assert.equal(host.host.state, 'Running');
  assert.deepEqual(host.host.functions, []);
  assert.equal((await host.get('/api/fine')).status, 404);
  const status = await host.get('/admin/host/status', { 'x-functions-key': 'm-key' });
  assert.equal((JSON.parse(status.body) as { state: string }).state, 'Running');
  assert.equal(errors(host).length, 1);
  assert.match(errors(host)[0] ?? '', reason);
}

test('an app that throws while loading leaves a running host without any function and one error line', async (t) => {
  const host = await runApp(t, `${fine} throw new Error('boom at the end');`, { keys });
  await assertRunsEmpty(host, /boom at the end/);
});

test('so does a function name used twice', async (t) => {
  const host = await runApp(t, fine + fine, { keys });
  await assertRunsEmpty(host, /A function with name "fine" has already been registered\./);
});

test('so does a package without main, or with a main that is not there', async (t) => {
  for (const [packageJson, reason] of [
    ['{}', /expected "main"/],
    ['{"main":"nothing.cjs"}', /nothing\.cjs/],
  ] as const) {
    const appDirectory = makeFolder(t, { 'package.json': packageJson, 'host.json': '{"version":"2.0"}' });
    await assertRunsEmpty(await runApp(t, '', { keys, appDirectory }), reason);
  }
});

test('two names that differ in letter case only stop everything: state Error, every route 503', async (t) => {
  const host = await runApp(t, `${fine} app.http('FINE', { route: 'other', handler: () => ({}) });`, {
    keys,
  });
  assert.equal(host.host.state, 'Error');
  assert.deepEqual([(await host.get('/api/fine')).status, (await host.get('/nope')).status], [503, 503]);
  const status = await host.get('/admin/host/status', { 'x-functions-key': 'm-key' });
  assert.equal((JSON.parse(status.body) as { state: string }).state, 'Error');
});

async function assertOnlyOneInError(t: TestContext, bad: string, reason: RegExp): Promise<void> {
  const host = await runApp(t, fine + bad);
  assert.equal(host.host.state, 'Running');
  assert.deepEqual(
    host.host.functions.map(({ name }) => name),
    ['fine'],
  );
  assert.equal((await host.get('/api/fine')).body, 'fine');
  assert.equal(errors(host).length, 1, bad);
  assert.match(errors(host)[0] ?? '', reason);
}

test('a function that is wrong by itself is in error and the rest runs', async (t) => {
  const handler = 'handler: () => ({})';
  const wrong: [string, RegExp][] = [
    [`app.http('1bad', { ${handler} });`, /The '1bad' function is in error: '1bad' is not a function name/],
    [`app.http('bad', { authLevel: 'root', ${handler} });`, /'root' is not an authLevel/],
    [`app.http('bad', { route: 'Admin/x', ${handler} });`, /conflicts with a built-in route/],
    [`app.http('bad', { route: 'runtimes', ${handler} });`, /conflicts with a built-in route/],
    [`app.http('bad', { route: '/x', ${handler} });`, /'api\/\/x' has an empty segment/],
    [
      `app.http('zbad', { route: 'FINE', methods: ['POST'], ${handler} });`,
      /conflicts with that of function 'fine'/,
    ],
    [
      `app.timer('bad', { schedule: '%UNSET_SCHEDULE%', ${handler} });`,
      /'%UNSET_SCHEDULE%' does not resolve/,
    ],
    [
      `app.timer('bad', { schedule: '0 61 * * * *', ${handler} });`,
      /'0 61 \* \* \* \*' is neither an NCRONTAB/,
    ],
    [`app.storageQueue('bad', { queueName: 'q', connection: 'c', ${handler} });`, /not 'queueTrigger'/],
  ];
  for (const [bad, reason] of wrong) await assertOnlyOneInError(t, bad, reason);
});

test('the same route with other methods is no conflict', async (t) => {
  const host = await runApp(
    t,
    `${fine} app.http('zother', { route: 'fine', methods: ['PUT'], handler: () => ({ body: 'put' }) });`,
  );
  assert.equal((await host.send({ method: 'PUT', path: '/api/fine' })).body, 'put');
});

test('functions are tried in the order of their names, whatever their routes', async (t) => {
  const host = await runApp(
    t,
    `app.http('zliteral', { route: 'things/new', handler: () => ({ body: 'literal' }) });
     app.http('aparameter', { route: 'things/{id}', handler: () => ({ body: 'parameter' }) });`,
  );
  assert.equal((await host.get('/api/things/new')).body, 'parameter');
});

test('nothing can be registered after the start, and an unknown hook is a RangeError', async (t) => {
  const host = await runApp(
    t,
    `const core = require('@azure/functions-core');
     const attempt = (work) => { try { work(); return 'allowed'; } catch (error) { return error.name + ': ' + error.message; } };
     app.http('late', { handler: () => ({ jsonBody: [
       attempt(() => app.http('another', { handler: () => ({}) })),
       attempt(() => app.setup({ enableHttpStream: false })),
       attempt(() => core.registerHook('onMoonrise', () => {})),
     ] }) });`,
  );
  assert.deepEqual(JSON.parse((await host.get('/api/late')).body), [
    'Error: A function can only be registered during app startup.',
    "Error: Setup options can't be changed after app startup has finished.",
    'RangeError: Unrecognized hook "onMoonrise"',
  ]);
});

async function startError(t: TestContext, source: string, hostJson: object = {}): Promise<string> {
  const appDirectory = await makeApp(t, source, hostJson);
  const started = startHost({ appDirectory, port: 0, environment: {}, log: () => undefined });
  return started.then(
    async (host) => {
      await host.stop();
      return 'started';
    },
    (error: unknown) => (error instanceof Error ? error.message : ''),
  );
}

test('an appStart hook that throws stops the host', async (t) => {
  assert.equal(
    await startError(t, `${fine} app.hook.appStart(() => { throw new Error('not today'); });`),
    'not today',
  );
});

test('a bad host.json is refused with its field', async (t) => {
  assert.match(
    await startError(t, fine, { functionTimeout: 'soon' }),
    /host\.json: functionTimeout: expected hh:mm:ss or -1\./,
  );
  assert.match(
    await startError(t, fine, { extensions: { http: { routePrefix: 5 } } }),
    /host\.json: extensions\.http\.routePrefix: /,
  );
});
