// Schedules of timers: what is one, when it comes next, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSchedule, resolveSettings } from '../../../local/host/schedule.ts';

const start = Date.UTC(2026, 0, 1, 10, 2, 3, 500);
const next = (schedule: string, after = start) => parseSchedule(schedule).next(new Date(after)).toISOString();

test('five fields, six fields and timespans are schedules', () => {
  assert.equal(next('*/5 * * * *'), '2026-01-01T10:05:00.000Z');
  assert.equal(next('0 */5 * * * *'), '2026-01-01T10:05:00.000Z');
  assert.equal(next('5/20 * * * * *'), '2026-01-01T10:02:05.000Z');
  assert.equal(next('0 0 9 * * Mon-Fri'), '2026-01-02T09:00:00.000Z');
  assert.equal(next('00:01:30'), '2026-01-01T10:03:33.500Z');
  assert.equal(next('1.00:00:00'), '2026-01-02T10:02:03.500Z');
});

test('a status is kept from one minute between two runs', () => {
  const kept = ['00:00:59', '00:01:00', '*/30 * * * * *', '0,59 * * * * *', '0 * * * * *'];
  assert.deepEqual(
    kept.map((schedule) => parseSchedule(schedule).monitored),
    [false, true, false, false, true],
  );
});

test('day of month and day of week must both fit, as NCRONTAB has it', () => {
  assert.equal(next('0 0 0 13 * Fri'), '2026-02-13T00:00:00.000Z');
});

test('what is no schedule is refused with its text', () => {
  for (const text of [
    '',
    'nope',
    '@daily',
    '* * *',
    '0 61 * * * *',
    '0 0 0 30 2 *',
    '0 0 0 L * *',
    '00:00:00',
    '25:00:00',
  ]) {
    assert.throws(() => parseSchedule(text), {
      name: 'RangeError',
      message: new RegExp(`'${text.replaceAll('*', '\\*')}'`),
    });
  }
});

test('settings in a schedule are looked up, and an unset one is named', () => {
  assert.equal(resolveSettings('%A% %B%', { A: '0 0', B: '1 * * *' }), '0 0 1 * * *');
  assert.throws(() => resolveSettings('%A%', { A: '' }), /'%A%' does not resolve to a value\./);
});
