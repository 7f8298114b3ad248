// What every command of the app makes of keys, tokens, and answers that are not the app's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import * as z from 'zod/mini';
import { readAccess } from '../../cli/app/access.ts';
import { callApp, createCaller, type Call } from '../../cli/app/call.ts';

interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A server that is not the app, or plays it; answers what it was asked. */
async function serve(t: TestContext, answer: (reply: ServerResponse) => void) {
  const asked: Asked[] = [];
  const server = createServer((request, reply) => {
    const { method, url, headers } = request;
    void text(request).then((body) => {
      asked.push({ method, url, headers, body });
      answer(reply);
    });
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
const status: Call<{ clients: unknown[] }> = {
  ...{ method: 'GET', path: 'rotations', answerMs: 30_000, capability: 'its rotation' },
  ...{ shape: z.object({ clients: z.array(z.unknown()) }), interruption: { detail: 'Stopped.' } },
};

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
      assert.equal(trouble.passes, code === 502 ? true : undefined);
    }
  });

  test('with problem details keeps their code, and decides what kind of trouble it is', async (t) => {
    for (const [code, name, kind] of [
      [400, 'invalid_request', 'usage'],
      [404, 'not_found', 'usage'],
      [409, 'busy', 'busy'],
      [409, 'conflict', 'failed'],
      [500, 'internal', 'failed'],
      [503, 'upstream_throttled', 'failed'],
      [429, 'rate_limited', 'failed'],
    ] as const) {
      const body = JSON.stringify({ code: name, detail: 'Words.', requestId: 'r-1' });
      const { passes, ...told } = await troubleOf(t, code, body);
      assert.deepEqual(told, { kind, code: name, detail: 'Words.', requestId: 'r-1' });
      assert.equal(passes, code >= 429 ? true : undefined, name);
    }
    const operator = JSON.stringify({ code: 'unauthenticated', detail: 'Words.', requestId: 'r-1' });
    assert.match((await troubleOf(t, 401, operator)).advice ?? '', /--bearer-command/);
    const settings = JSON.stringify({ code: 'misconfigured', detail: 'Words.', requestId: 'r-1' });
    assert.match((await troubleOf(t, 503, settings)).advice ?? '', /Settings with problems.*--settings/);
    const other = JSON.stringify({ code: 'forbidden', detail: 'Words.', requestId: 'r-1' });
    const { kind, advice } = await troubleOf(t, 403, other);
    assert.equal(kind, 'unreachable');
    assert.match(advice ?? '', /AUTH_OPERATOR_ROLE.*docs\/operate\.md/);
  });
});

test('a status besides success may carry an answer where a call says so, and a problem all the same', async (t) => {
  const ask = async (body: object, orStatus?: number) => {
    const { url } = await serve(t, (reply) => reply.writeHead(503).end(JSON.stringify(body)));
    const call = { ...status, ...(orStatus === undefined ? {} : { orStatus }) };
    return callApp({ url, headers: {}, signedIn: false }, call, never);
  };
  const answer = await ask({ clients: [] }, 503);
  assert.deepEqual(answer, { kind: 'answer', value: { clients: [] }, text: '{"clients":[]}' });
  const problem = { code: 'misconfigured', detail: 'Words.', requestId: 'r-1' };
  const trouble = await ask(problem, 503);
  assert.ok(trouble.kind === 'trouble');
  assert.deepEqual([trouble.trouble.code, trouble.text], ['misconfigured', JSON.stringify(problem)]);
  assert.equal((await ask({ clients: [] })).kind, 'trouble');
});

