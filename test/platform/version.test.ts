// The release has one number, wherever it is written.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { version } from '../../src/platform/version.ts';
import manifest from '../../package.json' with { type: 'json' };
import lock from '../../package-lock.json' with { type: 'json' };

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('package, lock file, app, routes and template are of the same release', () => {
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.deepEqual([manifest.version, lock.version, lock.packages[''].version], [version, version, version]);
  assert.match(read('openapi.yaml'), new RegExp(`^  version: ${version}$`, 'm'));
  assert.match(read('azure.yaml'), new RegExp(`template: telehealth-functions@${version}$`, 'm'));
});
