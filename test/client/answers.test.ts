// Which answers the token refresher believes, and that no token ever gets into an error.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { createTokenRefresher } from '../../client/tokenRefresher.ts';
import { answered, assertRefused, bearer, script, served, start, type Scripted } from './scriptedService.ts';

interface Scene extends Scripted {
  /** The error that a refresh with that access token ends with. */
  readonly refusal: (accessToken?: string) => Promise<Error>;
}

function scene(context: TestContext): Scene {
  const scripted = script(context);
  return {
    ...scripted,
    async refusal(accessToken = bearer) {
      const getAccessToken = (): Promise<string> => Promise.resolve(accessToken);
      const url = 'https://app.example/api/tokens';
      const refresher = createTokenRefresher({ url, getAccessToken, totalTimeoutMs: 1 });
      const error = await refresher().catch((reason: unknown) => reason);
      assert.ok(error instanceof Error, `resolved to ${String(error)}`);
      return error;
    },
  };
}

describe('an answer that is not whole is refused', () => {
  for (const [what, reply] of [
    ['a page instead of JSON', answered(200, '<!doctype html>')],
    ['nothing', answered(200, '')],
    ['JSON that is no object', answered(200, '"token"')],
    ['null', answered(200, 'null')],
    ['an empty token', served('')],
    ['a token that is no text', served('x', { token: 42 })],
    ['no end', served('x', { expiresOn: undefined })],
    ['an end that is no date', served('x', { expiresOn: 'tomorrow' })],
    ['no user', served('x', { user: undefined })],
    ['a user without id', served('x', { user: {} })],
    ['an empty endpoint', served('x', { endpoint: '' })],
    ['no scopes', served('x', { scopes: undefined })],
    ['scopes that are no texts', served('x', { scopes: ['chat', 1] })],
  ] as const) {
    test(what, async (t) => {
      const { answers, refusal } = scene(t);
      answers(reply);
      assertRefused(await refusal(), 'invalid_answer', 200);
    });
  }

  test('a token that has ended is not handed out', async (t) => {
    const { answers, refusal } = scene(t);
    answers(served('x', { expiresOn: new Date(start).toISOString() }));
    assertRefused(await refusal(), 'token_expired', 200);
  });

  test('another status than 200 is no token, whatever the body says', async (t) => {
    const { answers, refusal } = scene(t);
    const whole = await (await served('x')(new AbortController().signal)).text();
    answers(answered(202, whole));
    assertRefused(await refusal(), 'http_error', 202);
  });
});

describe('no token gets into an error', () => {
  for (const [field, echoed] of [
    ['code', { code: bearer, requestId: 'request-1' }],
    ['requestId', { code: 'forbidden', requestId: bearer }],
    ['detail', { code: 'forbidden', detail: bearer, title: bearer, type: bearer }],
  ] as const) {
    test(`when the service repeats it as ${field}`, async (t) => {
      const { answers, refusal } = scene(t);
      answers(answered(403, JSON.stringify(echoed)));
      assertSilent(await refusal());
    });
  }

  test('when the network names the request that failed', async (t) => {
    const { answers, refusal } = scene(t);
    answers(() => Promise.reject(new TypeError(`Authorization: Bearer ${bearer}`)));
    assertSilent(await refusal());
  });

  test('when the answer is broken around one', async (t) => {
    const { answers, refusal } = scene(t);
    answers(answered(200, `{"token":"${bearer}"`));
    assertSilent(await refusal());
  });

  for (const broken of ['', `${bearer}\n`, `Bearer ${bearer}`, `${bearer}, ${bearer}`, `${bearer}é`]) {
    test(`when the access token is not one: ${JSON.stringify(broken)}`, async (t) => {
      const { refusal, requests } = scene(t);
      const error = await refusal(broken);
      assertRefused(error, 'invalid_access_token');
      assertSilent(error);
      assert.equal(requests.length, 0);
    });
  }
});

function assertSilent(error: Error): void {
  assert.equal(error.name, 'TokenRefreshError');
  for (const part of [bearer, 'payload-of-the-bearer'])
    assert.equal(inspect(error, { depth: null, showHidden: true }).includes(part), false, inspect(error));
}
