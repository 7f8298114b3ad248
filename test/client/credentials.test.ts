// The token refresher in the hands of the real credential classes, over real connections to a service that fails.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AzureCommunicationTokenCredential as Credential24,
  type CommunicationTokenCredential,
  type CommunicationTokenRefreshOptions,
} from 'communication-common-2.4';
import { AzureCommunicationTokenCredential as Credential25 } from 'communication-common-2.5';
import { createTokenRefresher, TokenRefreshError, type TokenRefresher } from '../../client/tokenRefresher.ts';

// The shortest backoff, so that the real timers that pass are those of the credentials and of Retry-After.
mock.method(Math, 'random', () => 0);
after(() => {
  mock.reset();
});

interface Service {
  readonly refresher: TokenRefresher;
  /** When each request came, in milliseconds since 1970. */
  readonly times: readonly number[];
  /** The tokens that it has handed out. */
  readonly issued: readonly string[];
  /** Resolves when a client has closed its connection before it got an answer. */
  readonly left: Promise<void>;
}

type Step = 'throttle' | 'drop' | 'hang' | 'disabled' | 'jwt' | 'opaque';

/** Listens until the tests are over and does one step for each request, the last one again and again. */
async function startService(...steps: readonly Step[]): Promise<Service> {
  const times: number[] = [];
  const issued: string[] = [];
  const { promise: left, resolve: leave } = Promise.withResolvers<undefined>();
  const issue = (response: ServerResponse, form: 'jwt' | 'opaque'): void => {
    // A JWT's end has whole seconds: two or three of them.
    const exp = Math.ceil(Date.now() / 1000) + 2;
    const token = form === 'jwt' ? jwt({ exp, number: issued.length }) : `opaque-${issued.length}`;
    issued.push(token);
    const user = { communicationUserId: '8:acs:resource_user' };
    const endpoint = 'https://resource.communication.azure.com';
    const expiresOn = new Date(exp * 1000).toISOString();
    response.end(JSON.stringify({ token, expiresOn, scopes: ['chat'], user, endpoint }));
  };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const step = steps[Math.min(times.push(Date.now()), steps.length) - 1];
    if (step === 'throttle') response.writeHead(503, { 'Retry-After': '1' }).end();
    else if (step === 'drop') request.socket.destroy();
    else if (step === 'disabled') response.writeHead(403).end('{"code":"disabled"}');
    else if (step !== 'hang' && step !== undefined) issue(response, step);
    response.on('close', () => {
      if (!response.writableEnded) leave(undefined);
    });
  };
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/tokens`;
  return {
    refresher: createTokenRefresher({ url, getAccessToken: async () => 'bearer' }),
    times,
    issued,
    left,
  };
}

const jwt = (payload: object): string =>
  [{ alg: 'none' }, payload, {}]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');

type Make = (options: CommunicationTokenRefreshOptions) => CommunicationTokenCredential;
const versions: readonly (readonly [string, Make])[] = [
  ['2.4', (options) => new Credential24(options)],
  ['2.5', (options) => new Credential25(options)],
];

describe('a service that fails twice, and twice again', { concurrency: true }, () => {
  const proactively = (make: Make) => (tokenRefresher: TokenRefresher) =>
    make({ tokenRefresher, refreshProactively: true });
  for (const [name, form, make] of [
    ...versions.map(([version, create]) => [version, 'jwt', proactively(create)] as const),
    [
      '2.5, with tokens that it cannot decode,',
      'opaque',
      ({ accessToken }: TokenRefresher) =>
        new Credential25({ tokenRefresher: accessToken, refreshProactively: true }),
    ],
  ] as const) {
    test(`gives the credential of ${name} its token, and a new one before that ends`, async () => {
      const service = await startService('throttle', 'drop', form, 'drop', 'drop', form);
      const credential = make(service.refresher);
      const first = await credential.getToken();
      const [asked = 0, askedAgain = 0] = service.times;
      assert.ok(
        askedAgain - asked >= 1000,
        `asked again ${askedAgain - asked} ms after a Retry-After of 1 s`,
      );
      assert.deepEqual(service.issued, [first.token]);
      assert.equal(service.times.length, 3);

      while (Date.now() < first.expiresOnTimestamp && (await credential.getToken()) === first)
        await sleep(20);
      assert.ok(Date.now() < first.expiresOnTimestamp, 'the first token has ended');
      const second = await credential.getToken();
      credential.dispose();
      assert.deepEqual(service.issued, [first.token, second.token]);
      assert.equal(service.times.length, 6);
    });
  }
});

for (const [name, make] of versions) {
  test(`the token of the session starts a credential of ${name} without another request`, async () => {
    const { refresher, times } = await startService('jwt');
    const { token } = await refresher.session();
    const credential = make({ tokenRefresher: refresher, token });
    assert.equal((await credential.getToken()).token, token);
    assert.equal(times.length, 1);
  });

  test(`a credential of ${name} passes on why there is no token`, async () => {
    const { refresher } = await startService('disabled');
    await assert.rejects(make({ tokenRefresher: refresher }).getToken(), (error) => {
      assert.ok(error instanceof TokenRefreshError);
      return error.code === 'disabled' && error.status === 403;
    });
  });

  test(`who aborts the getToken of a credential of ${name} ends the request`, async () => {
    const { refresher, left, times } = await startService('hang');
    const controller = new AbortController();
    const { signal: abortSignal } = controller;
    const asked = make({ tokenRefresher: refresher }).getToken({ abortSignal });
    while (times.length === 0) await sleep(5);
    controller.abort();
    await assert.rejects(asked, { name: 'AbortError' });
    await left;
  });
}