describe('a call', () => {
  const none = { headers: {}, signedIn: false };

  test('sends its body as JSON, and none where there is none', async (t) => {
    const { url, asked } = await serve(t, (reply) => reply.writeHead(202).end('{"clients":[]}'));
    const put = { ...status, method: 'PUT', path: 'a/b', body: { reason: 'é' } } as const;
    const keyed = { url, headers: { 'x-functions-key': 'a-key' }, signedIn: false };
    for (const call of [put, status, { ...status, method: 'POST' } as const])
      assert.equal((await callApp(keyed, call, never)).kind, 'answer');
    assert.ok(asked.every(({ headers }) => headers['x-functions-key'] === 'a-key'));
    assert.deepEqual(
      asked.map(({ method, url, headers, body }) => [
        ...[method, url, headers['content-type'], headers['content-length'], body],
      ]),
      [
        ['PUT', '/api/a/b', 'application/json', '15', '{"reason":"é"}'],
        ['GET', '/api/rotations', undefined, undefined, ''],
        ['POST', '/api/rotations', undefined, '0', ''],
      ],
    );
  });

  test('that is not answered in time, or not waited for, says which', async (t) => {
    const { url, asked } = await serve(t, () => undefined);
    const late = await callApp({ url, ...none }, { ...status, answerMs: 20 }, never);
    assert.ok(late.kind === 'trouble' && late.trouble.passes);
    assert.match(
      late.trouble.detail,
      /^http:\/\/127\.0\.0\.1:\d+ could not be reached \(no answer within 0.02 s\)\.$/,
    );
    assert.deepEqual(await callApp({ url, ...none }, status, AbortSignal.abort()), {
      ...{ kind: 'trouble', trouble: { kind: 'interrupted', code: 'interrupted', detail: 'Stopped.' } },
    });
    assert.equal(asked.length, 1, 'whoever has stopped asks nothing');
  });

  test('that cannot be made says no more than a code, for the words may hold a header', async () => {
    // A port that the Fetch standard blocks: an error without a code.
    const blocked = await callApp({ url: 'http://127.0.0.1:1', ...none }, status, never);
    assert.ok(blocked.kind === 'trouble');
    assert.equal(blocked.trouble.detail, 'http://127.0.0.1:1 could not be reached (the connection failed).');
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
    for (const content of ['a.b-c_d\n', 'Bearer a.b-c_d', 'Authorization: Bearer a.b-c_d\n']) {
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
      [{ bearerFile: '/no/such/file' }, /^--bearer-file: .*\(ENOENT\)\.$/],
    ] as const)
      await assert.rejects(header(bearer), (error: Error) => {
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /two|a\.b/);
        return true;
      });
  });

  test('is asked for anew where one that was good has expired, and only then', async (t) => {
    const expired = JSON.stringify({ code: 'unauthenticated', detail: 'Expired.', requestId: 'r-1' });
    const good = new Set<string | undefined>();
    const { url, asked } = await serve(t, (reply) => {
      const isGood = good.has(asked.at(-1)?.headers.authorization);
      reply.writeHead(isGood ? 200 : 401).end(isGood ? '{"clients":[]}' : expired);
    });
    const folder = mkdtempSync(join(tmpdir(), 'telehealth-bearer-'));
    t.after(() => {
      rmSync(folder, { recursive: true });
    });
    const bearerFile = join(folder, 'bearer.txt');
    writeFileSync(bearerFile, 'first');
    const given = { url, key: 'a-key', keyStdin: false, bearerFile, bearerCommand: undefined };
    const call = createCaller(await readAccess(given, {}), given, never);
    writeFileSync(bearerFile, 'second');
    assert.equal((await call(status)).kind, 'trouble');
    assert.equal(asked.length, 1);
    good.add('Bearer first');
    assert.equal((await call(status)).kind, 'answer');
    good.clear();
    good.add('Bearer second');
    assert.equal((await call(status)).kind, 'answer');
    const last = asked.at(-1)?.headers;
    assert.deepEqual([last?.authorization, last?.['x-functions-key']], ['Bearer second', 'a-key']);
    good.clear();
    rmSync(bearerFile);
    assert.equal((await call(status)).kind, 'trouble');
  });

  test('that goes along is known, so that nobody is told to bring one', async (t) => {
    const given = { url: 'https://f', key: undefined, keyStdin: false, bearerFile: undefined };
    const withToken = await readAccess({ ...given, bearerCommand: 'echo a.b' }, {});
    const without = await readAccess({ ...given, bearerCommand: undefined }, {});
    assert.deepEqual([withToken.signedIn, without.signedIn], [true, false]);
    assert.deepEqual(without.headers, {});
    const expired = JSON.stringify({ code: 'unauthenticated', detail: 'Expired.', requestId: 'r-1' });
    const { url } = await serve(t, (reply) => reply.writeHead(401).end(expired));
    const answer = await callApp({ url, headers: {}, signedIn: true }, status, never);
    assert.ok(answer.kind === 'trouble');
    assert.deepEqual([answer.trouble.kind, answer.trouble.advice], ['unreachable', undefined]);
  });

  test('and a key go along in their headers', async (t) => {
    const { url, asked } = await serve(t, (reply) => reply.end('{"clients":[]}'));
    const given = { url, key: 'a-key', keyStdin: false, bearerFile: undefined, bearerCommand: 'echo a.b' };
    const answer = await callApp(await readAccess(given, {}), status, never);
    assert.equal(answer.kind, 'answer');
    assert.equal(asked[0]?.headers['x-functions-key'], 'a-key');
    assert.equal(asked[0].headers.authorization, 'Bearer a.b');
    await assert.rejects(
      readAccess({ ...given, key: 'two words' }, {}),
      /^UsageError: The function key.*one word/,
    );
  });
});
