// Schedules: taken when the Functions host takes them, because it silently disables a timer whose schedule it refuses.
import * as fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ncrontab } from '../../../src/platform/settings/ncrontab.ts';

test('the forms of NCRONTAB are taken', () => {
  for (const text of [
    ...['0 */5 * * * *', '*/30 * * * * *', '0 0 9-17 * * MON-FRI', '0 30 9 * JAN,jul *', '0 0 0 1,15 * *'],
    ...['0 0/5 * * * *', '0 0 0-12/3,18 * * 0-6', '59 59 23 31 12 6', '00 05 * * * sun'],
  ])
    assert.equal(ncrontab(text), text, text);
});

test('what the host refuses is refused', () => {
  for (const text of [
    ...[
      '',
      '* * * * *',
      '0 * * * * * *',
      '00:05:00',
      '@hourly',
      '%SCHEDULE%',
      '0  * * * * *',
      '0\t* * * * *',
    ],
    ...['60 * * * * *', '0 60 * * * *', '0 0 24 * * *', '0 0 0 0 * *', '0 0 0 32 * *', '0 0 0 * 13 *'],
    ...['0 0 0 * 0 *', '0 0 0 * * 7', '0 0 0 * * 5-7', '0 0 0 * * 1,7', '0 0 0 * * 07', '0 0 0 * * 7/2'],
    ...['0 0 0 L * *', '0 0 0 LW * *', '0 0 0 15W * *', '0 0 0 * * 5L', '0 0 0 * * FRIL', '0 0 0 * * 5#2'],
    ...['0 0 0 ? * *', '1,,2 * * * * *', '-5 * * * * *', '5- * * * * *', '*-5 * * * * *', '** * * * * *'],
    ...['*/0 * * * * *', '*/ * * * * *', '0 MON * * * *', '0 0 0 * FRI *', '0 0 0 * * JAN', '0 0 0 * * XYZ'],
    ...['0 0 0 * * +1', '0 0 0 H * *', '1.5 * * * * *'],
  ])
    assert.equal(ncrontab(text), undefined, text);
});

const field = (low: number, high: number): fc.Arbitrary<string> => {
  const value = fc.integer({ min: low, max: high });
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.tuple(fc.oneof(fc.constant('*'), range), fc.integer({ min: 1, max: high - low }));
  const item = fc.oneof(
    value.map(String),
    range,
    fc.constant('*'),
    step.map(([what, by]) => `${what}/${by}`),
  );
  return fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(','));
};
const ranges: readonly (readonly [number, number])[] = [
  [0, 59],
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
];

test('every combination of values, ranges, lists and steps inside the limits is taken', () => {
  fc.assert(
    fc.property(fc.tuple(...ranges.map(([low, high]) => field(low, high))), (fields) => {
      const text = fields.join(' ');
      assert.equal(ncrontab(text), text);
    }),
  );
});

test('one value outside the limits of its field makes the whole refused', () => {
  const broken = fc.integer({ min: 0, max: 5 }).chain((place) => {
    const [low, high] = ranges[place] ?? [0, 0];
    const outside = fc.integer({ min: high + 1, max: 99 });
    const value = low === 0 ? outside : fc.oneof(fc.constant(0), outside);
    return value.map((wrong) => ranges.map((_, index) => (index === place ? String(wrong) : '*')).join(' '));
  });
  fc.assert(
    fc.property(broken, (text) => {
      assert.equal(ncrontab(text), undefined, text);
    }),
  );
});
