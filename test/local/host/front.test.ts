// What the local host's web server answers, beyond the recorded requests: keys, admin routes, limits, CORS, odd results.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { runApp, type TestHost } from './kit.ts';

const keys = { master: 'm-key', function: 'f-key', functions: { guarded: 'own-key' } };
const guarded = `app.http('guarded', { methods: ['GET'], authLevel: 'function', handler: () => ({ body: 'in' }) });
  app.http('boss', { methods: ['GET'], authLevel: 'admin', handler: () => ({ body: 'boss' }) });
  app.http('open', { methods: ['GET', 'POST'], authLevel: 'anonymous', handler: async (req) => ({ body: await req.text() }) });
  app.timer('tick', { schedule: '0 0 0 1 1 *', handler: (timer) => { globalThis.ticked?.(timer); } });`;

async function statuses(host: TestHost, path: string, presented: readonly string[]): Promise<number[]> {
  return Promise.all(presented.map(async (key) => (await host.get(path, { 'x-functions-key': key })).status));
}

test('a function of level function opens to its own, the host and the master key; level admin to the master only', async (t) => {
  const host = await runApp(t, guarded, { keys });
  const presented = ['own-key', 'f-key', 'm-key', 'wrong', ''];
  assert.deepEqual(await statuses(host, '/api/guarded', presented), [200, 200, 200, 401, 401]);
  assert.deepEqual(await statuses(host, '/api/boss', presented), [401, 401, 200, 401, 401]);
  assert.equal((await host.get('/api/guarded?CODE=f-key')).status, 200);
  assert.equal((await host.get('/api/guarded?code=f-key', { 'x-functions-key': '' })).status, 401);
  assert.equal((await host.get('/api/guarded')).headers['content-length'], '0');
});

test('another function’s own key opens nothing', async (t) => {
  const host = await runApp(t, guarded, { keys: { master: 'm-key', functions: { boss: 'own-key' } } });
  assert.deepEqual(await statuses(host, '/api/guarded', ['own-key']), [401]);
});

test('without keys none is asked for, as with Core Tools', async (t) => {
  const host = await runApp(t, guarded);
  assert.equal((await host.get('/api/boss')).body, 'boss');
  assert.equal((await host.get('/admin/host/status')).status, 200);
});

test('a disabled function is there for the master only', async (t) => {
  const environment = { AzureWebJobs_guarded_Disabled: 'true', 'AzureWebJobs.open.Disabled': '1' };
  const host = await runApp(t, guarded, { keys, environment });
  assert.deepEqual(await statuses(host, '/api/guarded', ['', 'f-key', 'm-key']), [401, 404, 200]);
  assert.equal((await host.get('/api/open')).status, 404);
  assert.deepEqual(
    host.host.functions.map((one) => [one.name, one.disabled]),
    [
      ['boss', false],
      ['guarded', true],
      ['open', true],
      ['tick', false],
    ],
  );
});

test('the admin routes are the master’s: 401 with a challenge for nobody, 403 for a function key', async (t) => {
  const host = await runApp(t, guarded, { keys });
  const nobody = await host.get('/admin/host/status');
  assert.deepEqual([nobody.status, nobody.headers['www-authenticate']], [401, 'Bearer']);
  assert.deepEqual(await statuses(host, '/admin/host/status', ['f-key', 'm-key']), [403, 200]);
  const status = await host.get('/ADMIN/host/status/', { 'x-functions-key': 'm-key' });
  assert.equal((JSON.parse(status.body) as { state: string }).state, 'Running');
  assert.deepEqual(await statuses(host, '/admin/host/unknown', ['m-key']), [404]);
});

test('its functions are told with route, methods, level and schedule', async (t) => {
  const host = await runApp(t, guarded, { keys });
  assert.deepEqual(host.host.functions[1], {
    name: 'guarded',
    type: 'httpTrigger',
    disabled: false,
    methods: ['GET'],
    authLevel: 'function',
    route: 'guarded',
    url: `${host.host.url}/api/guarded`,
  });
  assert.deepEqual(host.host.functions[3], {
    name: 'tick',
    type: 'timerTrigger',
    disabled: false,
    schedule: '0 0 0 1 1 *',
  });
});

test('a timer run is accepted at once, in any letter case of its name, and runs in the background', async (t) => {
  const ticked = Promise.withResolvers<unknown>();
  Object.assign(globalThis, { ticked: ticked.resolve });
  const host = await runApp(t, guarded, { keys });
  const run = (headers: Record<string, string>, body: string, name = 'Tick') =>
    host.send({ method: 'POST', path: `/admin/functions/${name}`, headers, body });
  const right = { 'x-functions-key': 'm-key', 'content-type': 'application/json; charset=utf-8' };
  const accepted = await run(right, '{"input":"x"}');
  assert.deepEqual([accepted.status, accepted.body], [202, '']);
  assert.equal(((await ticked.promise) as { isPastDue: boolean }).isPastDue, false);
  const refusals = ['', '[]', 'null', '{"input":1}', '"x"'].map(
    async (body) => (await run(right, body)).status,
  );
  assert.deepEqual(await Promise.all(refusals), [400, 400, 400, 400, 400]);
  assert.equal((await run({ ...right, 'x-functions-key': 'f-key' }, '{}')).status, 403);
  assert.equal((await run(right, '{}', 'nobody')).status, 404);
});

