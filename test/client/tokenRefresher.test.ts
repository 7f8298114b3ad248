// What the token refresher asks for and hands out, and how it shares and ends a request.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import {
  createTokenRefresher,
  type AbortSignalLike,
  type TokenRefresher,
  type TokenRefresherOptions,
} from '../../client/tokenRefresher.ts';
import {
  bearer,
  dropped,
  hanging,
  identity,
  late,
  script,
  served,
  start,
  type Scripted,
} from './scriptedService.ts';

const url = 'https://app.example/api/tokens';
const aborted = { name: 'AbortError', message: 'The refresh was aborted.' };

interface Scene extends Scripted {
  readonly refresher: TokenRefresher;
}

function scene(context: TestContext, options: Partial<TokenRefresherOptions> = {}): Scene {
  const scripted = script(context);
  return {
    ...scripted,
    refresher: createTokenRefresher({ url, getAccessToken: async () => bearer, ...options }),
  };
}

describe('what it asks for and hands out', () => {
  test('it posts the bearer without a body, and resolves to the token', async (t) => {
    const { refresher, answers, requests } = scene(t);
    answers(served('first'));
    assert.equal(await refresher(), 'first');
    const [request] = requests;
    assert.equal(request?.url, url);
    const { signal: _, ...init } = request.init;
    assert.deepEqual(init, {
      method: 'POST',
      headers: { Authorization: `Bearer ${bearer}` },
      body: null,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
    });
  });

  for (const [options, body] of [
    [{ scopes: ['chat'] }, { scopes: ['chat'] }],
    [{ expiresInMinutes: 90 }, { expiresInMinutes: 90 }],
    [
      { scopes: ['chat'], expiresInMinutes: 90 },
      { scopes: ['chat'], expiresInMinutes: 90 },
    ],
  ] as const) {
    test(`it asks for ${Object.keys(body).join(' and ')} in a JSON body`, async (t) => {
      const { refresher, answers, requests } = scene(t, options);
      answers(served('first'));
      await refresher();
      const init = requests[0]?.init;
      assert.equal(init?.body, JSON.stringify(body));
      assert.equal(new Headers(init.headers).get('content-type'), 'application/json');
    });
  }

  test('it hands out the end of the token to those who take it', async (t) => {
    const { refresher, answers } = scene(t);
    answers(served('first'));
    const { token, expiresOnTimestamp } = await refresher.accessToken();
    assert.deepEqual([token, expiresOnTimestamp], ['first', start + 3_600_000]);
  });

  test('the session is the whole answer, asked for anew only when its token has ended', async (t) => {
    const { refresher, answers, elapse, times } = scene(t);
    answers(served('first'), served('second'));
    const session = await refresher.session();
    assert.deepEqual(session, {
      token: 'first',
      expiresOnTimestamp: start + 3_600_000,
      scopes: ['chat', 'voip'],
      user: { communicationUserId: identity },
      endpoint: 'https://resource.communication.azure.com',
    });
    await elapse(3_599_750);
    assert.equal(await refresher.session(), session);
    await elapse(250);
    assert.equal((await refresher.session()).token, 'second');
    assert.deepEqual(times(), [0, 3_600_000]);
  });

  test('a refresh never repeats the last token', async (t) => {
    const { refresher, answers } = scene(t);
    answers(served('first'), served('second'));
    assert.deepEqual([await refresher(), await refresher()], ['first', 'second']);
    assert.equal((await refresher.session()).token, 'second');
  });

  test('a token for another identity is handed to nobody', async (t) => {
    const { refresher, answers } = scene(t);
    answers(served('first'), served('others', { user: { communicationUserId: '8:acs:resource_other' } }));
    await refresher();
    await assert.rejects(refresher(), { name: 'TokenRefreshError', code: 'identity_changed' });
    assert.equal((await refresher.session()).token, 'first');
  });
});

describe('one request in flight', () => {
  test('all who ask meanwhile share it, and who asks later gets another', async (t) => {
    const { refresher, answers, requests } = scene(t);
    answers(served('first'), served('second'));
    const all = [refresher(), refresher(), refresher.accessToken(), refresher.session()];
    assert.deepEqual(
      (await Promise.all(all)).map((each) => (typeof each === 'string' ? each : each.token)),
      ['first', 'first', 'first', 'first'],
    );
    assert.equal(requests.length, 1);
    assert.equal(await refresher(), 'second');
  });

  test('all who ask meanwhile share its failure, and who asks later asks anew', async (t) => {
    const { refresher, answers } = scene(t, { totalTimeoutMs: 1 });
    answers(dropped, served('second'));
    const both = await Promise.allSettled([refresher(), refresher()]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(await refresher(), 'second');
  });

  test('who aborts leaves at once and does not take the request of the others along', async (t) => {
    const { refresher, answers, elapse, requests } = scene(t);
    answers(late(5000, served('first')));
    const leaver = new AbortController();
    const left = assert.rejects(refresher(leaver.signal), aborted);
    const stays = refresher(new AbortController().signal);
    await elapse(1000);
    leaver.abort();
    await left;
    await elapse(3000);
    assert.equal(requests[0]?.signal.aborted, false);
    await elapse(1000);
    assert.equal(await stays, 'first');
  });

  test('when the last one aborts the request is aborted, and a newcomer begins another', async (t) => {
    const { refresher, answers, elapse, requests } = scene(t);
    answers(hanging, served('second'));
    const [one, other] = [new AbortController(), new AbortController()];
    const both = [
      assert.rejects(refresher(one.signal), aborted),
      assert.rejects(refresher(other.signal), aborted),
    ];
    await elapse(0);
    one.abort();
    other.abort();
    const newcomer = refresher();
    await Promise.all(both);
    await elapse(0);
    assert.equal(requests[0]?.signal.aborted, true);
    assert.equal(await newcomer, 'second');
  });

  test('who has aborted before asks for nothing', async (t) => {
    const { refresher, requests } = scene(t);
    await assert.rejects(refresher(AbortSignal.abort()), aborted);
    assert.equal(requests.length, 0);
  });

  test('an abort also ends the wait between two tries, and nothing is asked after it', async (t) => {
    const { refresher, answers, elapse, times } = scene(t);
    answers(dropped);
    const controller = new AbortController();
    const left = assert.rejects(refresher(controller.signal), aborted);
    await elapse(250);
    controller.abort();
    await left;
    await elapse(200_000);
    assert.deepEqual(times(), [0]);
  });

  test('an abort also ends the wait for the access token, and tells its source', async (t) => {
    let source: AbortSignal | undefined;
    const { refresher, elapse, requests } = scene(t, {
      getAccessToken: ({ signal }) => {
        source = signal;
        return new Promise(() => undefined);
      },
    });
    const controller = new AbortController();
    const left = assert.rejects(refresher(controller.signal), aborted);
    controller.abort();
    await left;
    await elapse(0);
    assert.equal(source?.aborted, true);
    assert.equal(requests.length, 0);
  });

  test('a signal need not be the one of the platform, and gets its listener back', async (t) => {
    const { refresher, answers, elapse } = scene(t);
    const listeners = new Set<() => void>();
    const signal: AbortSignalLike = {
      aborted: false,
      addEventListener: (_, listener) => listeners.add(listener),
      removeEventListener: (_, listener) => listeners.delete(listener),
    };
    answers(served('first'), hanging);
    await refresher(signal);
    assert.equal(listeners.size, 0);
    const left = assert.rejects(refresher(signal), aborted);
    await elapse(0);
    for (const listener of listeners) listener();
    await left;
    assert.equal(listeners.size, 0);
  });
});
