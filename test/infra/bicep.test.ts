// The templates of infra/ as they are written: every part says what it is, no region and no secret stands there, roles come from the table alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import config from '../../infra/bicepconfig.json' with { type: 'json' };
import roles from '../../infra/roles.json' with { type: 'json' };
import settings from '../../infra/appSettings.json' with { type: 'json' };
import storage from '../../infra/storage.json' with { type: 'json' };
import { declarations, keysOf, parts, template, templates } from './files.ts';

const all = templates.map(({ text }) => text).join('\n');

test('a template opens with what it is for, and is short enough to be read', () => {
  for (const { path, text } of templates) {
    assert.match(text, /^\/\/ [A-Z].*[.]\n/, path);
    assert.ok(text.split('\n').length <= 251, path);
  }
});

test('every parameter, output, type and function says in a sentence what it is', () => {
  const found = templates.flatMap(({ path, text }) =>
    declarations(text).map((one) => ({ ...one, where: `${path}: ${one.name}` })),
  );
  assert.ok(found.length > 100);
  for (const { where, description } of found) assert.match(description ?? '', /^[A-Z].{5,}\.$/, where);
});

test('a place is always given from outside', () => {
  const places = [...all.matchAll(/\blocation: (.+)/g)].map(([, value]) => value);
  assert.ok(places.length > 10);
  // `string` is the type of the parameter.
  for (const value of places) assert.match(value ?? '', /^(place\.location|location|'global'|string)$/);
  assert.doesNotMatch(
    all,
    /'(north|south|east|west|central|uk|us|japan|france|germany|sweden|australia|canada|brazil)\w*(europe|us|india|asia|\d|south|north|west|east|central)'/i,
  );
});

