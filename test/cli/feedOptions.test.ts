// What `npm run feed` is told by its options, and what it says about those that cannot be meant.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { help } from '../../cli/feed/help.ts';
import { readFeedOptions, type FeedCommand } from '../../cli/feed/options.ts';
import { specification } from '../../cli/feed/values.ts';
import { testRefusals } from './refusals.ts';

function command(...args: string[]): FeedCommand {
  const read = readFeedOptions(args, {});
  if (read === 'help') assert.fail();
  const { access: _access, json: _json, ...rest } = read;
  return rest;
}

const why = ['--reason', 'a drill'];
const none = { from: undefined, to: undefined, since: undefined, until: undefined, sinks: undefined };

describe('options', () => {
  test('say which replay, and for whom', () => {
    const replay = { command: 'replay', service: undefined, reason: 'a drill', wait: false } as const;
    assert.deepEqual(command('replay', '--from', '1', ...why), { ...replay, range: { ...none, from: 1 } });
    assert.deepEqual(command('replay', '--from', '7', '--to', '7', '--sinks', 'queue, blob', ...why), {
      ...{ ...replay, range: { ...none, from: 7, to: 7, sinks: ['queue', 'blob'] } },
    });
    const [since, until] = ['2026-11-20T08:00:00.1234567Z', '2026-11-20T10:00+01:00'];
    assert.deepEqual(
      command('replay', '--since', since, '--until', until, '--wait', '--service', 'https://a', ...why),
      { ...replay, range: { ...none, since, until }, service: 'https://a', wait: true },
    );
  });

  test('say what is looked at, and where the cursor goes', () => {
    assert.deepEqual(command('status', '--service', 'a'), { command: 'status', service: 'a' });
    assert.deepEqual(command('status', 'r-1', '--wait'), {
      ...{ command: 'status of a replay', id: 'r-1', wait: true },
    });
    assert.deepEqual(command('cancel', 'r-1'), { command: 'cancel', id: 'r-1', reason: undefined });
    assert.deepEqual(command('cancel', 'r-1', ...why), { command: 'cancel', id: 'r-1', reason: 'a drill' });
    const move = { command: 'set-cursor', service: undefined, sequence: 0, reason: 'a drill' } as const;
    assert.deepEqual(command('set-cursor', '--sequence', '0', '--expect', '41', ...why), {
      ...{ ...move, expect: 41, yes: false },
    });
    assert.deepEqual(command('set-cursor', '--sequence', '0', '--expect', 'none', '--yes', ...why), {
      ...{ ...move, expect: null, yes: true },
    });
  });

  test('are all in the help', () => {
    for (const name of Object.keys(specification)) assert.match(help, new RegExp(`--${name}\\b`));
  });

  const range = ['replay', ...why];
  const move = ['set-cursor', '--expect', '1', ...why];
  testRefusals(readFeedOptions, [
    [[], /^Expected status, run, replay, cancel, redrive or set-cursor; found nothing\. --help/],
    [['statsu'], /found "statsu"/],
    [['run', 'now'], /found "run now"/],
    [['status', 'r-1', 'r-2'], /found "status r-1 r-2"/],
    [['run', '--service', 'a', '--wait'], /^--service: not with run\n--wait: not with run\n/],
    [['redrive', '--yes', ...why], /^--yes: not with redrive\n--help/],
    [['redrive'], /^--reason: missing; expected a text/],
    [['redrive', '--reason', ' '], /^--reason: expected 1 to 500 characters/],
    [['status', '--wait'], /^--wait: only with the id of a replay/],
    [['status', 'r-1', '--service', 'a'], /^--service: not together with the id/],
    [['status', '--service', 'a', '--json'], /^--service: not together with --json/],
    [['cancel'], /^The id of a replay: expected letters, digits/],
    [['cancel', '../cursor'], /^The id of a replay: expected letters, digits/],
    [['status', 'a?code=the-key'], /^The id of a replay: expected letters, digits/],
    [range, /^--from: missing; expected the first sequence, or --since/],
    [[...range, '--to', '4'], /^--from: missing; expected the first sequence/],
    [[...range, '--until', '2026-11-20T08:00Z'], /^--since: missing; expected the time/],
    [
      [...range, '--from', '1', '--until', '2026-11-20T08:00Z'],
      /^--from and --to: not together with --since/,
    ],
    [[...range, '--from', '0'], /^--from: expected a whole number from 1 on\n/],
    [[...range, '--from', '9007199254740993'], /^--from: expected a whole number/],
    [[...range, '--from', '1e3'], /^--from: expected a whole number/],
    [[...range, '--from', '5', '--to', '4'], /^--to: expected at least what --from is/],
    [[...range, '--since', '2026-11-20T08:00'], /^--since: expected a time, ISO 8601 with its zone/],
    [[...range, '--since', '2026-02-30T08:00Z'], /^--since: expected a time/],
    [
      [...range, '--since', '2026-11-20T08:00Z', '--until', '2026-11-20T09:00+01:00'],
      /^--until: expected a time after --since/,
    ],
    [[...range, '--from', '1', '--sinks', 'blob,blob'], /^--sinks: expected any of blob, queue, webhook/],
    [[...range, '--from', '1', '--sinks', ''], /^--sinks: expected any of blob, queue, webhook/],
    [move, /^--sequence: missing; expected the last one/],
    [['set-cursor', '--sequence', '1', ...why], /^--expect: missing; expected where the cursor stands/],
    [['set-cursor', '--sequence', '1', '--expect', 'null', ...why], /^--expect: expected .* 0 on, or none\n/],
    [[...move, '--sequence', '-1'], /^Option '--sequence' argument is ambiguous/],
    [['status', '--url', 'https://f.net/api?code=the-key'], /^--url: .*, without a key or anything else/],
  ]);
});
