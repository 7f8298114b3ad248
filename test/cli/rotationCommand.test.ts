// What `npm run rotation` is told, and what it makes of keys, tokens, and answers that are not the app's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { readAccess } from '../../cli/rotation/access.ts';
import { readRotationOptions, type RotationOptions } from '../../cli/rotation/options.ts';
import { callApp } from '../../cli/rotation/service.ts';

const keyId = '7e1e4ea1-7000-4000-8000-0000000000aa';

function options(...args: string[]): RotationOptions {
  const read = readRotationOptions(args, {});
  return read === 'help' ? assert.fail() : read;
}

describe('options', () => {
  test('become the request that the route takes', () => {
    assert.deepEqual(options('plan', '--target', 'a-secret').request, { target: 'a-secret', dryRun: true });
    assert.deepEqual(options('--force', 'plan').request, { dryRun: true, force: true, reason: 'dry run' });
    const revoke = options('run', '--revoke', keyId, '--reason', 'it leaked');
    assert.deepEqual(revoke.request, { revoke: keyId, reason: 'it leaked' });
    assert.deepEqual(options('run').request, {});
  });

  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['stauts'], /^Expected status, plan or run; found "stauts"\. --help/],
    [['run', 'now'], /found "run now"/],
    [['run', '--froce'], /^Unknown option '--froce'\. --help lists the options\.$/],
    [['status', '--target', 'x', '--force'], /^--target: only with plan and run\n--force: only with/],
    [['run', '--force'], /^--reason: missing; expected a text/],
    [['run', '--force', '--reason', ' '], /^--reason: expected 1 to 500 characters/],
    [
      ['run', '--revoke', 'the-key', '--reason', 'x'],
      /^--revoke: expected the key id of a credential, a GUID/,
    ],
    [['run', '--revoke', keyId, '--force', '--reason', 'x'], /^--force: not together with --revoke/],
    [['status', '--url', 'func.azurewebsites.net'], /^--url: expected the address of the function app/],
    [['status', '--url', 'http://func.azurewebsites.net'], /^--url: .*: keys travel over https only/],
    [['status', '--url', 'https://f.net/api?code=the-key'], /^--url: .*, without a key or anything else/],
    [['status', '--key', 'the-key', '--key-stdin'], /^--key: not together with --key-stdin/],
    [['status', '--bearer-file', 'a', '--bearer-command', 'b'], /^--bearer-file: not together with/],
  ];
  for (const [args, words] of refused)
    test(`${args.join(' ')} is refused by name, and no key repeated`, () => {
      assert.throws(
        () => readRotationOptions(args, {}),
        (error: Error) => {
          assert.equal(error.name, 'UsageError');
          assert.match(error.message, words);
          assert.doesNotMatch(error.message, /the-key/);
          return true;
        },
      );
    });
});

interface Asked {
  readonly method: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

/** A server that is not the app, or plays it; answers what it was asked. */
async function serve(t: TestContext, answer: (reply: ServerResponse) => void) {
  const asked: Asked[] = [];
  const server = createServer(({ method, headers }, reply) => {
    asked.push({ method, headers });
    answer(reply);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { url: `http://127.0.0.1:${address.port}`, asked };
}

const never = new AbortController().signal;
const status = { command: 'status', request: {} } as const;

async function troubleOf(t: TestContext, code: number, body = '', headers = {}) {
  const { url, asked } = await serve(t, (reply) => reply.writeHead(code, headers).end(body));
  const answer = await callApp({ url, headers: {}, signedIn: false }, status, never);
  assert.ok(answer.kind === 'trouble');
  assert.equal(asked.length, 1);
  return answer.trouble;
}

describe('an answer', () => {
  test('that is not the app’s is told for what it may be, and a redirection is not followed', async (t) => {
    for (const [code, name] of [
      [200, 'unexpected_answer'],
      [302, 'redirected'],
      [401, 'key_refused'],
      [403, 'not_allowed'],
      [404, 'no_route'],
      [502, 'host_failed'],
    ] as const) {
      const trouble = await troubleOf(t, code, '<html>', { location: '/elsewhere' });
      assert.deepEqual([trouble.kind, trouble.code], ['unreachable', name]);
    }
  });

  test('with problem details keeps their code, and decides what kind of trouble it is', async (t) => {
    for (const [code, name, kind] of [
      [400, 'invalid_request', 'usage'],
      [403, 'forbidden', 'unreachable'],
      [409, 'busy', 'busy'],
      [503, 'upstream_throttled', 'failed'],
      [429, 'rate_limited', 'failed'],
    ] as const) {
      const body = JSON.stringify({ code: name, detail: 'Words.', requestId: 'r-1' });
      assert.deepEqual(await troubleOf(t, code, body), {
        ...{ kind, code: name, detail: 'Words.', requestId: 'r-1' },
      });
    }
    const operator = JSON.stringify({ code: 'unauthenticated', detail: 'Words.', requestId: 'r-1' });
    assert.match((await troubleOf(t, 401, operator)).advice ?? '', /--bearer-command/);
  });
});

describe('an operator’s token', () => {
  const header = async (bearer: { bearerFile?: string; bearerCommand?: string }) => {
    const none = { url: 'https://f', key: undefined, keyStdin: false };
    const given = { bearerFile: undefined, bearerCommand: undefined, ...bearer };
    return (await readAccess({ ...none, ...given }, {})).headers['authorization'];
  };

  test('comes from a file or a command, as a token or as a header', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'telehealth-bearer-'));
    t.after(() => {
      rmSync(folder, { recursive: true });
    });
    const file = join(folder, 'bearer.txt');
    for (const content of ['a.b-c_d\n', 'Authorization: Bearer a.b-c_d\n']) {
      writeFileSync(file, content);
      assert.equal(await header({ bearerFile: file }), 'Bearer a.b-c_d');
    }
    assert.equal(await header({ bearerCommand: 'echo a.b-c_d' }), 'Bearer a.b-c_d');
    assert.equal(await header({}), undefined);
  });

  test('that is none is refused without being shown', async () => {
    for (const [bearer, words] of [
      [{ bearerCommand: 'echo two words' }, /^--bearer-command: expected an access token and nothing else/],
      [{ bearerCommand: 'echo a.b-c_d; exit 7' }, /^--bearer-command: the command failed with exit code 7/],
      [{ bearerFile: '/no/such/file' }, /^--bearer-file: .*ENOENT/],
    ] as const)
      await assert.rejects(header(bearer), (error: Error) => {
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /two|a\.b/);
        return true;
      });
  });

  test('and a key go along in their headers', async (t) => {
    const { url, asked } = await serve(t, (reply) => reply.end('{"clients":[]}'));
    const given = { url, key: 'a-key', keyStdin: false, bearerFile: undefined, bearerCommand: 'echo a.b' };
    const answer = await callApp(await readAccess(given, {}), status, never);
    assert.equal(answer.kind, 'clients');
    assert.equal(asked[0]?.headers['x-functions-key'], 'a-key');
    assert.equal(asked[0].headers.authorization, 'Bearer a.b');
    await assert.rejects(
      readAccess({ ...given, key: 'two words' }, {}),
      /^UsageError: The function key.*one word/,
    );
  });
});
