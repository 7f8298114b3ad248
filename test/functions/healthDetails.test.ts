// The details of the app's health: its timers, what it stands on, what is wrong, and who may see it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { health } from '../../src/functions/health.ts';
import { healthDetails } from '../../src/functions/healthDetails.ts';
import { timerStates } from '../../src/functions/timerStates.ts';
import { HealthBoard } from '../../src/platform/health.ts';
import { timerOverdueMs } from '../../src/platform/limits.ts';
import { version } from '../../src/platform/version.ts';
import { call, testContext, type TestContext } from './registry.ts';

const on = { state: 'on', value: {} } as never;

/** Its rotation runs at seven past each hour. */
function rotating(): TestContext {
  return { ...testContext(), rotation: on };
}

test('a timer that has not run in this process is unknown, and that is no failure', () => {
  const context = rotating();
  assert.deepEqual(timerStates(context), { rotateSecrets: { state: 'unknown' } });
  assert.ok(context.health.ok());
});

test('timers of capabilities that are off do not exist; those of a misconfigured one do', () => {
  const misconfigured = { state: 'misconfigured', problems: [] } as const;
  const context = { ...testContext(), changeFeed: misconfigured };
  assert.deepEqual(Object.keys(timerStates(context)), ['pullChangeFeed']);
});

test('a failed run is told with why and where to look', () => {
  const context = rotating();
  context.health.note('rotateSecrets', false, 'A rotation failed.');
  assert.deepEqual(timerStates(context)['rotateSecrets'], {
    ...{ state: 'failed', time: '2026-03-01T12:00:00.000Z' },
    ...{ detail: 'A rotation failed.', advice: 'npm run rotation -- status' },
  });
});

test('a timer that ran here is overdue once two of its times and ten minutes have passed', async () => {
  const context = rotating();
  context.health.note('rotateSecrets', true);
  const second = Date.parse('2026-03-01T13:07:00.000Z');
  await context.clock.advance(second + timerOverdueMs - context.clock.now());
  assert.equal(timerStates(context)['rotateSecrets']?.overdueSince, undefined);
  await context.clock.advance(1);
  assert.equal(timerStates(context)['rotateSecrets']?.overdueSince, '2026-03-01T13:07:00.000Z');
  assert.ok(context.health.ok(), 'another process may run it');
});

test('the routes tell from the last known state, the details name the service and its cure', async () => {
  const context = rotating();
  const board = new HealthBoard(context.clock, [
    { name: 'graph', base: () => 'https://graph.microsoft.com' },
  ]);
  const [graph] = board.dependencies.dependencies;
  const callers = () => ({ user: () => assert.fail(), trusted: () => Promise.resolve('key') });
  const whole = {
    ...context,
    health: board,
    operators: { state: 'on', value: { role: 'none', callers } },
  } as const;
  health(whole);
  healthDetails(whole);
  const ask = async (name: string) => {
    const { status, text } = await call(name, { method: 'GET' });
    return { status, body: JSON.parse(text) as { status: string; version: string; parts: object } };
  };
  assert.deepEqual(await ask('health'), { status: 200, body: { status: 'ok' } });
  for (let time = 0; time < 3; time += 1)
    board.dependencies.note(graph ?? assert.fail(), { failure: 'refused', code: 403 });
  board.note('telemetry', true);
  board.note('rotateSecrets', true);
  assert.deepEqual(await ask('health'), { status: 503, body: { status: 'failing' } });
  const { status, body } = await ask('healthDetails');
  assert.equal(status, 503);
  assert.match(JSON.stringify(body), /"name":"graph","state":"failing".*Application\.ReadWrite\.OwnedBy/);
  assert.deepEqual([body.version, Object.keys(body.parts)], [version, ['telemetry']]);
});
