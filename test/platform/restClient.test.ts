// Requests to upstreams: how often they are sent, how long they may take, how much is read, and what an error says.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import type { AddressInfo } from 'node:net';
import { createRestClient, type RestRequest } from '../../src/platform/restClient.ts';
import { broken, FakeTransport, type Scripted } from './transport.ts';

const url = 'https://graph.microsoft.com/v1.0/things';
const get: RestRequest = { method: 'GET', url };
const always = (answer: Scripted): FakeTransport => new FakeTransport(async () => answer);
const quick = { 'retry-after-ms': '0' };

test('any status is an answer, with its text, headers and the time of the server', async () => {
  const date = 'Sun, 01 Mar 2026 12:00:00 GMT';
  for (const status of [200, 204, 302, 400, 401, 404, 409, 412, 429]) {
    const httpClient = always({ status, headers: { date, etag: '"1"' }, body: '{"a":1}' });
    const reply = await createRestClient({ maxRetries: 3, httpClient }).send(get);
    assert.deepEqual(
      [reply.status, reply.text, reply.header('ETag'), reply.header('x'), reply.serverTime],
      [status, '{"a":1}', '"1"', undefined, Date.parse(date)],
    );
    assert.equal(httpClient.requests.length, 1);
  }
});

test('without a readable date the time of the server is not known', async () => {
  for (const headers of [{}, { date: 'soon' }]) {
    const reply = await createRestClient({
      maxRetries: 0,
      httpClient: always({ status: 200, headers }),
    }).send(get);
    assert.equal(reply.serverTime, undefined);
  }
});

test('a redirect is not followed: it could carry the token to another host', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const location of ['https://evil.example/', '/v1.0/others']) {
      const httpClient = always({ status, headers: { location } });
      assert.equal((await createRestClient({ maxRetries: 3, httpClient }).send(get)).status, status);
      assert.equal(httpClient.requests.length, 1);
    }
  }
});

test('what must not happen twice is sent once, whatever comes back', async () => {
  for (const answer of [{ status: 503, headers: quick }, { status: 429, headers: quick }, { status: 500 }]) {
    const httpClient = always(answer);
    const reply = await createRestClient({ maxRetries: 0, httpClient }).send({
      ...get,
      method: 'POST',
      body: '{}',
    });
    assert.equal(reply.status, answer.status);
    assert.equal(httpClient.requests.length, 1);
  }
  const cut = new FakeTransport(async (request) => {
    throw broken(request);
  });
  await assert.rejects(createRestClient({ maxRetries: 0, httpClient: cut }).send(get), {
    code: 'upstream_failed',
  });
  assert.equal(cut.requests.length, 1);
});

test('throttling with a short wait, a failing service and a broken connection are tried again', async () => {
  const httpClient = new FakeTransport(async (request, number) => {
    if (number === 1) return { status: 429, headers: quick };
    if (number === 2) throw broken(request);
    return { status: 200, body: 'ok' };
  });
  const reply = await createRestClient({ maxRetries: 3, httpClient }).send(get);
  assert.equal(reply.text, 'ok');
  assert.equal(httpClient.requests.length, 3);
});

test('an answer that breaks off is a broken connection, too', async () => {
  const cut = (): Readable =>
    new Readable({
      read() {
        this.push('half');
        this.destroy(new Error('aborted'));
      },
    });
  const httpClient = new FakeTransport(async (_, number) => ({
    status: 200,
    body: number === 1 ? cut() : 'ok',
  }));
  assert.equal((await createRestClient({ maxRetries: 1, httpClient }).send(get)).text, 'ok');
  const always = new FakeTransport(async () => ({ status: 200, body: cut() }));
  await assert.rejects(createRestClient({ maxRetries: 0, httpClient: always }).send(get), {
    code: 'upstream_failed',
  });
  assert.equal(always.requests.length, 1);
});

test('after the last try its answer comes back', async () => {
  const httpClient = always({ status: 503, headers: quick, body: 'busy' });
  const reply = await createRestClient({ maxRetries: 2, httpClient }).send(get);
  assert.deepEqual([reply.status, reply.text, httpClient.requests.length], [503, 'busy', 3]);
});

test('the body of every try is read, so that no connection stays busy', async () => {
  const httpClient = always({ status: 503, headers: quick, body: 'busy' });
  await createRestClient({ maxRetries: 2, httpClient }).send(get);
  assert.equal(httpClient.bodies.length, 3);
  assert.ok(httpClient.bodies.every((body) => body.readableEnded));
});

