// The services of the process: made once for equal settings, apart for different ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import { Secret } from '../../src/platform/secret.ts';
import { ManualClock } from '../support/clock.ts';

const identity = { managedIdentity: true };
const platform = createPlatform(new ManualClock(), () => 'uuid-1');

test('equal identities share a credential, others do not', () => {
  const one = platform.credential({ ...identity, clientId: 'a' });
  assert.equal(platform.credential({ ...identity, clientId: 'a', tokenCredentials: undefined }), one);
  assert.notEqual(platform.credential({ ...identity, clientId: 'b' }), one);
  assert.notEqual(platform.credential(identity), one);
});

test('equal accounts share their clients, a connection string counting by its wrapper', () => {
  const uris = { blobUri: 'https://b.example', queueUri: 'https://q.example', tableUri: 'https://t.example' };
  const account = { kind: 'identity', ...uris } as const;
  const one = platform.storage(account, identity);
  assert.equal(platform.storage({ ...account }, { ...identity }), one);
  assert.notEqual(platform.storage({ ...account, clientId: 'a' }, identity), one);
  assert.notEqual(platform.storage(account, { ...identity, clientId: 'a' }), one);
  const text = 'UseDevelopmentStorage=true';
  const secret = { kind: 'connectionString', connectionString: new Secret(text) } as const;
  const bySecret = platform.storage(secret, identity);
  assert.equal(platform.storage({ ...secret }, identity), bySecret);
  const other = { kind: 'connectionString', connectionString: new Secret(text) } as const;
  assert.notEqual(platform.storage(other, identity), bySecret);
});

test('each issuer has one key cache', () => {
  const keys = platform.issuerKeys('https://issuer.example');
  assert.equal(platform.issuerKeys('https://issuer.example'), keys);
  assert.notEqual(platform.issuerKeys('https://other.example'), keys);
});

test('chance and names come from where they were given', () => {
  assert.equal(platform.uuid(), 'uuid-1');
  const chance = platform.random();
  assert.ok(chance >= 0 && chance < 1);
});
