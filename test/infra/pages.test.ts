// The pages about deployment say what the templates and tables say, and every command on them is known or marked as one that needs Azure.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as z from 'zod/mini';
import api from '../../infra/directory/api.json' with { type: 'json' };
import file from '../../infra/main.parameters.json' with { type: 'json' };
import { table } from '../../src/platform/settings/table.ts';
import { declarations, root, template, templates } from './files.ts';
import { assignments, roles } from './tables.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const deploy = read('docs/deploy.md');
const pages = [deploy, read('infra/directory/README.md')];

/** Rows of the table in the section of that name, cells without their borders. */
function rowsUnder(heading: string): readonly string[] {
  const section = deploy.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  const cells = lines.slice(2).map((line) => line.split('|').slice(1, -1));
  return cells.map((row) => row.map((cell) => cell.trim()).join(' | '));
}

test('the page shows every role assignment with its reason', () => {
  assert.deepEqual(
    rowsUnder('Roles'),
    assignments.map(({ principal, role, of, kind, name, reason }) => {
      const place = name === '' ? of : `${of}: ${kind} \`${name}\``;
      return [`\`${principal}\``, roles.get(role)?.name ?? '', place, reason].join(' | ');
    }),
  );
});

test('the page shows every parameter with its variable, its default and what it means', () => {
  const values = new Map(Object.entries<{ readonly value: unknown }>(file.parameters));
  const params = declarations(template('main.bicep')).filter(({ kind }) => kind === 'param');
  assert.deepEqual(
    rowsUnder('Choices'),
    params
      .filter(({ name }) => !['settings', 'alertLimits'].includes(name))
      .map(({ name, rest, description = '' }) => {
        const [, variable = '', given] =
          /^\$\{(\w+)(?:=(.*))?\}$/.exec(String(values.get(name)?.value)) ?? [];
        const fallback = given === undefined ? (rest.endsWith(" = ''") ? '-' : 'asked') : `\`${given}\``;
        return [`\`${variable}\``, `\`${name}\``, fallback, description.replaceAll("\\'", "'")].join(' | ');
      }),
  );
});

test('the page names every resource provider that has to be registered', () => {
  const text = templates.map((one) => one.text).join('\n');
  const used = new Set([...text.matchAll(/'(Microsoft\.\w+)\//g)].map(([, provider = '']) => provider));
  assert.ok(used.size > 5);
  for (const provider of used) assert.ok(deploy.includes(`\`${provider}\``), provider);
});

test('every command needs Azure and says so, or is one of ours', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(read('package.json')));
  for (const page of pages) {
    const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text = '']) => text);
    assert.ok(blocks.length > 2);
    for (const block of blocks) {
      const ours = /^npm run (\S+)\n$/.exec(block)?.[1] ?? '';
      assert.ok(block.startsWith('# needs Azure\n') || ours in scripts, block);
    }
    for (const [, name = ''] of page.matchAll(/npm run ([\w:-]+)/g)) assert.ok(name in scripts, name);
  }
});

test('variables that the pages set are read by azd, and those that they get are outputs', () => {
  const variables = new Set([...JSON.stringify(file).matchAll(/\$\{(\w+)/g)].map(([, name]) => name));
  const outputs = declarations(template('main.bicep')).filter(({ kind }) => kind === 'output');
  for (const page of pages) {
    for (const [, name] of page.matchAll(/azd env set (\w+)/g)) assert.ok(variables.has(name), name);
    for (const [, name] of page.matchAll(/azd env get-value (\w+)/g))
      assert.ok(
        outputs.some((output) => output.name === name),
        name,
      );
  }
});

test('the page says what was only proven offline', () => {
  assert.match(deploy, /\*\*Proven offline only\.\*\*/);
});

test('the API that callers sign in to has what the app asks of a bearer', () => {
  const { requestedAccessTokenVersion, oauth2PermissionScopes } = api.api;
  // The issuer of the settings is that of version 2; tokens of version 1 have another.
  assert.equal(requestedAccessTokenVersion, 2);
  assert.deepEqual(
    oauth2PermissionScopes.map(({ value, type, isEnabled }) => [value, type, isEnabled]),
    [[table.AUTH_REQUIRED_SCOPE.fallback, 'User', true]],
  );
  // People of other tenants do not sign in, and none of this one has the power of a backend.
  assert.equal(api.signInAudience, 'AzureADMyOrg');
  assert.deepEqual(
    api.appRoles.map(({ value, allowedMemberTypes, isEnabled }) => [value, allowedMemberTypes, isEnabled]),
    [
      ['Telehealth.Backend', ['Application'], true],
      ['Telehealth.Operator', ['User', 'Application'], true],
    ],
  );
  const values = api.appRoles.map(({ value }) => value);
  for (const value of values) {
    assert.deepEqual(table.AUTH_OPERATOR_ROLE.parse(value), { role: value });
    assert.match(pages.join('\n'), new RegExp(`env set AUTH_(OPERATOR|BACKEND)_ROLE ${value}\n`));
  }
  assert.equal(values.length, 2);
  const ids = [...oauth2PermissionScopes, ...api.appRoles].map(({ id }) => id);
  assert.equal(new Set(ids).size, 3);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});
