// What the client of ACS sends, over which connection and how often, and what it tells of a creation.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AcsClient } from '../../src/communication/acsClient.ts';
import { AcsBudget } from '../../src/communication/rateLimit.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { SignInError } from '../../src/platform/credential.ts';
import { acsRequestsPerWindow } from '../../src/platform/limits.ts';
import { endpoint } from '../local/standIns/communication/clients.ts';
import { answered } from './answered.ts';
import { refused } from './calls.ts';

describe('an identity is asked for', () => {
  /** What the connections of a creation and of an issue say of themselves. */
  const connections = async (property: string): Promise<unknown[]> => {
    const { acs, sent } = answered(403);
    await acs.create();
    await assert.rejects(acs.issue('8:acs:a_b', { scopes: ['chat'], minutes: 60 }));
    return sent.map(({ agent }): unknown => agent && Reflect.get(agent, property));
  };

  test('over a connection of its own, everything else over a kept one', async () => {
    assert.deepEqual(await connections('keepAlive'), [false, undefined]);
  });

  test('through the proxy of the machine, as everything else is', async () => {
    const before = process.env['HTTPS_PROXY'];
    process.env['HTTPS_PROXY'] = 'http://proxy.clinic.example:3128';
    try {
      const proxies = (await connections('proxy')).map(String);
      assert.deepEqual(proxies, Array(2).fill('http://proxy.clinic.example:3128/'));
    } finally {
      if (before === undefined) delete process.env['HTTPS_PROXY'];
      else process.env['HTTPS_PROXY'] = before;
    }
  });
});

test('another try is counted like the first one, and not sent where the budget is used up', async () => {
  const { acs, sent } = answered(500, acsRequestsPerWindow.revoke - 1);
  await assert.rejects(acs.revoke('8:acs:a_b', 'reserved'), refused('upstream_throttled'));
  assert.equal(sent.length, 1);
});

describe('a creation', () => {
  test('that was refused made nothing, and any other failure of it may have', async () => {
    const kinds = {
      400: 'refused',
      401: 'refused',
      429: 'refused',
      200: 'unknown',
      408: 'unknown',
      503: 'unknown',
    };
    for (const [status, kind] of Object.entries(kinds))
      assert.equal((await answered(Number(status)).acs.create()).kind, kind, status);
  });

  test('without a sign-in was never asked for', async () => {
    const sendRequest = () => assert.fail('nothing is sent');
    const credential = () => ({ getToken: () => Promise.reject(new SignInError('no answer')) });
    const platform = { clock: systemClock, random: () => 0.5, credential, httpClient: { sendRequest } };
    const resource = { kind: 'endpoint', endpoint } as const;
    const settings = { resource, credential: { managedIdentity: true } };
    const acs = new AcsClient(settings, platform, new AcsBudget(systemClock));
    assert.equal((await acs.create()).kind, 'refused');
  });
});
