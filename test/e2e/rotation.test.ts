// The rotation end to end: what an operator asks for over HTTP, what Graph and Key Vault hold afterwards, and whether the secret works.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import * as z from 'zod/mini';
import { demo } from '../../local/demo.ts';
import { apiOf, assertProblem } from '../support/api.ts';
import { startLocalRun } from '../support/localRun.ts';

const report = z.looseObject({
  appId: z.string(),
  secretName: z.string(),
  outcome: z.string(),
  keyId: z.optional(z.string()),
  newKeyId: z.optional(z.string()),
  plan: z.array(z.looseObject({ kind: z.string(), text: z.string() })),
  counts: z.optional(z.looseObject({ owned: z.number(), orphan: z.number(), foreign: z.number() })),
});
const summary = z.looseObject({ clients: z.array(report) });
type Report = z.infer<typeof report>;

const local = await startLocalRun();
const api = apiOf(local.run);

async function rotate(body: object): Promise<Report> {
  const reply = await api.whenFree('POST', 'rotations', body);
  assert.equal(reply.status, 200, reply.text);
  const [client] = reply.json(summary).clients;
  assert.ok(client);
  return client;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Asks a stand-in under the real host's name, as a consumer of the secret would. */
function ask(
  url: string,
  host: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers: { ...headers, host } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

const vaultHost = new URL(demo.vaultUrl).host;

async function currentSecret(): Promise<{ value: string; tags: Record<string, string> }> {
  const { principalId: oid } = demo.managedIdentity;
  const claims = {
    aud: 'https://vault.azure.net',
    iss: `https://sts.windows.net/${demo.tenantId}/`,
    oid,
    sub: oid,
    scp: null,
  };
  const bearer = await api.sign({ claims });
  const { text } = await ask(
    `${local.run.azure.keyVault}/secrets/${demo.serviceClient.secretName}?api-version=2025-07-01`,
    vaultHost,
    {
      headers: { authorization: `Bearer ${bearer}` },
    },
  );
  return z.looseObject({ value: z.string(), tags: z.record(z.string(), z.string()) }).parse(JSON.parse(text));
}

/** What the service client itself would do with the secret. */
async function signIn(secret: string): Promise<Answer> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: demo.serviceClient.appId,
    client_secret: secret,
    scope: 'https://dicom.healthcareapis.azure.com/.default',
  }).toString();
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(body.length),
  };
  return ask(`${local.run.azure.entra}/${demo.tenantId}/oauth2/v2.0/token`, 'login.microsoftonline.com', {
    method: 'POST',
    headers,
    body,
  });
}

async function writes(since = 0): Promise<readonly string[]> {
  const entry = z.looseObject({
    number: z.number(),
    service: z.string(),
    method: z.string(),
    path: z.string(),
  });
  const reply = await fetch(`${local.run.azure.faults}/requests?since=${since}`);
  const all = z.array(entry).parse(await reply.json());
  return all
    .filter(({ service, method }) => ['graph', 'keyVault'].includes(service) && method !== 'GET')
    .map(({ service, method, path }) => `${service} ${method} ${path}`);
}

describe('after the start', () => {
  test('the secret that was about to expire has been replaced by one that works', async () => {
    let [client] = (await api.operation('GET', 'rotations')).json(summary).clients;
    // Beside `npm run azure` nobody has asked for it yet.
    if (client?.outcome === 'not_started') client = await rotate({});
    assert.equal(client?.outcome, 'rotated');
    assert.equal(client.secretName, demo.serviceClient.secretName);
    const secret = await currentSecret();
    assert.equal(secret.tags['CredentialId'], client.keyId);
    assert.equal((await signIn(secret.value)).status, 200);
  });

  test('a further run has nothing to do and writes nothing to Graph or the vault', async () => {
    const before = await writes();
    assert.equal((await rotate({})).outcome, 'noop');
    assert.deepEqual(await writes(), before);
  });

  test('no answer or log line carries the secret or its hint', async (t) => {
    const { value } = await currentSecret();
    const answer = await api.operation('GET', 'rotations');
    assert.equal(answer.text.includes(value), false);
    if (!local.child) {
      t.diagnostic('the host is not ours');
      return;
    }
    assert.equal(local.output().includes(value), false);
  });
});

describe('an operator', () => {
  test('sees by a dry run what a forced rotation would do, and nothing changes', async () => {
    const before = await writes();
    const client = await rotate({ dryRun: true, force: true, reason: 'a rehearsal' });
    assert.equal(client.outcome, 'planned');
    assert.ok(client.plan.length > 0);
    assert.deepEqual(await writes(), before);
  });

  test('forces a rotation with a reason; the old secret goes on working', async () => {
    const old = await currentSecret();
    const client = await rotate({
      target: demo.serviceClient.appId,
      force: true,
      reason: 'the drill of November',
    });
    assert.equal(client.outcome, 'rotated');
    const fresh = await currentSecret();
    assert.notEqual(fresh.tags['CredentialId'], old.tags['CredentialId']);
    assert.equal((await signIn(fresh.value)).status, 200);
    assert.equal((await signIn(old.value)).status, 200);
  });

  test('is told what is missing or wrong', async () => {
    const nameless = await api.operation('POST', 'rotations', { force: true });
    assertProblem(nameless, 400, 'invalid_request');
    assert.match(nameless.text, /reason/);
    assertProblem(await api.operation('POST', 'rotations', { target: 'no-such-secret' }), 404, 'not_found');
    const unknown = await api.operation('POST', 'rotations', { dryrun: true });
    assertProblem(unknown, 400, 'invalid_request');
    assert.match(unknown.text, /dryrun/);
  });

  test('needs the function key', async (t) => {
    if (!local.run.host.keysEnforced) {
      t.diagnostic('this host asks for no keys');
      return;
    }
    assert.equal((await api.plain('GET', 'rotations')).status, 401);
  });
});
