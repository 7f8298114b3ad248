// What else is looked at: who may change the application and what else signs in for it; before a mint, and once a day.
import type { TokenCredential } from '@azure/core-auth';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { demo } from '../../local/demo.ts';
import { appOnlyClaims } from '../../local/standIns/claims.ts';
import type { StoredCredential } from '../../local/standIns/directory.ts';
import { fault, healthy, mints, scene, stateBlobOf, type Scene } from './scene.ts';
import { cloud, dayMs, hourMs } from './tenant.ts';

const { managedIdentity } = demo;

/** The managed identity's tokens with other claims: its rights in the tenant stay, what the app reads of them changes. */
function tokensWith(claims: object): TokenCredential {
  return {
    async getToken(scopes) {
      const resource = [scopes].flat()[0]?.replace('/.default', '') ?? '';
      const own = appOnlyClaims(cloud.directory, managedIdentity, resource);
      return {
        token: await cloud.tokens.sign({ claims: { ...own, ...claims } }),
        expiresOnTimestamp: cloud.now() + hourMs,
      };
    },
  };
}

const surveyReads = (s: Scene): string[] =>
  s.asked().filter((line) => /owners$|federatedIdentityCredentials$|servicePrincipals/.test(line));

function addFederatedCredential({ application }: Scene): void {
  const common = { issuer: demo.issuer, subject: 'somebody', audiences: ['api://AzureADTokenExchange'] };
  application.federatedIdentityCredentials.push({ id: randomUUID(), name: 'gateway', ...common });
}

function addPrincipalSecret({ client }: Scene, days: number): string {
  const at = cloud.now();
  const credential: StoredCredential = {
    ...{ keyId: randomUUID(), displayName: 'by hand', secretText: `abc8Q~${randomUUID()}`, addedAt: at },
    startDateTime: new Date(at).toISOString(),
    endDateTime: new Date(at + days * dayMs).toISOString(),
  };
  const principal = cloud.directory.servicePrincipals.get(client.appId);
  assert.ok(principal);
  principal.passwordCredentials = [...principal.passwordCredentials, credential];
  return credential.keyId;
}

test('an identity that does not own the application mints nothing and is told the command with its own object id', async () => {
  const { s } = await healthy(20);
  s.application.owners.clear();
  const report = await s.run();
  assert.equal(report.outcome, 'refused');
  assert.equal(report.error?.code, 'not_owner');
  const { appId } = s.client;
  assert.equal(
    report.error.advice,
    `az ad app owner add --id ${appId} --owner-object-id ${managedIdentity.principalId}.`,
  );
  assert.equal(mints(s), 0);
  s.application.owners.add(managedIdentity.principalId);
  assert.equal((await s.run()).outcome, 'rotated');
});

test('a dry run says so too', async () => {
  const { s } = await healthy(20);
  s.application.owners.clear();
  assert.equal((await s.run({ dryRun: true })).error?.code, 'not_owner');
});

test('long before a rotation is due, a missing owner is a warning', async () => {
  const { s } = await healthy(60);
  s.application.owners.clear();
  const report = await s.run();
  assert.equal(report.outcome, 'noop');
  assert.match(report.warnings.join(), /az ad app owner add --id/);
});

test('an identity that may read every application and change none mints nothing', async () => {
  const { s } = await healthy(20);
  const credential = tokensWith({ roles: ['Application.Read.All'] });
  const report = await s.run({}, { credential });
  assert.equal(report.error?.code, 'graph_role_missing');
  assert.match(report.error.advice, /az rest --method POST .*18a4783c-866b-4cc7-a460-3d5e5662c884/);
  assert.ok(!report.error.advice.includes('<principal id>'));
  assert.equal(mints(s), 0);
});

test('an identity that may change every application need not own it', async (t) => {
  const { s } = await healthy(20);
  s.application.owners.clear();
  cloud.directory.grant(managedIdentity.principalId, 'Application.ReadWrite.All');
  t.after(() => {
    cloud.directory.suspend('Application.ReadWrite.All');
  });
  assert.equal((await s.run()).outcome, 'rotated');
});

test('owners that cannot be read stop nothing', async (t) => {
  const { s } = await healthy(20);
  fault(t, { service: 'graph', path: '/owners', effect: { status: 403 } });
  assert.equal((await s.run()).outcome, 'rotated');
});

test('a look that gets no answer at all stops nothing', async (t) => {
  const { s } = await healthy(20);
  for (const path of ['/owners', '/federatedIdentityCredentials', '/servicePrincipals']) {
    fault(t, { service: 'graph', path, effect: { status: 200, body: '<html>proxy</html>' } });
  }
  const report = await s.run();
  assert.equal(report.outcome, 'rotated');
  assert.equal(report.federatedCredentials, undefined);
  assert.equal(report.principalSecrets, undefined);
});

