// HTTP functions: what is registered, and that every answer is one of ours, also when something breaks.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { Endpoint } from '../../src/functions/http.ts';
import type { Answer, Call } from '../../src/platform/call.ts';
import { AppError } from '../../src/platform/errors.ts';
import { httpAnswerGraceMs, httpCallBudgetMs } from '../../src/platform/limits.ts';
import type { Section } from '../../src/platform/settings/types.ts';
import { call, http, registered, testContext, type Received, type TestContext } from './registry.ts';

let count = 0;
/** Registers a function around `handle` under a name of its own. */
function register(
  handle: (call: Call, part: string) => Promise<Answer>,
  { context = testContext(), ...own }: Partial<Endpoint<string>> & { readonly context?: TestContext } = {},
): string {
  count += 1;
  const name = `things${String(count)}`;
  const section: Section<string> = { state: 'on', value: 'part' };
  http(context, { name, method: 'POST', route: 'things', authLevel: 'function', section, ...own, handle });
  return name;
}
const failing = (error: unknown): string =>
  register(async () => {
    throw error as Error;
  });
const body = (received: Received): Record<string, unknown> =>
  JSON.parse(received.text) as Record<string, unknown>;

test('method, route and auth level are always written out', () => {
  const name = register(async () => ({ status: 204 }), {
    method: 'PUT',
    authLevel: 'anonymous',
    route: 'a/{b}',
  });
  const bindings = Object.values(registered(name)?.metadata.bindings ?? {});
  const trigger = bindings.find(({ type }) => type === 'httpTrigger');
  assert.deepEqual(
    [trigger?.['methods'], trigger?.['route'], trigger?.['authLevel']],
    [['PUT'], 'a/{b}', 'anonymous'],
  );
});

test('a function of a capability that is off is not registered', () => {
  const name = register(async () => ({ status: 204 }), { section: { state: 'off' } });
  assert.equal(registered(name), undefined);
});

test('an answer is JSON, never cached, and knows its part and its request', async () => {
  const name = register(async ({ requestId }, part) => ({ status: 200, body: { requestId, part } }));
  const answer = await call(name);
  assert.equal(answer.status, 200);
  assert.deepEqual(body(answer), { requestId: 'invocation-1', part: 'part' });
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.deepEqual(answer.log, []);
});

test('an answer without a body has none, and is not cached either', async () => {
  const answer = await call(register(async () => ({ status: 204 })));
  assert.deepEqual([answer.status, answer.text, answer.headers.get('cache-control')], [204, '', 'no-store']);
});

test('a refusal is problem details with its headers, and is logged as information', async () => {
  const error = new AppError('unauthenticated', 'No token.', {
    challenge: 'invalid_token',
    retryAfterSeconds: 7,
  });
  const answer = await call(failing(error));
  assert.equal(answer.status, 401);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
  assert.equal(answer.headers.get('retry-after'), '7');
  assert.deepEqual(body(answer), {
    ...{ type: 'about:blank', title: 'Unauthorized', status: 401, detail: 'No token.' },
    ...{ code: 'unauthenticated', requestId: 'invocation-1' },
  });
  assert.equal(answer.log.length, 1);
  assert.match(answer.log[0] ?? '', /^information \{"event":"call_refused",.*"requestId":"invocation-1"/);
});

test('an unknown error becomes a 500 that says nothing, and its log line holds no secret', async () => {
  const cause = Object.assign(new Error('AccountKey=canary;'), { request: { body: 'canary' } });
  const odd = [
    new Error('GET https://x.example/?code=canary', { cause }),
    'canary',
    undefined,
    { canary: 1 },
    null,
  ];
  for (const error of odd) {
    const answer = await call(failing(error));
    assert.equal(answer.status, 500);
    assert.equal(body(answer)['code'], 'internal');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.log.length, 1);
    assert.match(answer.log[0] ?? '', /^error \{"event":"call_failed"/);
    assert.doesNotMatch(answer.text + answer.log.join(), /canary/);
  }
});

test('what a handler throws before it waits is answered too', async () => {
  const name = register(() => {
    throw new AppError('busy', 'Somebody else is at it.');
  });
  assert.equal((await call(name)).status, 409);
});

test('a frozen error does not stop the answer', async () => {
  assert.equal((await call(failing(Object.freeze(new Error('x'))))).status, 500);
});

test('no log line shows the address or the headers of the call, which may hold a key', async () => {
  const url = 'http://localhost/api/things?code=canary';
  const headers = { 'x-functions-key': 'canary', authorization: 'Bearer canary' };
  for (const error of [new Error('x'), new AppError('forbidden', 'x')]) {
    const answer = await call(failing(error), { url, headers });
    assert.doesNotMatch(answer.text + answer.log.join(), /canary/);
  }
});

test('a misconfigured capability answers 503 and names no setting, to whoever asks', async () => {
  const problems = [{ setting: 'KEY_VAULT_URL', problem: 'found "canary"' }];
  const name = register(() => assert.fail('nothing may run'), {
    section: { state: 'misconfigured', problems },
  });
  const answer = await call(name);
  assert.equal(answer.status, 503);
  assert.equal(body(answer)['code'], 'misconfigured');
  assert.doesNotMatch(answer.text, /KEY_VAULT_URL|canary/);
});

test('a chunked request is refused before anything else, also without a body', async () => {
  const name = register(() => assert.fail('nothing may run'));
  for (const coding of ['chunked', 'gzip, chunked', '']) {
    const answer = await call(name, { headers: { 'transfer-encoding': coding } });
    assert.equal(answer.status, 411, coding);
    assert.equal(body(answer)['code'], 'length_required');
  }
});

/** Waits as an upstream call does: until its signal aborts. */
const waits = ({ signal }: Call): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error('canary', { cause: signal.reason }));
    });
  });

