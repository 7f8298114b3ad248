// Which addresses and keys every command of the app takes, from options and from the environment.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessOf, accessProblems, accessSpecification, textProblems } from '../../cli/app/options.ts';
import { readOptions } from '../../cli/commandLine.ts';

const read = (...args: string[]) => readOptions(args, accessSpecification);
const FUNCTION_APP_URL = 'https://func.azurewebsites.net';

describe('the address', () => {
  const problems = (url: string): string => accessProblems(read('--url', url), {}).join();

  test('is that of an app behind https, or of one on this machine', () => {
    const good = [
      ...[
        'https://func.azurewebsites.net',
        'https://func.azurewebsites.net/',
        'https://f:8443/behind/a/proxy',
      ],
      ...['http://localhost:7071', 'http://127.0.0.1:7071', 'http://127.12.0.3', 'http://[::1]:7071'],
    ];
    for (const url of good) assert.equal(problems(url), '', url);
    for (const url of ['http://func.azurewebsites.net', 'http://127.0.0.1.example', 'http://not-localhost'])
      assert.match(problems(url), /^--url: expected .*: keys travel over https only$/, url);
    for (const url of ['func.azurewebsites.net', 'ftp://f', ''])
      assert.match(problems(url), /^--url: expected the address of the function app, such as \S+$/, url);
  });

  test('holds no key nor anything else, and nothing of it is repeated', () => {
    for (const rest of ['canary@f', 'canary:canary@f', ':canary@f', 'f/?code=canary', 'f/#canary']) {
      const told = problems(`https://${rest}`);
      assert.match(told, /^--url: .*, without a key or anything else in it$/, rest);
      assert.doesNotMatch(told, /canary/);
    }
    assert.doesNotMatch(problems('canary'), /canary/);
  });

  test('comes without its slash, from the option before the environment', () => {
    const url = (args: readonly string[], environment: Readonly<Record<string, string>>) =>
      accessOf(read(...args), environment).url;
    assert.equal(url(['--url', 'https://f//'], { FUNCTION_APP_URL }), 'https://f');
    assert.equal(url([], { FUNCTION_APP_URL }), FUNCTION_APP_URL);
    assert.equal(url([], { FUNCTION_APP_URL: '' }), undefined);
    assert.deepEqual(accessProblems(read(), { FUNCTION_APP_URL: '' }), []);
    assert.match(accessProblems(read(), { FUNCTION_APP_URL: 'x' }).join(), /^FUNCTION_APP_URL: expected/);
  });
});

test('a key of the environment counts beside an address alone: the run on this machine has its own', () => {
  const key = (args: readonly string[], environment: Readonly<Record<string, string>>) =>
    accessOf(read(...args), environment).key;
  const FUNCTION_KEY = 'of-the-environment';
  assert.equal(key(['--url', 'https://f'], { FUNCTION_KEY }), FUNCTION_KEY);
  assert.equal(key([], { FUNCTION_KEY, FUNCTION_APP_URL }), FUNCTION_KEY);
  assert.equal(key(['--url', 'https://f', '--key', 'given'], { FUNCTION_KEY }), 'given');
  assert.equal(key(['--key', 'given'], { FUNCTION_KEY }), 'given');
  assert.equal(key([], { FUNCTION_KEY }), undefined);
  assert.equal(key(['--url', 'https://f'], { FUNCTION_KEY: '' }), undefined);
});

test('what opens the app is taken as it was said, and said once', () => {
  const { keyStdin, bearerFile, bearerCommand } = accessOf(read('--key-stdin', '--bearer-file', 'b.txt'), {});
  assert.deepEqual([keyStdin, bearerFile, bearerCommand], [true, 'b.txt', undefined]);
  assert.equal(accessOf(read('--bearer-command', 'az'), {}).bearerCommand, 'az');
  assert.deepEqual(
    accessProblems(read('--key', 'k', '--key-stdin', '--bearer-file', 'b', '--bearer-command', 'c'), {}),
    ['--key: not together with --key-stdin', '--bearer-file: not together with --bearer-command'],
  );
});

test('a reason is what the audit takes: 1 to 500 characters', () => {
  for (const reason of [undefined, 'x', 'x'.repeat(500)])
    assert.deepEqual(textProblems('reason', reason), []);
  for (const reason of ['', ' ', 'x'.repeat(501)])
    assert.deepEqual(textProblems('reason', reason), ['--reason: expected 1 to 500 characters']);
});
