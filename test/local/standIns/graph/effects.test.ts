// The stand-in for Microsoft Graph: its scripted misbehaviour.
import type { PipelineResponse } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import {
  add,
  assertRefused,
  byAppId,
  call,
  cloud,
  dayMs,
  failure,
  freshApplication,
  json,
  keyIds,
} from './calls.ts';

beforeEach(() => {
  freshApplication();
});

test('stale reads answer what was there before the last write, as often as the rule says', async () => {
  const first = await add();
  const second = await add();
  cloud.faults.add({ service: 'graph', effect: { staleReads: 2 } });
  assert.deepEqual(await keyIds(), [first.keyId]);
  assert.deepEqual(await keyIds(), [first.keyId]);
  assert.deepEqual(await keyIds(), [first.keyId, second.keyId]);
});

test('a removal right after an addition meets the concurrency violation while the rule is on', async () => {
  const rule = cloud.faults.add({ service: 'graph', effect: { concurrencyWindowMs: 5_000 } });
  const { keyId } = await add();
  const remove = (): Promise<PipelineResponse> => call('POST', `${byAppId}/removePassword`, { keyId });
  cloud.advance(4_999);
  assertRefused(await remove(), 409, 'Directory_ConcurrencyViolation');
  cloud.advance(1);
  assert.equal((await remove()).status, 204);
  const next = await add();
  cloud.faults.remove(rule);
  assert.equal((await call('POST', `${byAppId}/removePassword`, { keyId: next.keyId })).status, 204);
});

test('policies refuse a lifetime that is too long and passwords altogether', async () => {
  cloud.faults.add({ service: 'graph', effect: { maxLifetimeDays: 180 } });
  const until = (days: number): object => ({
    endDateTime: new Date(cloud.now() + days * dayMs).toISOString(),
  });
  const tooLong = await call('POST', `${byAppId}/addPassword`, { passwordCredential: until(181) });
  assertRefused(tooLong, 400, 'CredentialInvalidLifetimeAsPerAppPolicy');
  assert.equal(json(failure, tooLong).error.details?.[0]?.code, 'InvalidKeyEndDate');
  const { keyId } = await add(until(180));
  cloud.faults.add({ service: 'graph', effect: { passwordAddition: 'denied' } });
  const denied = await call('POST', `${byAppId}/addPassword`, { passwordCredential: until(1) });
  assertRefused(denied, 400, 'CredentialTypeNotAllowedAsPerAppPolicy');
  assert.deepEqual(await keyIds(), [keyId]);
});

test('a connection dropped after the effect leaves the password, dropped before it leaves none', async () => {
  const path = 'addPassword$';
  cloud.faults.add({ service: 'graph', path, times: 1, effect: { drop: 'before' } });
  await assert.rejects(call('POST', `${byAppId}/addPassword`));
  assert.deepEqual(await keyIds(), []);
  cloud.faults.add({ service: 'graph', path, times: 1, effect: { drop: 'after' } });
  await assert.rejects(call('POST', `${byAppId}/addPassword`));
  assert.equal((await keyIds()).length, 1);
});
