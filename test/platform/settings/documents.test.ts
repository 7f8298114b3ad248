// The table of settings agrees with the sample that people copy and with the table that they read.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseSettings, settingProblems } from '../../../src/platform/settings/settings.ts';
import { storageNames, table, type Row } from '../../../src/platform/settings/table.ts';

const root = new URL('../../../', import.meta.url);
const known = [...storageNames, ...Object.keys(table)].sort();
/** Settings of the platform, of the host and of local runs: not the app's own. */
const exceptions =
  /^(FUNCTIONS_WORKER_RUNTIME|IDENTITY_(ENDPOINT|HEADER)|languageWorkers__node__arguments|LOCAL_.*)$/;

const sample = JSON.parse(readFileSync(new URL('local.settings.sample.json', root), 'utf8')) as {
  readonly Values: Readonly<Record<string, string>>;
};

/** Rows of README tables that begin with the name of a setting: name, default, meaning. */
const rows = readFileSync(new URL('README.md', root), 'utf8')
  .split('\n')
  .map((line) => /^\| *`([A-Z][A-Z0-9_<>]+|AzureWebJobsStorage)` *\| *([^|]*?) *\|/.exec(line))
  .filter((row) => row !== null)
  .map(([, name = '', fallback = '']) => ({ name, fallback }))
  .filter(({ name }) => !exceptions.test(name));

test('the sample names every setting and no unknown one', () => {
  const names = Object.keys(sample.Values).filter((name) => !exceptions.test(name));
  assert.deepEqual(names.sort(), known);
});

test('the sample turns everything on and has no problem', () => {
  const settings = parseSettings(sample.Values);
  assert.deepEqual(settingProblems(settings), []);
  for (const name of ['communication', 'rotation', 'changeFeed'] as const)
    assert.equal(settings[name].state, 'on');
});

test('the README names every setting once and no unknown one', () => {
  assert.deepEqual(rows.map(({ name }) => name).sort(), known);
});

test('the README names the true defaults', () => {
  for (const { name, fallback } of rows) {
    const row: Row<unknown> | undefined = (table as Readonly<Record<string, Row<unknown>>>)[name];
    if (row?.fallback !== undefined) assert.equal(fallback, `\`${row.fallback}\``, name);
  }
});

test('the README lists every limit with its true value', async () => {
  const limits: Readonly<Record<string, unknown>> = await import('../../../src/platform/limits.ts');
  const text = readFileSync(new URL('README.md', root), 'utf8');
  for (const [name, value] of Object.entries(limits)) {
    const shown =
      typeof value === 'object' && value !== null
        ? Object.entries(value)
            .map(([kind, limit]) => `${kind} ${String(limit)}`)
            .join(', ')
        : String(value);
    assert.match(text, new RegExp(`\`${name}\` ${shown.replaceAll('.', '\\.')}(<br>| *\\|)`), name);
  }
});
