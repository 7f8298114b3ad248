// How the webhook's receiver knows the sender, and who does not get to know the receiver.
import { AzureLogger, setLogLevel } from '@azure/logger';
import { SecretClient } from '@azure/keyvault-secrets';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { demo } from '../../local/demo.ts';
import { feedSigningKeyMs } from '../../src/platform/limits.ts';
import { describeError } from '../../src/platform/log.ts';
import type { WebhookAuth } from '../../src/platform/settings/types.ts';
import {
  asked,
  asks,
  cloud,
  deliver,
  eventsOf,
  offer,
  one,
  received,
  sinkWith,
  stopOf,
} from './webhookStage.ts';

test('neither the log nor the traces of the SDK see the URL', async () => {
  const lines: string[] = [];
  const log = AzureLogger.log;
  AzureLogger.log = (...words: unknown[]) => lines.push(words.join(' '));
  setLogLevel('verbose');
  try {
    await deliver(sinkWith({ auth: { kind: 'entra', scope: 'api://receiver/.default' } }), [one]);
  } finally {
    setLogLevel(undefined);
    AzureLogger.log = log;
  }
  assert.equal(received.length, 1);
  assert.doesNotMatch(lines.join('\n'), /telehealth\.example|sig=/);
});

describe('a bearer', () => {
  const auth: WebhookAuth = { kind: 'entra', scope: 'api://receiver/.default' };

  test('of the app goes along, and one that is refused is replaced once', async () => {
    const given: (string | undefined)[] = [];
    asks.bearer = (header) => {
      given.push(header);
      return Promise.resolve(given.length === 2);
    };
    const sink = sinkWith({ auth });
    assert.equal((await sink.offer([one], offer)).kind, 'taken');
    cloud.advance(1000);
    assert.equal(given.length, 2);
    const [head = ''] = given;
    const claims = JSON.parse(Buffer.from(head.split('.')[1] ?? '', 'base64url').toString()) as {
      aud: string;
      oid: string;
    };
    assert.deepEqual([claims.aud, claims.oid], ['api://receiver', demo.managedIdentity.principalId]);
    asks.bearer = () => Promise.resolve(false);
    const before = asked();
    assert.match((await stopOf(sink.offer([one], offer))).message, /401/);
    assert.equal(asked() - before, 2);
  });
});

describe('a signature', () => {
  const secretName = 'webhook-key';
  const auth: WebhookAuth = { kind: 'hmac', vaultUrl: demo.vaultUrl, secretName };
  const newKey = (): string => randomBytes(32).toString('base64');
  const vaultReads = (): number =>
    cloud.log.list('keyVault').filter(({ method, status }) => method === 'GET' && status === 200).length;

  async function store(value: string): Promise<void> {
    await new SecretClient(demo.vaultUrl, cloud.credentialFor(demo.managedIdentity)).setSecret(
      secretName,
      value,
    );
  }

  test('is one that a receiver can verify, with a key that is read from the vault now and then', async () => {
    const key = newKey();
    await store(`whsec_${key}`);
    asks.signingKey = () => key;
    const before = vaultReads();
    const sink = sinkWith({ auth, mode: 'batched' });
    await deliver(sink, eventsOf(3));
    await deliver(sink, eventsOf(2));
    assert.equal(received.length, 5);
    assert.equal(vaultReads() - before, 1);
    cloud.advance(feedSigningKeyMs);
    await deliver(sink, eventsOf(1));
    assert.equal(vaultReads() - before, 2);
  });

  test('with a key that was replaced is refused, and made anew once', async () => {
    const [old, next] = [newKey(), newKey()];
    await store(old);
    asks.signingKey = () => old;
    const sink = sinkWith({ auth });
    await deliver(sink, [one]);
    await store(next);
    asks.signingKey = () => next;
    assert.equal((await sink.offer([one], offer)).kind, 'taken');
    asks.signingKey = () => old;
    const before = asked();
    assert.match((await stopOf(sink.offer([one], offer))).message, /401/);
    assert.equal(asked() - before, 2);
  });

  test('cannot be made without a proper key, and what is wrong is said without it', async () => {
    for (const bad of ['canary', 'Y2FuYXJ5', `${newKey()}!canary`, randomBytes(65).toString('base64')]) {
      await store(bad);
      const stop = await stopOf(sinkWith({ auth }).offer([one], offer));
      assert.doesNotMatch(JSON.stringify([stop.message, stop.advice, describeError(stop)]), /canary|Y2Fu/);
      assert.match(stop.advice, /base64 of 24 to 64/);
    }
    const missing = { ...auth, secretName: 'no-such-secret' };
    assert.match((await stopOf(sinkWith({ auth: missing }).offer([one], offer))).advice, /no such secret/);
    cloud.faults.add({ service: 'keyVault', effect: { revokePermission: 'Key Vault Secrets Officer' } });
    assert.match((await stopOf(sinkWith({ auth }).offer([one], offer))).advice, /Key Vault Secrets User/);
    assert.equal(received.length, 0);
  });
});
