// What the doctor makes of the answers of Graph, ACS, DICOM and the issuer: what is proven, what is not, and what fails.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  communicationChecks,
  dicomChecks,
  graphChecks,
  issuerChecks,
  webhookChecks,
} from '../../cli/doctor/checks/services.ts';
import type { Finding } from '../../cli/doctor/finding.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { SignInError } from '../../src/platform/credential.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { createPlatform } from '../../src/platform/processPlatform.ts';
import { parseSettings } from '../../src/platform/settings/settings.ts';
import { entryOf } from '../changeFeed/feedService.ts';
import { FakeTransport, type Scripted } from '../platform/transport.ts';

const id = '7e1e4ea1-7000-4000-8000-000000000001';
const other = '7e1e4ea1-7000-4000-8000-000000000002';
const settings = parseSettings({
  ...{ AUTH_BACKEND_ROLE: 'none', AUTH_OPERATOR_ROLE: 'none', STATE_STORAGE__accountName: 'st1' },
  ...{ COMMUNICATION_SERVICES_ENDPOINT: 'https://x.communication.azure.com' },
  ...{ KEY_VAULT_URL: 'https://kv.vault.azure.net', SERVICE_CLIENT_SECRET_NAME: 'a-secret' },
  ...{ SERVICE_CLIENT_APP_ID: id, SERVICE_CLIENT_TENANT_ID: id },
  ...{ DICOM_SERVICE_URL: 'https://a-b.dicom.azurehealthcareapis.com', CHANGE_FEED_START: 'latest' },
  ...{ CHANGE_FEED_SINKS: 'webhook', CHANGE_FEED_WEBHOOK_URL: 'https://receiver.example/changes' },
  ...{ CHANGE_FEED_WEBHOOK_AUTH: 'entra:api://receiver/.default' },
});
const { communication, rotation, changeFeed } = settings;
assert.ok(communication.state === 'on' && rotation.state === 'on' && changeFeed.state === 'on');

type Answer = (path: string) => Scripted;

function platformOf(answer: Answer, claims: object = {}): Platform {
  const token = `x.${Buffer.from(JSON.stringify({ oid: id, tid: id, ...claims })).toString('base64url')}.x`;
  return {
    ...createPlatform(systemClock, () => 'a-uuid'),
    credential: () => ({ getToken: async () => ({ token, expiresOnTimestamp: Infinity }) }),
    httpClient: new FakeTransport(async ({ url }) => answer(new URL(url).pathname)),
  };
}

const json = (body: object, status = 200): Scripted => ({
  ...{ status, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
});

async function only(checks: readonly Promise<Finding>[]): Promise<string> {
  const [found = assert.fail()] = await Promise.all(checks);
  return `${found.verdict}: ${found.detail}`;
}

describe('of Graph', () => {
  const look = (roles: readonly string[], owner: string | undefined): Promise<string> => {
    const answer: Answer = (path) => {
      if (path.endsWith('/owners')) return owner ? json({ value: [{ id: owner }] }) : json({}, 403);
      return path.includes('/applications(') && path.endsWith(')')
        ? json({ id, passwordCredentials: [] })
        : json({}, 403);
    };
    return only(graphChecks(rotation.value, platformOf(answer, { roles })));
  };

  test('an owner with the role, or whoever may change all, is proven to be able to', async () => {
    const owned = ['Application.ReadWrite.OwnedBy'];
    assert.equal(await look(owned, id), 'ok: readable; an owner with the app role');
    assert.match(await look(owned, other), /^failed: /);
    assert.match(await look(owned, undefined), /^unproven: readable; no owner as far as can be seen; /);
    assert.equal(
      await look(['Application.ReadWrite.All'], other),
      'ok: readable; may change every application',
    );
    assert.match(await look(['Application.Read.All'], id), /^failed: /);
  });

  test('a person’s token says nothing of it', async () => {
    assert.match(await look([], id), /^unproven: readable; an owner; the token does not say/);
    assert.match(await look([], other), /^unproven: readable; no owner as far as can be seen; /);
  });
});

test('of ACS, only that nobody has no tokens is proof', async () => {
  const paths: string[] = [];
  const platform = platformOf((path) => {
    paths.push(decodeURIComponent(path));
    return { status: 204 };
  });
  assert.equal(
    await only(communicationChecks(communication.value, platform)),
    'unproven: ACS says that it revoked tokens of an identity that is none',
  );
  assert.match(paths.join(), /^\/identities\/8:acs:[0-]{36}_[0-]{36}\/:revokeAccessTokens$/);
});

test('of the issuer, keys are counted, and none is no proof', async () => {
  const look = (...keys: readonly object[]): Promise<string> => {
    const answer: Answer = (path) =>
      path.endsWith('openid-configuration')
        ? json({ issuer: 'https://i.example', jwks_uri: 'https://i.example/keys' })
        : json({ keys });
    const callers = { issuer: 'https://i.example', audiences: ['x'], requiredScope: 'x' };
    return only(issuerChecks(callers, platformOf(answer)));
  };
  assert.equal(await look({ kty: 'RSA' }, { kty: 'RSA' }), 'ok: 2 keys');
  assert.equal(await look(), 'unproven: it publishes no key');
});

test('of DICOM, the newest change is told by its number', async () => {
  const headers = { date: 'Sun, 01 Mar 2026 12:00:00 GMT' };
  const look = (answer: Scripted): Promise<string> =>
    only(
      dicomChecks(
        changeFeed.value,
        platformOf(() => ({ ...answer, headers })),
      ),
    );
  assert.equal(await look({ status: 204 }), 'ok: no change yet');
  assert.equal(await look(json(entryOf(41, 0))), 'ok: latest change 41');
  assert.match(await look(json({ sequence: 'canary' })), /^failed: (?!.*canary)/);
});

test('of the webhook, a token for it is asked for, and no change is sent', async () => {
  const none = { getToken: () => Promise.reject(new SignInError('Sign-in failed.')) };
  const platform = platformOf(() => assert.fail('nothing is sent'));
  const [token, delivery] = await Promise.all(webhookChecks(changeFeed.value, platform));
  assert.deepEqual([token?.verdict, delivery?.verdict], ['ok', 'unproven']);
  const refused = webhookChecks(changeFeed.value, { ...platform, credential: () => none });
  assert.equal(await only(refused), 'failed: no token for it');
});
