// What the doctor says of a request that got no answer, and of whoever it signed in as.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signInCheck } from '../../cli/doctor/checks/signIn.ts';
import { idle, look, type Finding } from '../../cli/doctor/finding.ts';
import { lookHere } from '../../cli/doctor/here.ts';
import { SignInError } from '../../src/platform/credential.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { AppError } from '../../src/platform/errors.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import type { CredentialSettings } from '../../src/platform/settings/types.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';

const failing = (error: Error): Promise<string> =>
  look('keyVault', 'Key Vault: read', () => Promise.reject(error)).then(({ detail }) => detail);

const noAnswer = 'Key Vault: no usable answer';

test('why there was no answer is told by its code, and by nothing else that the error says', async () => {
  const lost = Object.assign(new Error('canary https://kv.example'), { code: 'ENOTFOUND' });
  assert.equal(await failing(lost), 'Key Vault: no answer (ENOTFOUND)');
  assert.equal(await failing(new Error('canary', { cause: lost })), 'Key Vault: no answer (ENOTFOUND)');
  assert.equal(await failing(new Error('canary')), 'Key Vault: no usable answer');
  assert.equal(await failing(new AppError('upstream_timeout', 'canary')), 'Key Vault: no answer in time');
  const odd = Object.assign(new Error('canary'), { code: 'canary text' });
  assert.equal(await failing(odd), 'Key Vault: no usable answer');
});

test('what an answer without use says is told by its status, and who is refused by that word', async () => {
  const answered = (status: number): Error => Object.assign(new Error('canary'), { statusCode: status });
  assert.equal(await failing(answered(403)), 'Key Vault: refuses (answers 403)');
  assert.equal(await failing(answered(503)), 'Key Vault: answers 503');
  assert.equal(await failing(new Error('canary', { cause: answered(503) })), 'Key Vault: answers 503');
  assert.equal(await failing(Object.assign(new Error('canary'), { statusCode: 'canary' })), noAnswer);
  assert.equal(await failing(new AppError('upstream_failed', 'canary')), noAnswer);
  assert.equal(await failing(new Error('the issuer answered 404')), 'Key Vault: answers 404');
  assert.equal(await failing(new Error('Error 404 of somebody else')), noAnswer);
  assert.equal(await failing(new AppError('upstream_failed', 'the issuer answered 404')), noAnswer);
});

test('who is not reached is looked for in the settings, the names and the network', async () => {
  const { cure } = await look('keyVault', 'Key Vault: read', () => Promise.reject(new Error('canary')));
  assert.match(cure ?? '', /^Check KEY_VAULT_URL, the name in DNS/);
});

const ids = {
  oid: '7e1e4ea1-7000-4000-8000-00000000000d',
  tid: '7e1e4ea1-7000-4000-8000-000000000001',
};
const token = (claims: object): string =>
  `x.${Buffer.from(JSON.stringify({ ...ids, ...claims })).toString('base64url')}.x`;

async function signedIn(managedIdentity: boolean, claims: object): Promise<string> {
  const { verdict, detail } = await signInWith({ managedIdentity }, token(claims));
  assert.equal(verdict, 'ok');
  return detail;
}

function signInWith(identity: CredentialSettings, text: string): Promise<Finding> {
  const credential = { getToken: async () => ({ token: text, expiresOnTimestamp: 0 }) };
  return signInCheck(identity, { credential: () => credential });
}

test('a token of which nobody can tell whose it is is none of a failure, and nothing of it is shown', async () => {
  for (const text of [
    'canary',
    token({ oid: 'canary' }),
    token({ tid: 'canary' }),
    token({ azp: 'canary' }),
    token({ appid: 'canary' }),
  ]) {
    const { verdict, detail } = await signInWith({ managedIdentity: true }, text);
    assert.deepEqual([verdict, detail], ['unproven', 'signed in; the token does not say as whom']);
  }
});

test('the way to sign in is told as the settings say it', async () => {
  const ways = [
    [{ managedIdentity: true }, 'the system-assigned identity'],
    [{ managedIdentity: true, clientId: ids.oid }, `the identity ${ids.oid}`],
    [{ managedIdentity: true, tokenCredentials: 'prod' }, 'prod'],
    [{ managedIdentity: false, clientId: ids.oid }, 'Azure CLI and its like'],
  ] as const;
  for (const [identity, way] of ways)
    assert.equal((await signInWith(identity, token({}))).check, `Sign-in: ${way}`);
});

test('whoever looks on a workstation is told that the roles of the app are other ones', async () => {
  const person = await signedIn(false, { scp: 'user_impersonation' });
  assert.match(person, /^as a person, object id .*; not as the app, which has roles of its own$/);
  assert.match(await signedIn(false, { appid: ids.oid }), /^as an application .* roles of its own$/);
  assert.match(await signedIn(true, { azp: ids.tid }), new RegExp(`^as an application \\(${ids.tid}\\), `));
  assert.match(await signedIn(true, {}), /^as an application \(unknown\), /);
  assert.match(
    await signedIn(true, { appid: ids.oid }),
    new RegExp(`^as an application \\(${ids.oid}\\), object id ${ids.oid}, tenant ${ids.tid}$`),
  );
});

test('settings that switch no job on are a failure, for the app would do nothing', async () => {
  const findings = await lookHere(
    parseSettings({}),
    createPlatform(systemClock, () => 'a-uuid'),
  );
  const failed = findings.filter(({ verdict }) => verdict === 'failed');
  assert.deepEqual(
    failed.map(({ check, detail }) => `${check}: ${detail}`),
    ['Settings: no job is on: the app does nothing'],
  );
  assert.deepEqual(idle(['off', 'misconfigured', 'off']), [], 'that one is told for itself');
});

async function signInsWith(environment: Readonly<Record<string, string>>): Promise<{
  readonly checks: readonly string[];
  readonly scopes: readonly string[];
}> {
  const scopes: string[] = [];
  const credential = {
    getToken: (scope: string | string[]) => {
      scopes.push(...[scope].flat());
      return Promise.reject(new SignInError('Sign-in failed. Tried: nothing.'));
    },
  };
  const platform = {
    ...createPlatform(systemClock, () => 'a-uuid'),
    credential: () => credential,
    storage: () => assert.fail('not asked here'),
  };
  const settings = parseSettings({
    ...{ STATE_STORAGE__accountName: 'st1', AUTH_BACKEND_ROLE: 'none', AUTH_OPERATOR_ROLE: 'none' },
    ...{ COMMUNICATION_SERVICES_ENDPOINT: 'https://x.communication.azure.com', CHANGE_FEED_START: 'latest' },
    DICOM_SERVICE_URL: 'https://x-y.dicom.azurehealthcareapis.com',
    ...{ COMMUNICATION_CLIENT_ID: ids.oid, CHANGE_FEED_CLIENT_ID: ids.tid, ...environment },
  });
  const checks = (await lookHere(settings, platform)).map(({ check }) => check);
  return { checks: checks.filter((check) => check.startsWith('Sign-in')), scopes };
}

test('each identity signs in once, and whoever stands in for all of them on a workstation too, for what every tool may ask', async () => {
  const app = await signInsWith({ IDENTITY_ENDPOINT: 'http://127.0.0.1:1/msi/token' });
  assert.deepEqual(app.checks, [`Sign-in: the identity ${ids.oid}`, `Sign-in: the identity ${ids.tid}`]);
  const person = await signInsWith({});
  assert.deepEqual(person.checks, ['Sign-in: Azure CLI and its like']);
  assert.equal(person.scopes[0], 'https://storage.azure.com/.default');
});