test('a body that says it is too large is refused, also where none is read', async () => {
  const name = register(() => assert.fail('nothing may run'));
  const answer = await call(name, { headers: { 'content-length': '16385' }, body: 'x' });
  assert.equal(answer.status, 413);
  assert.equal(body(answer)['code'], 'too_large');
});

test('when the time of a call is used up the answer is 504', async () => {
  const context = testContext();
  const answered = call(register(waits, { context }));
  await context.clock.advance(httpCallBudgetMs - 1);
  assert.equal(context.clock.sleeping, 1);
  await context.clock.advance(1);
  const answer = await answered;
  assert.equal(answer.status, 504);
  assert.equal(body(answer)['code'], 'upstream_timeout');
  assert.doesNotMatch(answer.text, /canary/);
  assert.equal(context.clock.sleeping, 0);
});

test('work that does not stop when its time is up does not keep the caller waiting', async () => {
  const context = testContext();
  const deaf = register(() => new Promise<never>(() => undefined), { context });
  const answered = call(deaf);
  await context.clock.advance(httpCallBudgetMs);
  await context.clock.advance(httpAnswerGraceMs - 1);
  assert.equal(context.clock.sleeping, 1);
  await context.clock.advance(1);
  assert.equal((await answered).status, 504);
});

test('an answered call leaves no listener behind, which would keep it in memory until the shutdown', async () => {
  let signal: AbortSignal | undefined;
  const name = register(async (received) => {
    signal = received.signal;
    return { status: 204 };
  });
  assert.equal((await call(name)).status, 204);
  assert.ok(signal);
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
});

test('a function may have a budget of its own', async () => {
  const context = testContext();
  const answered = call(register(waits, { context, budgetMs: 180_000 }));
  await context.clock.advance(179_999);
  assert.equal(context.clock.sleeping, 1);
  await context.clock.advance(1);
  assert.equal((await answered).status, 504);
});

test('an error of ours counts as itself also when the time is used up', async () => {
  const context = testContext();
  const name = register(
    async ({ signal }) => {
      await context.clock.advance(httpCallBudgetMs);
      assert.ok(signal.aborted);
      throw new AppError('conflict', 'Changed meanwhile.');
    },
    { context },
  );
  assert.equal((await call(name)).status, 409);
});

test('a shutdown ends a waiting call with an answer', async () => {
  const context = testContext();
  const answered = call(register(waits, { context }));
  context.stop.abort(new Error('the process is shutting down'));
  assert.equal((await answered).status, 504);
  assert.equal(context.clock.sleeping, 0);
});