test('a request line over 8 KB is 414, headers over 32 KB are 431, a body over 100 MiB is 500', async (t) => {
  const host = await runApp(t, guarded);
  const big = 'x'.repeat(33 * 1024);
  assert.equal((await host.get(`/api/open?${big.slice(0, 8192)}`)).status, 414);
  assert.equal((await host.get(`/api/open?${big.slice(0, 8000)}`)).status, 200);
  assert.equal((await host.get('/api/open', { 'x-big': big })).status, 431);
  assert.equal((await host.get('/api/open', { 'x-big': 'x'.repeat(200 * 1024) })).status, 431);
  assert.match(
    await raw(host, 'POST /api/open HTTP/1.1\r\nHost: x\r\nContent-Length: 104857601\r\n\r\n'),
    /^HTTP\/1.1 500 /,
  );
  assert.match(await raw(host, 'NONSENSE\r\n\r\n'), /^HTTP\/1.1 400 /);
});

/** Writes bytes and gives back what came first. */
function raw(host: TestHost, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(host.host.url).port), '127.0.0.1', () => socket.write(text));
    socket.on('error', reject);
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
  });
}

test('the headers of host.json are on every answer, also on refusals', async (t) => {
  const hostJson = {
    extensions: { http: { routePrefix: '/v1/', customHeaders: { 'X-Content-Type-Options': 'nosniff' } } },
  };
  const host = await runApp(t, guarded, { hostJson });
  for (const path of ['/v1/open', '/api/open', '/admin/host/ping']) {
    assert.equal((await host.get(path)).headers['x-content-type-options'], 'nosniff', path);
  }
  assert.equal((await host.get('/v1/open')).status, 200);
  assert.equal(host.host.functions[0]?.url, `${host.host.url}/v1/boss`);
});

test('the root has a page unless the app disables it', async (t) => {
  const page = await (await runApp(t, guarded)).get('/');
  assert.deepEqual([page.status, page.headers['content-type']], [200, 'text/html']);
  const without = await runApp(t, guarded, { environment: { AzureWebJobsDisableHomepage: 'true' } });
  assert.equal((await without.get('/')).status, 404);
});

const listed = { origins: ['http://localhost:3000'], credentials: true };
const preflight = (origin: string) => ({
  method: 'OPTIONS',
  path: '/api/open',
  headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-a,x-b' },
});
const grants = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')));

test('a preflight from a listed origin is granted what it asks for', async (t) => {
  const answer = await (await runApp(t, guarded, { cors: listed })).send(preflight('http://localhost:3000'));
  assert.equal(answer.status, 204);
  assert.deepEqual(grants(answer.headers), {
    'access-control-allow-origin': 'http://localhost:3000',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'PUT',
    'access-control-allow-headers': 'x-a,x-b',
  });
});

test('another origin is granted nothing, and without settings there is no CORS at all', async (t) => {
  const host = await runApp(t, guarded, { cors: listed });
  const refused = await host.send(preflight('http://evil.test'));
  assert.deepEqual([refused.status, grants(refused.headers)], [204, {}]);
  assert.deepEqual(grants((await host.get('/api/open', { origin: 'http://evil.test' })).headers), {});
  const allowed = await host.get('/api/open', { origin: 'http://localhost:3000' });
  assert.equal(allowed.headers['access-control-allow-origin'], 'http://localhost:3000');
  const plain = await runApp(t, guarded);
  assert.equal((await plain.send(preflight('http://localhost:3000'))).status, 404);
});

test('with * every origin is allowed', async (t) => {
  const host = await runApp(t, guarded, { cors: { origins: ['*'], credentials: false } });
  const answer = await host.send(preflight('http://any.test'));
  assert.equal(answer.headers['access-control-allow-origin'], '*');
});

async function call(t: TestContext, result: string) {
  const host = await runApp(t, `app.http('one', { handler: () => (${result}) });`);
  return { ...host, answer: await host.get('/api/one') };
}

test('cookies are written as ASP.NET writes them', async (t) => {
  const { answer } = await call(
    t,
    `{ cookies: [{ name: 'sid', value: 'a b;c', path: '/x', httpOnly: true, secure: true, sameSite: 'Lax', maxAge: 60 },
       { name: 'two', value: '2', expires: new Date(86400000), sameSite: 'None', domain: 'd.test' }] }`,
  );
  assert.equal(
    answer.headers['set-cookie'],
    'sid=a%20b%3Bc; max-age=60; path=/x; secure; samesite=lax; httponly,' +
      'two=2; expires=Fri, 02 Jan 1970 00:00:00 GMT; domain=d.test; path=/; samesite=none',
  );
});

test('a 204 keeps its headers and has no body; framing headers of the app are not repeated', async (t) => {
  const gone = await call(t, `{ status: 204, headers: { 'x-a': '1' }, body: 'lost' }`);
  assert.deepEqual([gone.answer.status, gone.answer.headers['x-a'], gone.answer.body], [204, '1', '']);
  const framed = await call(
    t,
    `{ body: 'xyz', headers: { 'content-length': '99', 'transfer-encoding': 'chunked' } }`,
  );
  const { headers, body } = framed.answer;
  assert.deepEqual([headers['content-length'], headers['transfer-encoding'], body], ['3', undefined, 'xyz']);
});

test('neither key nor query nor header of a request reaches the log', async (t) => {
  const host = await runApp(t, guarded, { keys });
  await host.get('/api/guarded?code=f-key&patient=smith', { 'x-secret': 'top' });
  await host.get('/api/guarded?code=m-key', { 'x-functions-key': 'bad-key' });
  const text = JSON.stringify(host.lines);
  assert.match(text, /Executing 'Functions.guarded' \(Reason='[^']+', Id=[0-9a-f-]{36}\)/);
  assert.match(text, /Executed 'Functions.guarded' \(Succeeded, Id=[0-9a-f-]{36}, Duration=\d+ms\)/);
  assert.doesNotMatch(text, /key|smith|top/);
});

test('a stopped host leaves no connection open, not even one on which nothing was asked', async (t) => {
  const { host } = await runApp(t, guarded);
  const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.resume().on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await host.stop();
  await closed;
});
