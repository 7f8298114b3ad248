// How the token refresher bears a service, a network or a sign-in that fails: what it tries again, when, and for how long.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createTokenRefresher, type TokenRefresherOptions } from '../../client/tokenRefresher.ts';
import {
  answered,
  assertRefused,
  bearer,
  cut,
  dropped,
  hanging,
  problem,
  script,
  served,
  start,
  type Scripted,
} from './scriptedService.ts';

interface Scene extends Scripted {
  /** What became of a refresh after that time: a token, the error, or `waiting`. */
  readonly after: (ms: number) => Promise<unknown>;
}

function scene(context: TestContext, options: Partial<TokenRefresherOptions> = {}, random?: number): Scene {
  const scripted = script(context, random);
  const url = 'https://app.example/api/tokens';
  const refresher = createTokenRefresher({ url, getAccessToken: async () => bearer, ...options });
  return {
    ...scripted,
    async after(ms) {
      let outcome: unknown = 'waiting';
      const tell = (result: unknown): void => {
        outcome = result;
      };
      refresher().then(tell, tell);
      await scripted.elapse(ms);
      return outcome;
    },
  };
}

describe('what passes by itself is tried again', () => {
  for (const [what, reply] of [
    ['a network error', dropped],
    ['a connection that breaks in the answer', cut],
    ['408', answered(408, '')],
    ['429', problem(429, 'rate_limited')],
    ['500', problem(500, 'internal')],
    ['502', answered(502, '<html>Bad Gateway</html>')],
    ['503', problem(503, 'upstream_throttled')],
    ['504', problem(504, 'upstream_timeout')],
    ['409 busy', problem(409, 'busy')],
    ['409 conflict', problem(409, 'conflict')],
  ] as const) {
    test(what, async (t) => {
      const { answers, after, times } = scene(t);
      answers(reply, served('first'));
      assert.equal(await after(500), 'first');
      assert.deepEqual(times(), [0, 500]);
    });
  }

  test('a request that takes too long, which is ended first', async (t) => {
    const { answers, after, requests, times } = scene(t, { requestTimeoutMs: 2000 });
    answers(hanging, served('first'));
    assert.equal(await after(2500), 'first');
    assert.deepEqual(times(), [0, 2500]);
    assert.equal(requests[0]?.signal.aborted, true);
  });

  test('which is 30 seconds, unless the app says otherwise', async (t) => {
    const { answers, after, times } = scene(t);
    answers(hanging, served('first'));
    assert.equal(await after(30_500), 'first');
    assert.deepEqual(times(), [0, 30_500]);
  });

  test('an access token that takes too long', async (t) => {
    let asked = 0;
    const { answers, after } = scene(t, {
      requestTimeoutMs: 2000,
      getAccessToken: () => ((asked += 1) === 1 ? new Promise(() => undefined) : Promise.resolve(bearer)),
    });
    answers(served('first'));
    assert.equal(await after(2500), 'first');
  });

  test('an error of the sign-in that the app calls transient', async (t) => {
    const offline = new Error('offline');
    let asked = 0;
    const { answers, after } = scene(t, {
      isTransient: (error) => error === offline,
      getAccessToken: async () => {
        if ((asked += 1) === 1) throw offline;
        return bearer;
      },
    });
    answers(served('first'));
    assert.equal(await after(500), 'first');
  });
});

describe('the waits', () => {
  for (const [random, times] of [
    [1 - 2 ** -40, [0, 1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000]],
    [0.5, [0, 500, 1500, 3500, 7500, 15_500, 30_500, 45_500]],
    [0.25, [0, 250, 750, 1750, 3750, 7750, 15_250, 22_750]],
  ] as const) {
    test(`are drawn anywhere below 1, 2, 4, ... 30 seconds: here ${random}`, async (t) => {
      const scripted = scene(t, {}, random);
      scripted.answers(...times.slice(1).map(() => dropped), served('first'));
      assert.equal(await scripted.after(91_000), 'first');
      assert.deepEqual(scripted.times(), times);
    });
  }

  for (const [what, value] of [
    ['in seconds', '7'],
    ['as a date', new Date(start + 7000).toUTCString()],
  ] as const) {
    test(`are never shorter than Retry-After ${what}, and not the same for all`, async (t) => {
      const { answers, after, times } = scene(t);
      answers(problem(503, 'upstream_throttled', { 'Retry-After': value }), served('first'));
      assert.equal(await after(7500), 'first');
      assert.deepEqual(times(), [0, 7500]);
    });
  }

  for (const value of ['-5', 'soon', '', new Date(start - 60_000).toUTCString()]) {
    test(`do not follow the Retry-After "${value}"`, async (t) => {
      const { answers, after, times } = scene(t);
      answers(problem(429, 'rate_limited', { 'Retry-After': value }), served('first'));
      assert.equal(await after(500), 'first');
      assert.deepEqual(times(), [0, 500]);
    });
  }
});

