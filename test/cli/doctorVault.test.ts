// What the doctor makes of a vault's answers about one secret, of which it neither sees nor changes a value.
import { createHttpHeaders, type HttpClient } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vaultChecks, type SecretPlace } from '../../cli/doctor/checks/vault.ts';
import type { Finding } from '../../cli/doctor/finding.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';

const credential = { managedIdentity: true };
const vaultUrl = 'https://kv.vault.azure.net';
const absent = { status: 404, body: '{"error":{"code":"SecretNotFound","message":"canary"}}' };

interface Scripted {
  readonly status: number;
  readonly body: string;
}

interface Asked {
  readonly findings: readonly Finding[];
  /** `<method> <path>`, in the order in which they were asked. */
  readonly requests: readonly string[];
}

async function look(name: SecretPlace['name'], answer: (request: string) => Scripted): Promise<Asked> {
  const token = { token: 'x', expiresOnTimestamp: Infinity };
  const requests: string[] = [];
  const headers = createHttpHeaders({ 'content-type': 'application/json' });
  const httpClient: HttpClient = {
    sendRequest: async (request) => {
      const asked = `${request.method} ${new URL(request.url).pathname}`;
      requests.push(asked);
      const { status, body } = answer(asked);
      return { request, status, headers, bodyAsText: body };
    },
  };
  const platform = {
    ...createPlatform(systemClock, () => 'a-uuid'),
    ...{ credential: () => ({ getToken: async () => token }), httpClient },
  };
  const findings = await Promise.all(vaultChecks({ name, vaultUrl, secretName: 's', credential }, platform));
  return { findings, requests };
}

/** Versions of the secret, enabled or not; nothing else is there. */
const holding =
  (...enabled: readonly boolean[]) =>
  (request: string): Scripted => {
    if (!request.endsWith('/versions')) return absent;
    const value = enabled.map((one, at) => ({
      id: `${vaultUrl}/secrets/s/${at}`,
      attributes: { enabled: one },
    }));
    return { status: 200, body: JSON.stringify({ value }) };
  };
const told = ({ findings }: Asked): readonly string[] =>
  findings.map(({ check, verdict, detail }) => `${check}: ${verdict}: ${detail}`);

const unset =
  'Key Vault: set "s": unproven: nothing harmless shows the right to set; the role that lets it be tagged has it as well';

test('a secret that is rotated is asked for by name and for a version that does not exist, and never for its value', async () => {
  const asked = await look('keyVault', holding(true, false, true));
  assert.deepEqual(told(asked), [
    'Key Vault: list versions of "s": ok: 2 enabled',
    ...['read', 'see whether somebody deleted', 'tag and disable versions of'].map(
      (right) => `Key Vault: ${right} "s": ok: `,
    ),
    unset,
  ]);
  const nothing = '0'.repeat(32);
  assert.deepEqual(asked.requests.toSorted(), [
    'GET /deletedsecrets/s',
    `GET /secrets/s/${nothing}`,
    'GET /secrets/s/versions',
    `PATCH /secrets/s/${nothing}`,
  ]);
});

test('a secret that does not exist yet is made by the rotation, but not the key of a webhook', async () => {
  const [versions] = told(await look('keyVault', () => absent));
  assert.equal(versions, 'Key Vault: list versions of "s": ok: there is none yet: the first run makes one');
  for (const answer of [() => absent, holding(false)]) {
    const { findings } = await look('webhookKey', answer);
    assert.deepEqual(
      findings.map(({ verdict }) => verdict),
      ['failed', 'ok'],
    );
    assert.match(findings[0]?.cure ?? '', /see that the secret is enabled/);
  }
  assert.deepEqual(told(await look('webhookKey', holding(true))), [
    'Key Vault: list versions of "s": ok: 1 enabled',
    'Key Vault: read "s": ok: ',
  ]);
});

test('a deleted secret fails its check, with the command that brings back just that one', async () => {
  const { findings } = await look('keyVault', (request) =>
    request.startsWith('GET /deletedsecrets')
      ? { status: 200, body: JSON.stringify({ id: `${vaultUrl}/secrets/s`, attributes: {} }) }
      : holding(true)(request),
  );
  const failed = findings.filter(({ verdict }) => verdict === 'failed');
  assert.deepEqual(
    failed.map(({ check }) => check),
    ['Key Vault: see whether somebody deleted "s"'],
  );
  assert.match(failed[0]?.cure ?? '', /recover --vault-name kv --name s\b/);
});

test('a vault that refuses or fails does so for every right, in our words alone', async () => {
  for (const status of [403, 500]) {
    const { findings } = await look('keyVault', () => ({
      status,
      body: '{"error":{"code":"x","message":"canary"}}',
    }));
    const verdicts = findings.map(({ verdict }) => verdict);
    assert.deepEqual(verdicts, ['failed', 'failed', 'failed', 'failed', 'unproven'], String(status));
    assert.doesNotMatch(JSON.stringify(findings), /canary/);
  }
});