test('a wait above five seconds goes back to the caller with its length', async () => {
  const date = 'Sun, 01 Mar 2026 12:00:00 GMT';
  const long: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ 'retry-after': '6' }, '6'],
    [{ 'retry-after-ms': '5001' }, '6'],
    [{ 'x-ms-retry-after-ms': '5001' }, '6'],
    [{ 'retry-after': '6', 'retry-after-ms': '6000' }, '6'],
    [{ 'retry-after': 'Sun, 01 Mar 2026 12:00:06 GMT', date }, 'Sun, 01 Mar 2026 12:00:06 GMT'],
    [{ 'retry-after': 'Sun, 01 Mar 2026 12:00:01 GMT' }, 'Sun, 01 Mar 2026 12:00:01 GMT'],
    [{ 'retry-after': 'soon' }, 'soon'],
  ];
  for (const [headers, kept] of long) {
    const httpClient = always({ status: 429, headers });
    const reply = await createRestClient({ maxRetries: 3, httpClient }).send(get);
    assert.equal(reply.status, 429);
    assert.equal(reply.header('x-retry-after'), kept);
    assert.equal(httpClient.requests.length, 1);
  }
  const passed = { 'retry-after': 'Sun, 01 Mar 2026 12:00:00 GMT', date };
  const short = always({ status: 429, headers: passed });
  await createRestClient({ maxRetries: 1, httpClient: short }).send(get);
  assert.equal(short.requests.length, 2);
});

test('an answer above the limit is refused while it arrives', async () => {
  let read = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        read += 1;
        yield Buffer.alloc(100);
      }
    })(),
  );
  const httpClient = always({ status: 200, body: endless });
  const limited = { ...get, maxBytes: 1000 };
  await assert.rejects(createRestClient({ maxRetries: 3, httpClient }).send(limited), {
    code: 'upstream_failed',
    message: 'A service behind this app answered more than is accepted.',
  });
  assert.ok(read < 200, String(read));
  assert.ok(endless.destroyed);
  assert.equal(httpClient.requests.length, 1);
  const exact = always({ status: 200, body: 'é'.repeat(500) });
  const reply = await createRestClient({ maxRetries: 0, httpClient: exact }).send(limited);
  assert.equal(reply.text.length, 500);
});

const hanging = (): FakeTransport =>
  new FakeTransport(
    ({ abortSignal }) =>
      new Promise((_, reject) => {
        const stop = (): void => {
          reject(new Error('aborted'));
        };
        if (abortSignal?.aborted) stop();
        abortSignal?.addEventListener('abort', stop);
      }),
  );

test('no answer in time is a timeout', async () => {
  const client = createRestClient({ maxRetries: 3, httpClient: hanging() });
  await assert.rejects(client.send({ ...get, timeoutMs: 10 }), { code: 'upstream_timeout' });
});

test('the time limit holds for all tries and their waits together', async () => {
  const httpClient = always({ status: 503, headers: { 'retry-after': '5' } });
  const client = createRestClient({ maxRetries: 3, httpClient });
  await assert.rejects(client.send({ ...get, timeoutMs: 20 }), { code: 'upstream_timeout' });
  assert.equal(httpClient.requests.length, 1);
});

test('who gives up gets back his own reason', async () => {
  const stop = new AbortController();
  const waiting = createRestClient({ maxRetries: 3, httpClient: hanging() }).send({
    ...get,
    signal: stop.signal,
  });
  const reason = new Error('the run is over');
  stop.abort(reason);
  await assert.rejects(waiting, reason);
  const late = always({ status: 200 });
  await assert.rejects(
    createRestClient({ maxRetries: 3, httpClient: late }).send({ ...get, signal: stop.signal }),
    reason,
  );
  assert.equal(late.requests.length, 0);
});

test('over a real connection a reply that breaks off is a failure, and one that stops is a timeout', async () => {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    response.writeHead(200, { 'content-length': 100 });
    response.write('half');
    if (request.url === '/cut') setImmediate(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  process.env['LOCAL_ROUTES'] = JSON.stringify({ graph: `http://127.0.0.1:${String(port)}` });
  createRequire(import.meta.url)('../../local/preload.cjs');
  const client = createRestClient({ maxRetries: 0 });
  const real = { ...get, url: 'https://graph.microsoft.com/cut' };
  await assert.rejects(client.send(real), { code: 'upstream_failed' });
  await assert.rejects(client.send({ ...get, timeoutMs: 50 }), { code: 'upstream_timeout' });
  assert.equal(requests, 2);
});