test('no secret goes in or comes out', () => {
  const known = declarations(template('modules/appSettings.bicep')).find(({ name }) => name === 'known');
  assert.match(known?.decorators ?? '', /@secure\(\)/);
  for (const { path, text } of templates)
    for (const { kind, name } of declarations(text)) {
      const secret = /secret|password|connectionString|accountKey|token$/i.test(name);
      assert.ok(!secret || name === 'SECRETS_VAULT_URL', `${path}: ${kind} ${name}`);
    }
  assert.doesNotMatch(all, /\blist\w*\(|getSecret\(|AccountKey=/);
  assert.equal([...all.matchAll(/ConnectionString\b/g)].length, 1);
  assert.doesNotMatch(all, /vaults\/secrets@/);
});

test('the linter takes a secret that would be shown for an error, and every other rule that is listed', () => {
  const { rules } = config.analyzers.core;
  assert.ok(Object.values(rules).every(({ level }) => level === 'error'));
  const secrets = [
    'outputs-should-not-contain-secrets',
    'secure-parameter-default',
    'secure-secrets-in-params',
  ];
  for (const name of [...secrets, 'secure-params-in-nested-deploy', 'no-hardcoded-location'])
    assert.ok(name in rules, name);
});

test('nothing has to be downloaded to compile them', () => {
  assert.doesNotMatch(all, /'(br|ts)[/:]|^extension /m);
});

test('only the table of roles gives roles, row by row', () => {
  const users = (pattern: RegExp): readonly string[] =>
    templates.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
  assert.deepEqual(users(/Microsoft\.Authorization\/roleAssignments/), ['modules/roleAssignment.bicep']);
  assert.deepEqual(users(/Microsoft\.Authorization\/roleDefinitions@/), ['modules/roles.bicep']);
  assert.deepEqual(users(/'(modules\/)?roleAssignment\.bicep'/), ['modules/roles.bicep']);
  const text = template('modules/roles.bicep');
  assert.equal([...text.matchAll(/'roleAssignment\.bicep'/g)].length, 1);
  assert.match(text, /var table = loadJsonContent\('\.\.\/roles\.json'\)/);
  assert.match(text, /filter\(table\.assignments, row => parts\[row\.when\]\)/);
  assert.match(text, /'roleAssignment\.bicep' = \[\n {2}for row in assignments: \{/);
});

test('a role is given on the resource alone, whatever its kind', () => {
  const text = template('modules/roleAssignment.bicep');
  const scopes = [...text.matchAll(/scope: (\w+)/g)].map(([, name]) => name);
  const kinds = [...(/@allowed\(\[(.*)\]\)\nparam kind/.exec(text)?.[1] ?? '').matchAll(/'(\w+)'/g)];
  assert.deepEqual(
    scopes,
    kinds.map(([, kind]) => kind),
  );
  assert.equal([...text.matchAll(/roleAssignments@/g)].length, scopes.length);
  for (const kind of scopes) assert.match(text, new RegExp(`existing = if \\(kind == '${kind ?? ''}'\\)`));
  const used = new Set<string | undefined>(roles.assignments.map(({ kind }) => kind));
  assert.deepEqual(new Set(scopes), used);
});

test('the tables and the templates mean the same parts, resources and values', () => {
  const when = [...settings, ...storage, ...roles.assignments].map((row) => row.when);
  const asked = [...all.matchAll(/\b(?:parts|deployed)\.(\w+)/g)].map(([, name = '']) => name);
  const named = [...all.matchAll(/\bwhen: '(\w+)'/g)].map(([, name = '']) => name);
  assert.deepEqual(new Set([...when, ...asked, ...named]), new Set(parts));
  assert.deepEqual(
    new Set(roles.assignments.map(({ of }) => of)),
    new Set(keysOf(template('modules/roles.bicep'), 'var resourceIds = {')),
  );
  assert.deepEqual(
    new Set(roles.assignments.map(({ principal }) => principal)),
    new Set(keysOf(template('modules/identities.bicep'), 'output principalIds { *: string } = {')),
  );
});

test('every value that a setting is taken from is given by the templates, and none is given in vain', () => {
  const given = [
    ...['identities', 'data'].flatMap((name) =>
      keysOf(template(`modules/${name}.bicep`), 'output known { *: string } = {'),
    ),
    ...keysOf(
      template('modules/foundation.bicep'),
      'output known { *: string } = union(identities.outputs.known, data.outputs.known, {',
    ),
    ...keysOf(template('main.bicep'), 'known: union(foundation.outputs.known, {'),
    ...[...template('modules/functionApp.bicep').matchAll(/union\(known, \{ (\w+): /g)].map(
      ([, key = '']) => key,
    ),
  ];
  // From which `webhookAuth` is made.
  assert.deepEqual(
    given.filter((key) => key !== 'webhookKey').sort(),
    [...new Set(settings.map(({ from }) => from).filter((from) => from !== ''))].sort(),
  );
});

/** Where a resource is made that keeps data; what protects it there is for the tests of what is made. */
const makers: readonly (readonly [string, RegExp])[] = [
  ['modules/storage.bicep', /storageAccounts@[^']+' = /],
  ['modules/vault.bicep', /vaults@[^']+' = /],
  ['modules/telemetry.bicep', /Insights\/components@[^']+' = /],
  ['modules/communication.bicep', /communicationServices@[^']+' = /],
  ['modules/functionApp.bicep', /sites@[^']+' = /],
  ['modules/auditRetention.bicep', /immutabilityPolicies@[^']+' = /],
];

test('what keeps data is made in one place, which protects it', () => {
  for (const [path, making] of makers)
    assert.deepEqual(
      templates
        .filter(({ text }) => new RegExp(`${making.source}(?!existing)`).test(text))
        .map((one) => one.path),
      [path],
    );
});

test("private endpoints are made one after the other: side by side they get in each other's way in their subnet", () => {
  assert.match(template('modules/privateNetwork.bicep'), /@batchSize\(1\)\nmodule privateEndpoint /);
});
