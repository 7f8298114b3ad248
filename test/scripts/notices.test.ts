// The licences that go along with the bundle: each package's own words, and where it brings none, those of the licence it names.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { root } from '../../scripts/bundle.ts';
import { noticesOf, packagesOf } from '../../scripts/notices.ts';

const folder = mkdtempSync(join(tmpdir(), 'notices-'));
after(() => {
  rmSync(folder, { recursive: true });
});

/** An installed package with these files; the path of its module from the root. */
function install(name: string, about: object, files: Readonly<Record<string, string>>): string {
  const directory = join(folder, 'node_modules', name);
  mkdirSync(directory, { recursive: true });
  const manifest = JSON.stringify({ name, version: '1.2.3', license: 'MIT', ...about });
  for (const [file, text] of Object.entries({ ...files, 'package.json': manifest }))
    writeFileSync(join(directory, file), text);
  return relative(root, join(directory, 'index.js')).replaceAll('\\', '/');
}

test('whatever a package says of its licence goes along, under its name', () => {
  const inputs = [
    install(
      'both',
      { license: 'Apache-2.0' },
      { LICENSE: 'Apache words\r\nof it\r\n', NOTICE: 'Made by somebody.' },
    ),
    install('@scope/british', {}, { 'licence.md': 'British words.' }),
    install('copying', {}, { COPYING: 'Copied words.', 'README.md': 'Other words.' }),
  ];
  const notices = noticesOf(inputs);
  assert.match(notices, /\nboth 1\.2\.3 \(Apache-2\.0\)\n\nApache words\nof it\n\nMade by somebody\.\n/);
  assert.match(notices, /\n@scope\/british 1\.2\.3 \(MIT\)\n\nBritish words\.\n/);
  assert.match(notices, /\ncopying 1\.2\.3 \(MIT\)\n\nCopied words\.\n/);
  assert.doesNotMatch(notices, /Other words|\r/);
});

test('a package without the text of its licence has the words of the MIT licence with its author, or is refused', () => {
  const words = /Copyright \(c\) Somebody\n\nPermission is hereby granted, free of charge/;
  assert.match(noticesOf([install('named', { author: 'Somebody' }, {})]), words);
  assert.match(
    noticesOf([install('object', { author: { name: 'Somebody' } }, { NOTICE: 'A notice.' })]),
    words,
  );
  for (const about of [{}, { license: 'Apache-2.0', author: 'Somebody' }])
    assert.throws(() => noticesOf([install('silent', about, {})]), /silent: has no text of its licence$/);
});

test('a package is named once, the one that is inside another by itself', () => {
  const inputs = [
    'node_modules/b/x.js',
    'node_modules/@a/c/y.js',
    'node_modules/b/node_modules/d/z.js',
    'src/e.ts',
    'node_modules/b/w.js',
  ];
  assert.deepEqual(packagesOf(inputs), [
    'node_modules/@a/c',
    'node_modules/b',
    'node_modules/b/node_modules/d',
  ]);
});