test('owners are on several pages: who is not on the first may be on another', async (t) => {
  const { s } = await healthy(20);
  const more = 'https://graph.microsoft.com/v1.0/next';
  const body = { value: [{ id: demo.tenantId }], '@odata.nextLink': more };
  fault(t, { service: 'graph', path: '/owners', effect: { status: 200, body } });
  assert.equal((await s.run()).outcome, 'rotated');
});

test('a role that only a person’s token or a directory role explains stops nothing', async () => {
  for (const claims of [{ wids: ['158c047a-c907-4556-b7ef-446551a6b5f7'] }, { roles: [] }]) {
    const { s } = await healthy(20);
    const credential = tokensWith(claims);
    assert.equal((await s.run({}, { credential })).outcome, 'rotated', JSON.stringify(claims));
  }
});

test('the look is repeated after a day, whichever instance runs, and not before', async () => {
  const { s } = await healthy(60);
  await s.run();
  assert.equal(surveyReads(s).length, 3);
  for (const wait of [0, hourMs, 22 * hourMs]) {
    cloud.advance(wait);
    assert.equal((await s.run()).outcome, 'noop');
    assert.deepEqual(surveyReads(s), []);
  }
  cloud.advance(hourMs);
  assert.equal((await s.run()).outcome, 'noop');
  assert.equal(surveyReads(s).length, 3);
});

test('a dry run leaves no trace of its look', async () => {
  const { s } = await healthy(60);
  await s.run({ dryRun: true });
  assert.equal(await stateBlobOf(s).exists(), false);
});

test('a client with a federated credential is pointed out on every run, with how to see whether its secret is used', async () => {
  const { s } = await healthy(60);
  assert.equal((await s.run()).secretMayBeUnnecessary, false);
  addFederatedCredential(s);
  cloud.advance(dayMs);
  for (let n = 0; n < 2; n += 1) {
    const report = await s.run();
    assert.equal(report.federatedCredentials, 1);
    assert.equal(report.secretMayBeUnnecessary, true);
    assert.match(
      report.warnings.join(),
      new RegExp(`AADServicePrincipalSignInLogs.*AppId == '${s.client.appId}'`),
    );
  }
});

test('secrets on the service principal are counted, reported when they appear, and never touched', async () => {
  const { s } = await healthy(60);
  addPrincipalSecret(s, -1);
  const known = addPrincipalSecret(s, 12);
  const first = await s.run();
  assert.equal(first.principalSecrets, 2);
  assert.equal(first.principalSecretsDaysToExpiry, 12);
  assert.ok(!first.warnings.join().includes(known));
  const late = addPrincipalSecret(s, 40);
  cloud.advance(31 * dayMs);
  const rotated = await s.run();
  assert.equal(rotated.outcome, 'rotated');
  assert.equal(rotated.principalSecrets, 3);
  assert.match(rotated.warnings.join(), new RegExp(`appeared on the service principal: ${late}`));
  assert.equal(cloud.directory.servicePrincipals.get(s.client.appId)?.passwordCredentials.length, 3);
});

test('a look that failed forgets nothing: what appears after it is still reported, and the rest still told', async (t) => {
  const { s } = await healthy(60);
  addFederatedCredential(s);
  addPrincipalSecret(s, 40);
  await s.run();
  cloud.advance(dayMs);
  const answers = ['/federatedIdentityCredentials', '/servicePrincipals'].map((path) =>
    fault(t, { service: 'graph', path, effect: { status: 403 } }),
  );
  const blind = await s.run();
  assert.equal(blind.principalSecrets, 1);
  assert.equal(blind.federatedCredentials, 1);
  for (const answer of answers) answer();
  const late = addPrincipalSecret(s, 40);
  cloud.advance(dayMs);
  assert.match((await s.run()).warnings.join(), new RegExp(`appeared on the service principal: ${late}`));
});

test('the nearest end among the foreign credentials of the application is told', async () => {
  const { s } = await healthy(60);
  assert.equal((await s.run()).foreignDaysToExpiry, undefined);
  for (const days of [50, 7, -3]) await s.addCredential('made in the portal', days);
  const report = await s.run();
  assert.equal(report.counts?.foreign, 3);
  assert.equal(report.foreignDaysToExpiry, 7);
});

test('an application with very many credentials is pointed out before Entra takes no more', async () => {
  const s = scene();
  for (let n = 0; n < 99; n += 1) await s.addCredential('made in the portal', 60);
  assert.doesNotMatch((await s.run({ dryRun: true })).warnings.join(), /takes no more/);
  await s.addCredential('made in the portal', 60);
  assert.match((await s.run({ dryRun: true })).warnings.join(), /has 100 credentials/);
});
