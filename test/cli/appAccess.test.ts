// Where a command finds the app of this machine and a token, and when it asks again.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as z from 'zod/mini';
import { readAccess, withNewBearer } from '../../cli/app/access.ts';
import { createCaller, type Call } from '../../cli/app/call.ts';
import type { AccessOptions } from '../../cli/app/options.ts';
import { writeRunFile } from '../../local/runFile.ts';

const LOCAL_DIR = mkdtempSync(join(tmpdir(), 'telehealth-access-'));
after(() => {
  rmSync(LOCAL_DIR, { recursive: true });
});

const nothing: AccessOptions = {
  ...{ url: undefined, key: undefined, keyStdin: false, bearerFile: undefined, bearerCommand: undefined },
};

test('the app of this machine is found with its function key, never with the master key', async () => {
  const url = 'http://127.0.0.1:9';
  writeRunFile(LOCAL_DIR, {
    ...{ pid: process.pid, host: { kind: 'local', url, keysEnforced: true } },
    ...{
      keys: { master: 'the-master', function: 'f' },
      demo: { bearer: 'b', dicomBearer: 'b', userId: 'u' },
    },
    azure: {
      ...{ storage: url, managedIdentity: url, entra: url, graph: url, keyVault: url },
      ...{ communication: url, dicom: url, subscriber: url, faults: url },
    },
  });
  const found = await readAccess(nothing, { LOCAL_DIR });
  assert.deepEqual(found, { url, headers: { 'x-functions-key': 'f' }, signedIn: false });
  const given = await readAccess({ ...nothing, key: 'given' }, { LOCAL_DIR });
  assert.equal(given.headers['x-functions-key'], 'given');
  writeFileSync(join(LOCAL_DIR, 'run.json'), 'canary');
  await assert.rejects(readAccess(nothing, { LOCAL_DIR }), /^UsageError: .*run\.json is not a run file/);
  const nowhere = { LOCAL_DIR: join(LOCAL_DIR, 'none') };
  await assert.rejects(readAccess(nothing, nowhere), /^UsageError: --url: missing/);
});

test('what the command for a token complains about is seen', async (t) => {
  let seen = '';
  t.mock.method(process.stderr, 'write', (text: Uint8Array | string) => {
    seen += text.toString();
    return true;
  });
  const bearerCommand = 'echo "sign in again" >&2; echo a.b';
  await readAccess({ ...nothing, url: 'https://f', bearerCommand }, {});
  assert.equal(seen, 'sign in again\n');
});

test('who came without a token goes on without one', async () => {
  const access = { url: 'https://f', headers: { 'x-functions-key': 'f' }, signedIn: false };
  assert.deepEqual(await withNewBearer(access, nothing), access);
});

test('only a token that has expired makes a command ask twice: work may have been begun', async (t) => {
  let asked = 0;
  const server = createServer((_request, reply) => {
    asked += 1;
    const trouble = JSON.stringify({ code: 'upstream_failed', detail: 'x', requestId: 'r-1' });
    reply.writeHead(asked === 1 ? 200 : 502).end(asked === 1 ? '{}' : trouble);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const interrupted = new AbortController().signal;
  const call = createCaller({ url, headers: {}, signedIn: false }, nothing, interrupted);
  const run: Call<object> = {
    ...{ method: 'POST', path: 'x', answerMs: 30_000, capability: 'x', interruption: { detail: 'Stopped.' } },
    shape: z.object({}),
  };
  assert.equal((await call(run)).kind, 'answer');
  assert.equal((await call(run)).kind, 'trouble');
  assert.equal(asked, 2);
});
