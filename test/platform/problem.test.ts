// Problem details: one status for every code, and nothing about the inside.
import { RestError } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignInError } from '../../src/platform/credential.ts';
import { AppError, isAppError, type ErrorCode } from '../../src/platform/errors.ts';
import { toProblem } from '../../src/platform/problem.ts';

const statuses: Readonly<Record<ErrorCode, readonly [number, string]>> = {
  invalid_request: [400, 'Bad Request'],
  unauthenticated: [401, 'Unauthorized'],
  forbidden: [403, 'Forbidden'],
  disabled: [403, 'Forbidden'],
  not_found: [404, 'Not Found'],
  conflict: [409, 'Conflict'],
  busy: [409, 'Conflict'],
  identity_stale: [409, 'Conflict'],
  identity_of_other_resource: [409, 'Conflict'],
  length_required: [411, 'Length Required'],
  too_large: [413, 'Content Too Large'],
  unsupported_media_type: [415, 'Unsupported Media Type'],
  rate_limited: [429, 'Too Many Requests'],
  upstream_throttled: [503, 'Service Unavailable'],
  upstream_failed: [502, 'Bad Gateway'],
  upstream_timeout: [504, 'Gateway Timeout'],
  misconfigured: [503, 'Service Unavailable'],
  internal: [500, 'Internal Server Error'],
};

for (const [code, [status, title]] of Object.entries(statuses) as [ErrorCode, readonly [number, string]][]) {
  test(`${code} is ${String(status)} ${title}`, () => {
    const problem = toProblem(new AppError(code, 'words.', { cause: new Error('canary') }), 'request-1');
    assert.deepEqual(problem.body, {
      ...{ type: 'about:blank', title, status, detail: 'words.', code, requestId: 'request-1' },
    });
    assert.equal(problem.status, status);
    assert.deepEqual(problem.headers, {
      'Content-Type': 'application/problem+json',
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    });
  });
}

test('every detail ends as a sentence, whoever wrote it', () => {
  for (const [text, detail] of [
    ['expected at most 5', 'expected at most 5.'],
    ['Expected at most 5.', 'Expected at most 5.'],
    ['is that meant?', 'is that meant?'],
  ] as const)
    assert.equal(toProblem(new AppError('conflict', text), 'request-1').body.detail, detail);
});

test('an error that is not ours says nothing', () => {
  for (const error of [
    new TypeError('canary'),
    'canary',
    { code: 'conflict', message: 'canary' },
    undefined,
  ]) {
    const problem = toProblem(error, 'request-1');
    assert.equal(problem.status, 500);
    assert.equal(problem.body.code, 'internal');
    assert.doesNotMatch(JSON.stringify(problem), /canary|TypeError/);
  }
});

test('what an Azure client or the sign-in threw is a failure behind the app, and says nothing either', () => {
  const silent = Object.assign(new Error('canary'), { name: 'AbortError' });
  for (const error of [new RestError('canary', { statusCode: 403 }), new SignInError('canary'), silent]) {
    const problem = toProblem(error, 'request-1');
    assert.equal(problem.status, 502);
    assert.equal(problem.body.code, 'upstream_failed');
    assert.doesNotMatch(JSON.stringify(problem), /canary|RestError|SignIn/);
  }
});

test('a time to come back is whole seconds and never zero', () => {
  for (const [given, header] of [
    [30, '30'],
    [0.2, '1'],
    [0, '1'],
    [-5, '1'],
    [1.2, '2'],
  ] as const) {
    const error = new AppError('rate_limited', 'x', { retryAfterSeconds: given });
    assert.equal(toProblem(error, 'id').headers['Retry-After'], header);
  }
});

test('a failing upstream with a time to come back is a passing state', () => {
  const error = new AppError('upstream_failed', 'x', { retryAfterSeconds: 30 });
  const { status, body, headers } = toProblem(error, 'id');
  assert.deepEqual([status, body.status, headers['Retry-After']], [503, 503, '30']);
});

test('a challenge says what was wrong with the bearer', () => {
  const of = (code: ErrorCode, challenge: 'invalid_token' | 'insufficient_scope'): unknown =>
    toProblem(new AppError(code, 'x', { challenge }), 'id').headers['WWW-Authenticate'];
  assert.equal(of('unauthenticated', 'invalid_token'), 'Bearer error="invalid_token"');
  assert.equal(of('forbidden', 'insufficient_scope'), 'Bearer error="insufficient_scope"');
});

test('an error is ours by its class, and of a code where codes are given', () => {
  const error = new AppError('busy', 'x');
  assert.ok(isAppError(error) && isAppError(error, 'conflict', 'busy'));
  assert.ok(!isAppError(error, 'conflict') && !isAppError(new Error('x')) && !isAppError({ code: 'busy' }));
  assert.ok(!Object.isFrozen(error));
});
