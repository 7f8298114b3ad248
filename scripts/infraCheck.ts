// Checks infra/: what can be checked offline, and with the real Bicep compiler and linter where they are installed.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const template = 'infra/main.bicep';

export type Compiled = 'passed' | 'failed' | 'absent';

/**
 * Compiles and lints the templates with the `bicep` of the folders in `path`; warnings and errors go to stderr.
 * `absent` when there is none.
 */
export function checkWithBicep(path: string): Compiled {
  const name = process.platform === 'win32' ? 'bicep.exe' : 'bicep';
  const bicep = path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
  if (bicep === undefined) return 'absent';
  // The compiled template is of no use here: only what is said about it.
  const built = passes(bicep, ['build', template, '--stdout'], 'ignore');
  const linted = passes(bicep, ['lint', template], 'inherit');
  return built && linted ? 'passed' : 'failed';
}

function passes(program: string, args: readonly string[], stdout: 'ignore' | 'inherit'): boolean {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: ['ignore', stdout, 'inherit'] });
  if (error) console.error(error.message);
  if (status !== 0) console.error(`FAILED: ${basename(program)} ${args[0] ?? ''}`);
  return status === 0;
}

/** Without the compiler the check is not failed for that: the tests alone decide. */
export function exitCodeOf(offline: boolean, compiled: Compiled): 0 | 1 {
  return offline && compiled !== 'failed' ? 0 : 1;
}

if (import.meta.main) {
  const tests = globSync('test/infra/*.test.ts', { cwd: root });
  const offline = passes(process.execPath, ['--test', '--test-timeout=120000', ...tests], 'inherit');
  const compiled = checkWithBicep(process.env['PATH'] ?? '');
  console.log(
    compiled === 'absent'
      ? 'NOT COMPILED: there is no bicep on the PATH. What was checked was checked without it.'
      : `bicep build and bicep lint: ${compiled}`,
  );
  process.exitCode = exitCodeOf(offline, compiled);
}
