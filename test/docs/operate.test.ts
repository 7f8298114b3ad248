// The page for operators: every command on it is one that there is, with arguments that its program takes, and every alert has its section.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { readAuditOptions } from '../../cli/audit/options.ts';
import { UsageError } from '../../cli/commandLine.ts';
import { readDoctorOptions } from '../../cli/doctor/options.ts';
import { readFeedOptions } from '../../cli/feed/options.ts';
import { readRegisterOptions } from '../../cli/register/options.ts';
import { readRotationOptions } from '../../cli/rotation/options.ts';
import api from '../../infra/directory/api.json' with { type: 'json' };
import parameters from '../../infra/main.parameters.json' with { type: 'json' };
import { isFine, outcomes as feedOutcomes } from '../../src/changeFeed/outcome.ts';
import { timerNames } from '../../src/functions/timerStates.ts';
import { table } from '../../src/platform/settings/table.ts';
import { declarations, template } from '../infra/files.ts';
import { alerts } from '../infra/monitoringTables.ts';
import { commandsOf, read, root } from './commands.ts';

const page = read('docs/operate.md');
const commands = commandsOf(page);
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(read('package.json')));
const { paths } = z
  .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
  .parse(parse(read('openapi.yaml')));

type Reader = (args: readonly string[], environment: Readonly<Record<string, string>>) => unknown;
/** Programs that take arguments, with what reads them. */
const readers: Readonly<Record<string, Reader>> = {
  audit: readAuditOptions,
  doctor: readDoctorOptions,
  feed: readFeedOptions,
  'register-service-client': readRegisterOptions,
  rotation: readRotationOptions,
};
/** Commands of Azure and of the shell, which only blocks for Azure may have. */
const others = ['az', 'azd', 'curl', 'export'];
const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');

/** Throws what is wrong with a command of this project. */
function readOurs(words: readonly string[]): void {
  const [, , name = '', dashes, ...args] = words;
  assert.ok(name in scripts, `${name} is no script of package.json`);
  const reader = readers[name];
  if (dashes !== undefined) assert.ok(dashes === '--' && reader, `${name} takes no arguments`);
  reader?.(args, { AUDIT_STORAGE_URL: 'https://ststateabc.blob.core.windows.net' });
}

test('every command of the project is a script, and its program takes the arguments', () => {
  const ours = commands.filter(({ words }) => words[0] === 'npm');
  assert.ok(ours.length > 30);
  for (const { line, words } of ours) {
    assert.equal(words[1], 'run', line);
    assert.doesNotThrow(() => {
      readOurs(words);
    }, line);
  }
  for (const [, name = ''] of page.matchAll(/npm run ([\w:-]+)/g)) assert.ok(name in scripts, name);
  const shown = new Set(ours.map(({ words }) => words[2]));
  assert.deepEqual(
    [...Object.keys(readers)].filter((name) => !shown.has(name)),
    [],
  );
});

test('a command that is gone, or an argument that it does not take, is found', () => {
  for (const line of [
    'npm run feed -- rewind',
    'npm run rotation -- run --revoke x',
    'npm run doctor -- --all',
  ])
    assert.throws(() => {
      readOurs(line.split(' '));
    }, UsageError);
  for (const line of ['npm run repair', 'npm run package -- --fast'])
    assert.throws(() => {
      readOurs(line.split(' '));
    }, assert.AssertionError);
});

test('every other command is marked as one that needs Azure', () => {
  for (const { line, words, needsAzure } of commands)
    assert.ok(words[0] === 'npm' || (needsAzure && others.includes(words[0] ?? '')), line);
});

test('a call of the app is one of its routes, or starts one of its timers', () => {
  const calls = commands.filter(({ words }) => words[0] === 'curl');
  assert.ok(calls.length > 3);
  for (const { line, words } of calls) {
    const [, method = ''] = /-X ([A-Z]+)/.exec(line) ?? [];
    const [, path = ''] = /^\$FUNCTION_APP_URL(\/.*)$/.exec(words[3] ?? '') ?? [];
    const [, timer] = /^\/admin\/functions\/(\w+)$/.exec(path) ?? [];
    if (timer !== undefined) {
      assert.ok(method === 'POST' && timerNames.some((name) => name === timer), line);
      continue;
    }
    const route = Object.entries(paths).find(([known]) =>
      new RegExp(`^/api${known.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    );
    assert.ok(route && method.toLowerCase() in route[1], line);
  }
});

test('variables that it sets are read by azd, those that it gets are outputs, and names in capitals are known', () => {
  const variables = new Set(
    [...JSON.stringify(parameters).matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name),
  );
  const outputs = new Set(
    declarations(template('main.bicep'))
      .filter(({ kind }) => kind === 'output')
      .map(({ name }) => name),
  );
  for (const [, name = ''] of page.matchAll(/azd env set (\w+)/g)) assert.ok(variables.has(name), name);
  for (const [, name = ''] of page.matchAll(/azd env get-value (\w+)/g)) assert.ok(outputs.has(name), name);
  for (const [, name = ''] of page.matchAll(/`([A-Z][A-Z_]{4,})`/g))
    assert.ok(variables.has(name) || name in table, name);
});

test('every alert has its section, where its description leads, and there is none without an alert', () => {
  const [, ...sections] = (page.split(/^## Alerts\n/m)[1] ?? '').split(/^### /m);
  assert.deepEqual(
    sections.map((section) => section.split('\n')[0]),
    alerts.map(({ title }) => title),
  );
  // A section says what to look at or to run, not only what has happened.
  for (const section of sections)
    assert.ok(commandsOf(section).length > 0 || /\]\(#/.test(section), section.split('\n')[0]);
});

test('every outcome of a pull that is an alert is explained', () => {
  const [, failing = ''] = page.split(/^### Feed failing\n/m);
  for (const outcome of feedOutcomes.filter((one) => !isFine(one)))
    assert.ok(failing.includes(`\`${outcome}\``), outcome);
});

test('every link leads somewhere', () => {
  const pages = { 'docs/operate.md': page, 'docs/deploy.md': read('docs/deploy.md') };
  for (const [path, text] of Object.entries(pages))
    for (const [, file = '', anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
      const target = file === '' ? path : join('docs', file);
      assert.ok(existsSync(join(root, target)), `${path}: ${target}`);
      if (anchor === undefined) continue;
      const headings = [...read(target).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title));
      assert.ok(headings.includes(anchor), `${path}: ${target}#${anchor}`);
    }
});

test('a command that would print the secret that it stores prints nothing', () => {
  const pages = `${page}${read('docs/deploy.md')}`.replaceAll(/ \\\n */g, ' ');
  const storing = pages.match(/^az (keyvault secret|functionapp keys) set .*$/gm) ?? [];
  assert.ok(storing.length > 4);
  for (const line of storing) assert.match(line, / --output none$/);
});

test('the rule that is silenced by name is one that there is', () => {
  const [, name] = /--filter-alert-rule-id Contains alert-(\w+)- /.exec(page) ?? [];
  assert.ok(
    alerts.some((alert) => alert.name === name),
    name,
  );
  assert.ok(template('monitoring/monitoring.bicep').includes("name: 'alert-${alert.name}-"));
});

test('the app role that operators are given is that of the API', () => {
  const [, id] = /\\"appRoleId\\":\\"([0-9a-f-]{36})\\"/.exec(page) ?? [];
  assert.equal(api.appRoles.find((role) => role.id === id)?.value, 'Telehealth.Operator');
});

test('the page says what was only proven offline', () => {
  assert.match(page, /\*\*Proven offline only\*\*/);
});
