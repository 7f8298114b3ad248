// The checks of the templates that are not tests: the Bicep compiler where it is installed, and a checker without it where that is at hand.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { checkWithBicep, exitCodeOf } from '../../scripts/infraCheck.ts';
import { root } from './files.ts';

test('without the compiler the check says so and does not fail', () => {
  assert.equal(checkWithBicep(['/nowhere', '/nowhere/else'].join(delimiter)), 'absent');
});

test('with the compiler the templates are compiled and linted, and a failure of either is one of the check', (context) => {
  if (process.platform === 'win32') {
    context.diagnostic('NOT CHECKED: the stand-in for the compiler is a shell script');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'infra-check-'));
  try {
    const bicep = join(folder, 'bicep');
    const install = (fails: string): void => {
      writeFileSync(
        bicep,
        `#!/bin/sh\necho "$@" >> "${folder}/asked"\n[ "$1" != "${fails}" ] && [ -f "$2" ] || exit 2\n`,
      );
      chmodSync(bicep, 0o755);
    };
    const path = ['/nowhere', folder].join(delimiter);
    // The project is found from wherever the check is called.
    process.chdir(folder);
    install('nothing');
    assert.equal(checkWithBicep(path), 'passed');
    assert.equal(
      readFileSync(join(folder, 'asked'), 'utf8'),
      'build infra/main.bicep --stdout\nlint infra/main.bicep\n',
    );
    for (const fails of ['build', 'lint']) {
      install(fails);
      assert.equal(checkWithBicep(path), 'failed', fails);
    }
  } finally {
    process.chdir(root);
    rmSync(folder, { recursive: true });
  }
});

test('the check fails where the tests or the compiler do, and not because there is no compiler', () => {
  const codes = ([true, false] as const).map((offline) =>
    (['passed', 'absent', 'failed'] as const).map((compiled) => exitCodeOf(offline, compiled)),
  );
  assert.deepEqual(codes, [
    [0, 0, 1],
    [1, 1, 1],
  ]);
});

test('a checker that knows the types of Azure finds nothing wrong, where it is at hand', (context) => {
  const checker = join(root, '../shared/tools/bicep-check/bicep-check.mjs');
  if (!existsSync(checker)) {
    context.diagnostic('NOT CHECKED: there is no ../shared/tools/bicep-check');
    return;
  }
  const { status, stdout } = spawnSync(process.execPath, [checker, '--strict', 'infra'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /\b0 errors, 0 warnings/);
});
