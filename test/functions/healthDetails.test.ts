// The details of the app's health: its timers, what it stands on, what is wrong, and who may see it.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { health } from '../../src/functions/health.ts';
import { healthDetails } from '../../src/functions/healthDetails.ts';
import { timerStates } from '../../src/functions/timerStates.ts';
import type { Callers } from '../../src/platform/caller.ts';
import { AppError } from '../../src/platform/errors.ts';
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

test('a run that went well takes back what was said of the one before it', () => {
  const context = rotating();
  context.health.note('rotateSecrets', false, 'A rotation failed.');
  context.health.note('rotateSecrets', true);
  assert.deepEqual(timerStates(context)['rotateSecrets'], { state: 'ok', time: '2026-03-01T12:00:00.000Z' });
});

test('the times of a schedule are those of the host: in UTC, on days that fit month and week, by steps', async () => {
  for (const [ROTATION_SCHEDULE, second] of [
    ['0 30 22 * * *', '2026-03-02T22:30:00.000Z'],
    ['0 0 0 13 * FRI', '2026-11-13T00:00:00.000Z'],
    ['0 50/5 12 * * *', '2026-03-01T12:55:00.000Z'],
  ] as const) {
    const context = { ...testContext({ ROTATION_SCHEDULE }), rotation: on };
    assert.equal(context.settings.schedules.rotateSecrets, ROTATION_SCHEDULE);
    context.health.note('rotateSecrets', true);
    await context.clock.advance(300 * 86_400_000);
    assert.equal(timerStates(context)['rotateSecrets']?.overdueSince, second);
  }
});

interface Details {
  readonly status: string;
  readonly version: string;
  readonly since: string;
  readonly capabilities: object;
  readonly timers: object;
  readonly parts: object;
}

const problems = [{ setting: 'CHANGE_FEED_START', problem: 'missing' }];
const served = { ...rotating(), changeFeed: { state: 'misconfigured', problems } } as const;
const board = new HealthBoard(served.clock, [{ name: 'graph', base: () => 'https://graph.microsoft.com' }]);
/** Who may see the details. */
let trusted: Callers['trusted'] = () => Promise.resolve('key');

before(() => {
  const callers = (): Callers => ({
    user: () => assert.fail(),
    trusted: (asked, role) => trusted(asked, role),
  });
  const operators = { state: 'on', value: { role: { role: 'Operator' }, callers } } as const;
  for (const register of [health, healthDetails]) register({ ...served, health: board, operators });
});

async function ask(name: 'health' | 'healthDetails') {
  const { status, text } = await call(name, { method: 'GET' });
  return { status, text, body: JSON.parse(text) as Details };
}

test('the routes tell from the last known state, the details name the service and its cure', async () => {
  const [graph] = board.dependencies.dependencies;
  const good = await ask('health');
  assert.deepEqual([good.status, good.text], [200, '{"status":"ok"}']);
  const well = await ask('healthDetails');
  assert.deepEqual([well.status, well.body.status], [200, 'ok']);
  for (let time = 0; time < 3; time += 1)
    board.dependencies.note(graph ?? assert.fail(), { failure: 'refused', code: 403 });
  board.note('telemetry', true);
  board.note('rotateSecrets', true);
  const bad = await ask('health');
  assert.deepEqual([bad.status, bad.text], [503, '{"status":"failing"}']);
  const { status, body, text } = await ask('healthDetails');
  assert.deepEqual([status, body.status], [503, 'failing']);
  assert.match(text, /"name":"graph","state":"failing".*Application\.ReadWrite\.OwnedBy/);
  assert.deepEqual([body.version, Object.keys(body.parts)], [version, ['telemetry']]);
});

test('the details tell each capability and its timer for itself, and since when anything is known', async () => {
  await served.clock.advance(1000);
  const { body } = await ask('healthDetails');
  assert.deepEqual(body.capabilities, {
    communication: { state: 'off' },
    rotation: { state: 'on' },
    changeFeed: { state: 'misconfigured', problems },
  });
  assert.deepEqual(Object.keys(body.timers), ['rotateSecrets', 'pullChangeFeed']);
  assert.equal(body.since, '2026-03-01T12:00:00.000Z');
});

test('the details are for operators alone, who are judged before anything is told', async () => {
  const roles: unknown[] = [];
  trusted = (_call, role) => {
    roles.push(role);
    return Promise.reject(new AppError('forbidden', 'Not an operator.'));
  };
  const { status, text } = await ask('healthDetails');
  assert.equal(status, 403);
  assert.doesNotMatch(text, /capabilities|timers/);
  assert.deepEqual(roles, [{ role: 'Operator' }]);
});
