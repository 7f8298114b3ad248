// Every problem says how to mend it, with the ids filled in, and what can be known before a mint stops before it.
import type { TokenCredential } from '@azure/core-auth';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { demo } from '../../local/demo.ts';
import { problemTexts } from '../../src/rotation/problemTexts.ts';
import { fillIn, problemOf } from '../../src/rotation/problems.ts';
import { fault, healthy, mints, scene, type Scene } from './scene.ts';
import { cloud } from './tenant.ts';

const { principalId } = demo.managedIdentity;
const vault = 'telehealth-demo';

test('every advice names a command, a page or a setting', () => {
  const way = /\baz [a-z]+ |npm run rotation|portal, |\b[A-Z]+(_[A-Z]+)+\b|\(NTP\)/;
  for (const [code, { advice }] of Object.entries(problemTexts)) assert.match(advice, way, code);
});

test('every name in an advice is one that can be filled in, but for what only the reader can choose', () => {
  const known = { appId: 'a', secret: 's', vault: 'v', 'principal id': 'p', keyId: 'k' };
  const left = Object.values(problemTexts).flatMap(
    ({ advice }) => fillIn(advice, known).match(/<[^>]*>/g) ?? [],
  );
  assert.deepEqual([...new Set(left)], ['<address>']);
});

test('a name that is not known stays for the reader', () => {
  assert.equal(fillIn('az show <appId> <vault>', { appId: 'x' }), 'az show x <vault>');
  assert.match(problemOf('other_target', 'It is k.', { keyId: 'k' }).advice, /--id <appId> --key-id k\b/);
});

const forbidden = (message: string): object => ({
  status: 403,
  body: { error: { code: 'Forbidden', message } },
});
const denied = forbidden('Caller is not authorized to perform action on resource.');
const role = new RegExp(
  `az role assignment create --role "Key Vault Secrets Officer" --assignee-object-id ${principalId} .*--name ${vault} `,
);

interface Case {
  readonly what: string;
  readonly rule: (s: Scene) => object;
  readonly code: string;
  readonly advice: RegExp;
}

const cases: readonly Case[] = [
  {
    what: 'no permission to get the secret',
    rule: ({ client }) => ({ service: 'keyVault', path: `/secrets/${client.secretName}/$`, effect: denied }),
    code: 'vault_denied',
    advice: role,
  },
  {
    what: 'no permission to list its versions',
    rule: () => ({ service: 'keyVault', path: '/versions$', effect: denied }),
    code: 'vault_denied',
    advice: role,
  },
  {
    what: 'a firewall in front of the vault',
    rule: () => ({
      service: 'keyVault',
      effect: forbidden('Client address is not authorized and caller is not a trusted service.'),
    }),
    code: 'vault_firewall',
    advice: new RegExp(`az keyvault network-rule add --name ${vault}`),
  },
  {
    what: 'a vault of another tenant',
    rule: () => ({ service: 'keyVault', effect: { status: 401 } }),
    code: 'vault_tenant',
    advice: new RegExp(`KEY_VAULT_URL.*az keyvault show --name ${vault}`),
  },
  {
    what: 'a disabled current version',
    rule: () => ({
      service: 'keyVault',
      effect: forbidden('Operation get is not allowed on a disabled secret.'),
    }),
    code: 'secret_disabled',
    advice: new RegExp(`az keyvault secret set-attributes --vault-name ${vault} --name secret-`),
  },
  {
    what: 'no permission at Graph at all',
    rule: () => ({ service: 'graph', effect: { revokePermission: 'Application.ReadWrite.OwnedBy' } }),
    code: 'graph_denied',
    advice: new RegExp(`az rest .*"principalId.*${principalId}`),
  },
];
for (const { what, rule, code, advice } of cases) {
  test(`${what} stops a rotation before the mint, with the command that mends it`, async (t) => {
    const { s } = await healthy(20);
    fault(t, rule(s));
    const report = await s.run({ force: true, reason: 'due' });
    assert.equal(report.error?.code, code);
    assert.match(report.error.advice, advice);
    assert.equal(mints(s), 0);
  });
}

test('a refusal of Key Vault names the identity that needs the right, though its token for Graph comes later', async (t) => {
  const { s } = await healthy(20);
  fault(t, { service: 'keyVault', effect: denied });
  const known = cloud.log.list().length;
  const refused = (): boolean =>
    cloud.log
      .list()
      .slice(known)
      .some(({ status }) => status === 403);
  const own = cloud.credentialFor(demo.managedIdentity);
  const credential: TokenCredential = {
    async getToken(scopes, options) {
      if ([scopes].flat()[0]?.startsWith('https://graph.')) {
        while (!refused()) await setImmediate();
        for (let turns = 0; turns < 100; turns += 1) await setImmediate();
      }
      return own.getToken(scopes, options);
    },
  };
  assert.match((await s.run({}, { credential })).error?.advice ?? '', role);
});

test('no permission to read the deleted secrets stops a first secret, with the command for this vault', async (t) => {
  const s = scene();
  fault(t, { service: 'keyVault', path: '/deletedsecrets/', effect: denied });
  const report = await s.run();
  assert.equal(report.error?.code, 'deleted_unreadable');
  assert.match(report.error.advice, role);
  assert.equal(mints(s), 0);
});

test('an application that is not in this tenant stops before the mint, with the command for it', async () => {
  const s = scene();
  cloud.directory.servicePrincipals.delete(s.client.appId);
  const report = await s.run();
  assert.equal(report.error?.code, 'wrong_tenant');
  assert.match(report.error.advice, new RegExp(`az ad sp create --id ${s.client.appId}`));
  assert.equal(mints(s), 0);
});
