// What `npm run rotation` is told, and what it makes of options that cannot be meant.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readRotationOptions, type RotationOptions } from '../../cli/rotation/options.ts';
import { testRefusals } from './refusals.ts';

const keyId = '7e1e4ea1-7000-4000-8000-0000000000aa';

function options(...args: string[]): RotationOptions {
  const read = readRotationOptions(args, {});
  return read === 'help' ? assert.fail() : read;
}

describe('options', () => {
  test('become the request that the route takes', () => {
    assert.deepEqual(options('plan', '--target', 'a-secret').request, { target: 'a-secret', dryRun: true });
    assert.deepEqual(options('--force', 'plan').request, { dryRun: true, force: true, reason: 'dry run' });
    const revoke = options('run', '--revoke', keyId, '--reason', 'it leaked');
    assert.deepEqual(revoke.request, { revoke: keyId, reason: 'it leaked' });
    assert.deepEqual(options('run').request, {});
  });

  testRefusals(readRotationOptions, [
    [['stauts'], /^Expected status, plan or run; found "stauts"\. --help/],
    [['run', 'now'], /found "run now"/],
    [['run', '--froce'], /^Unknown option '--froce'\. --help lists the options\.$/],
    [['status', '--target', 'x', '--force'], /^--target: only with plan and run\n--force: only with/],
    [['run', '--force'], /^--reason: missing; expected a text/],
    [['run', '--force', '--reason', ' '], /^--reason: expected 1 to 500 characters/],
    [
      ['run', '--revoke', 'the-key', '--reason', 'x'],
      /^--revoke: expected the key id of a credential, a GUID/,
    ],
    [['run', '--revoke', keyId, '--force', '--reason', 'x'], /^--force: not together with --revoke/],
    [['status', '--url', 'func.azurewebsites.net'], /^--url: expected the address of the function app/],
    [['status', '--url', 'http://func.azurewebsites.net'], /^--url: .*: keys travel over https only/],
    [['status', '--url', 'https://f.net/api?code=the-key'], /^--url: .*, without a key or anything else/],
    [['status', '--key', 'the-key', '--key-stdin'], /^--key: not together with --key-stdin/],
    [['status', '--bearer-file', 'a', '--bearer-command', 'b'], /^--bearer-file: not together with/],
  ]);
});