describe('the end of all tries', () => {
  test('comes after 120 seconds, with the last error', async (t) => {
    const { answers, after, times } = scene(t);
    answers(...Array.from({ length: 12 }, () => problem(503, 'upstream_failed')));
    assertRefused(await after(120_000), 'upstream_failed', 503);
    assert.equal(times().at(-1), 105_500);
  });

  test('comes at once when the service asks for a longer wait than is left', async (t) => {
    const { answers, after } = scene(t);
    answers(problem(429, 'rate_limited', { 'Retry-After': '120' }));
    assertRefused(await after(0), 'rate_limited', 429);
  });

  test('also cuts the last request', async (t) => {
    const { answers, after, requests } = scene(t, { totalTimeoutMs: 5000 });
    answers(dropped, hanging);
    assertRefused(await after(5000), 'timeout');
    assert.equal(requests[1]?.signal.aborted, true);
  });

  test('comes after 50 tries, however short the waits were', async (t) => {
    const { answers, after } = scene(t, {}, 0);
    answers(...Array.from({ length: 50 }, () => dropped));
    assertRefused(await after(20_000), 'network_error');
  });

  test('waits for the last token to end, for nobody needs another one before', async (t) => {
    const { answers, after, times } = scene(t, { totalTimeoutMs: 5000 });
    const expiresOn = new Date(start + 400_000).toISOString();
    answers(served('first', { expiresOn }), ...Array.from({ length: 31 }, () => dropped));
    assert.equal(await after(0), 'first');
    assertRefused(await after(400_000), 'network_error');
    assert.equal(times().at(-1), 390_500);
  });

  test('but no longer than 10 minutes, the most by which a credential is early', async (t) => {
    const { answers, after, times } = scene(t, { totalTimeoutMs: 5000 }, 1 - 2 ** -40);
    answers(served('first'), ...Array.from({ length: 24 }, () => dropped));
    assert.equal(await after(0), 'first');
    assertRefused(await after(600_000), 'network_error');
    assert.equal(times().at(-1), 571_000);
  });
});

describe('the sign-in', () => {
  const asking = (): { readonly forced: boolean[]; readonly options: Partial<TokenRefresherOptions> } => {
    const forced: boolean[] = [];
    const getAccessToken: TokenRefresherOptions['getAccessToken'] = async ({ forceRefresh }) => {
      forced.push(forceRefresh);
      return `bearer-${forced.length}`;
    };
    return { forced, options: { getAccessToken } };
  };

  test('is asked for a new access token when the service refuses the first, once and without a wait', async (t) => {
    const { forced, options } = asking();
    const { answers, after, requests } = scene(t, options);
    answers(problem(401, 'unauthenticated'), served('first'));
    assert.equal(await after(0), 'first');
    assert.deepEqual(forced, [false, true]);
    assert.deepEqual(
      requests.map(({ init }) => new Headers(init.headers).get('authorization')),
      ['Bearer bearer-1', 'Bearer bearer-2'],
    );
  });

  test('has failed when the service refuses the second too', async (t) => {
    const { answers, after } = scene(t);
    answers(problem(401, 'unauthenticated'), problem(401, 'unauthenticated'));
    assertRefused(await after(0), 'unauthenticated', 401);
  });

  test('is not forced again by what merely failed after it', async (t) => {
    const { forced, options } = asking();
    const { answers, after } = scene(t, options);
    answers(problem(401, 'unauthenticated'), problem(503, 'upstream_failed'), served('first'));
    assert.equal(await after(500), 'first');
    assert.deepEqual(forced, [false, true, false]);
  });

  test('fails with its own error, at once', async (t) => {
    const interaction = new Error('interaction required');
    const { after } = scene(t, {
      getAccessToken: () => Promise.reject(interaction),
      isTransient: () => false,
    });
    assert.equal(await after(0), interaction);
  });
});

describe('what is final is not tried again', () => {
  for (const [status, code] of [
    [400, 'invalid_request'],
    [403, 'forbidden'],
    [403, 'disabled'],
    [404, 'not_found'],
    [409, 'identity_stale'],
    [409, 'identity_of_other_resource'],
    [411, 'length_required'],
    [413, 'too_large'],
    [415, 'unsupported_media_type'],
  ] as const) {
    test(`${status} ${code}, told with its request id`, async (t) => {
      const { answers, after, times } = scene(t);
      answers(problem(status, code));
      assertRefused(await after(120_000), code, status);
      assert.deepEqual(times(), [0]);
    });
  }
});
