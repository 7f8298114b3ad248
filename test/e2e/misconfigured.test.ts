// One bad setting: the capability that has it says so, and the two others work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { apiOf, assertProblem } from '../support/api.ts';
import { startLocalRun } from '../support/localRun.ts';

const local = await startLocalRun({ TOKEN_MINUTES_MAX: '9' });
const api = apiOf(local.run);

test('the routes of the bad one answer 503 and name no setting', async () => {
  for (const reply of [
    await api.user('POST', 'tokens'),
    await api.user('GET', 'identity'),
    await api.operation('GET', 'users/alice'),
  ]) {
    assertProblem(reply, 503, 'misconfigured');
    assert.doesNotMatch(reply.text, /TOKEN_MINUTES/);
  }
});

test('the other two have done their work', async () => {
  const clients = z.looseObject({ clients: z.array(z.looseObject({ outcome: z.string() })) });
  const services = z.looseObject({ services: z.array(z.looseObject({ outcome: z.string() })) });
  assert.equal((await api.operation('GET', 'rotations')).json(clients).clients[0]?.outcome, 'rotated');
  assert.equal((await api.operation('GET', 'change-feed')).json(services).services[0]?.outcome, 'caught_up');
});

test('the log names the setting, what was found and what is expected', () => {
  assert.match(local.output(), /TOKEN_MINUTES_MAX: found "9"; expected a whole number from 60 to 1440/);
  assert.match(local.output(), /✗ POST \/api\/tokens was answered 503/);
});

test('health says so, in detail to operators only', async () => {
  const plain = await api.plain('GET', 'health');
  assert.equal(plain.status, 503);
  assert.doesNotMatch(plain.text, /TOKEN_MINUTES/);
  const details = await api.operation('GET', 'health/details');
  assert.equal(details.status, 503);
  assert.match(details.text, /TOKEN_MINUTES_MAX/);
});
