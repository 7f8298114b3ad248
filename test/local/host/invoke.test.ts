// One call of a function: hooks, log lines, time limit, and what a crash of the worker does to the calls that run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreToolsLog, type LogLine } from '../../../local/host/log.ts';
import { runApp, type TestHost } from './kit.ts';

const userLines = ({ lines }: TestHost) =>
  lines
    .filter(({ category }) => category.endsWith('.User'))
    .map(({ level, message }) => `${level}: ${message}`);

test('hooks run around the handler and share their data', async (t) => {
  const host = await runApp(
    t,
    `app.hook.appStart((context) => { context.hookData.started = true; });
     app.hook.preInvocation((context) => { context.hookData.seen = ['pre']; context.inputs = [...context.inputs]; });
     app.hook.preInvocation((context) => {
       const original = context.functionHandler;
       context.functionHandler = async (...args) => ({ jsonBody: [...context.hookData.seen, await original(...args)] });
     });
     app.hook.postInvocation((context) => { context.result.jsonBody.push('post ' + context.hookData.seen); });
     app.http('one', { handler: () => 'handler' });`,
  );
  assert.deepEqual(JSON.parse((await host.get('/api/one')).body), ['pre', 'handler', 'post pre']);
});

test('a hook that throws before the handler fails the call', async (t) => {
  const host = await runApp(
    t,
    `app.hook.preInvocation(() => { throw new Error('not you'); });
     app.http('one', { handler: () => ({ body: 'reached' }) });`,
  );
  const answer = await host.get('/api/one');
  assert.deepEqual([answer.status, answer.body], [500, '']);
});

test('the app’s lines carry their level; a line after the end is dropped with a warning', async (t) => {
  const host = await runApp(
    t,
    `app.http('one', { handler: (request, context) => {
       context.log('hello', { a: 1 });
       context.warn('careful');
       globalThis.logLate = () => context.log('too late');
       return {};
     } });`,
  );
  await host.get('/api/one');
  (globalThis as unknown as { logLate: () => void }).logLate();
  assert.deepEqual(userLines(host), ['information: hello { a: 1 }', 'warning: careful']);
  assert.match(
    host.lines.at(-1)?.message ?? '',
    /Unexpected call to 'log' on the context object after function execution/,
  );
});

test('a log hook may change a line, and one that throws changes nothing', async (t) => {
  const host = await runApp(
    t,
    `app.hook.log((context) => { if (context.category === 'user') context.message = context.message.toUpperCase(); });
     app.hook.log(() => { throw new Error('broken hook'); });
     app.http('one', { handler: (request, context) => { context.log('quiet'); return {}; } });`,
  );
  assert.equal((await host.get('/api/one')).status, 200);
  assert.deepEqual(userLines(host), ['information: QUIET']);
});

test('a failure is logged with its message and the caller gets an empty 500', async (t) => {
  const host = await runApp(
    t,
    `app.http('one', { handler: () => { throw new TypeError('what went wrong'); } });`,
  );
  const answer = await host.get('/api/one');
  assert.deepEqual([answer.status, answer.body, answer.headers['content-length']], [500, '', '0']);
  const [line] = host.lines.filter(({ level }) => level === 'error');
  assert.match(
    line?.message ?? '',
    /^Executed 'Functions\.one' \(Failed, Id=[^)]+ms\)\nTypeError: what went wrong/,
  );
});

test('a call over functionTimeout gets 500 and the host serves on', async (t) => {
  const host = await runApp(
    t,
    `app.http('hang', { handler: () => new Promise(() => {}) });
     app.http('quick', { handler: () => ({ body: 'quick' }) });`,
    { hostJson: { functionTimeout: '00:00:01' } },
  );
  const [hung, quick] = await Promise.all([host.get('/api/hang'), host.get('/api/quick')]);
  assert.deepEqual([hung.status, quick.body], [500, 'quick']);
  assert.match(JSON.stringify(host.lines), /Timeout value of 1 s was exceeded by function 'Functions.hang'/);
});

const waiting = `app.http('wait', { handler: () => { globalThis.arrived(); return new Promise(() => {}); } });
  app.http('frozen', { handler: () => { throw Object.freeze(new Error('cold')); } });
  app.http('fine', { handler: () => ({ body: 'fine' }) });`;

function nextArrival(): Promise<void> {
  const arrived = Promise.withResolvers<undefined>();
  Object.assign(globalThis, { arrived: arrived.resolve });
  return arrived.promise;
}

test('a crash outside any call answers 500 to every running call; the third in 30 minutes gives the host up', async (t) => {
  let givenUp = 0;
  const host = await runApp(t, waiting, { onGivenUp: () => givenUp++ });
  t.mock.timers.enable({ apis: ['Date'], now: 0 });
  const arrival = nextArrival();
  const call = host.get('/api/wait');
  await arrival;
  host.host.crash(new Error('thrown later'));
  assert.equal((await call).status, 500);
  assert.equal((await host.get('/api/fine')).body, 'fine');
  host.host.crash(new Error('second'));
  t.mock.timers.setTime(31 * 60_000);
  host.host.crash(new Error('half an hour later'));
  host.host.crash(new Error('second of this half hour'));
  assert.equal(givenUp, 0);
  host.host.crash(new Error('third'));
  assert.equal(givenUp, 1);
});

test('a frozen error kills the worker: the calls beside it get 500 too', async (t) => {
  const host = await runApp(t, waiting);
  const arrival = nextArrival();
  const beside = host.get('/api/wait');
  await arrival;
  assert.equal((await host.get('/api/frozen')).status, 500);
  assert.equal((await beside).status, 500);
});

test('the printed log hides debug and trace', () => {
  const printed: string[] = [];
  const log = coreToolsLog((text) => printed.push(text));
  const levels: readonly LogLine['level'][] = ['trace', 'debug', 'information', 'warning', 'error'];
  for (const level of levels) log({ level, category: 'Function.one.User', message: level });
  const texts = printed.map((line) => line.replace(/^\[[\d-]+T[\d:.]+Z\] /, ''));
  assert.deepEqual(texts, ['information\n', 'warning\n', 'error\n']);
});
