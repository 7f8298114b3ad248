// What azd is told fits the templates: parameters, variables, outputs, and the app that it deploys to.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import file from '../../infra/main.parameters.json' with { type: 'json' };
import { wrongChoices } from '../../scripts/azdChoices.ts';
import { declarations, root, template } from './files.ts';

const main = declarations(template('main.bicep'));
const params = main.filter(({ kind }) => kind === 'param');
const outputs = main.filter(({ kind }) => kind === 'output').map(({ name }) => name);
const values = new Map(Object.entries<{ readonly value: unknown }>(file.parameters));

const hook = (run: string) => {
  const shell = z.strictObject({ shell: z.string(), run: z.literal(run) });
  return z.strictObject({ posix: shell, windows: shell });
};
const shape = z.strictObject({
  name: z.literal('telehealth-functions'),
  metadata: z.strictObject({ template: z.string() }),
  infra: z.strictObject({
    provider: z.literal('bicep'),
    path: z.literal('infra'),
    module: z.literal('main'),
  }),
  hooks: z.strictObject({ preprovision: hook('npm run --silent infra:choices') }),
  services: z.strictObject({
    app: z.strictObject({
      ...{ project: z.literal('.'), language: z.literal('js'), host: z.literal('function') },
      ...{ dist: z.literal('dist/package'), remoteBuild: z.literal(false) },
      hooks: z.strictObject({ prepackage: hook('npm run package') }),
    }),
  }),
});

test("azure.yaml looks at the choices, packages with the project's own command and deploys that folder as it is", () => {
  shape.parse(parse(readFileSync(join(root, 'azure.yaml'), 'utf8')));
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  assert.match(scripts['infra:choices'] ?? '', / scripts\/azdChoices\.ts$/);
  assert.ok(scripts['package']);
  // azd refuses a service without a remote build whose .funcignore leaves node_modules out (measured).
  assert.doesNotMatch(readFileSync(join(root, '.funcignore'), 'utf8'), /node_modules/);
});

test('the app carries the name under which azd looks for it', () => {
  assert.match(template('modules/functionApp.bicep'), /'azd-service-name': 'app'/);
  assert.match(template('main.bicep'), /'azd-env-name': environmentName/);
});

test('azd asks for a region where it asks for the place', () => {
  const place = params.find(({ name }) => name === 'location');
  assert.match(place?.decorators ?? '', /^@metadata\(\{ azd: \{ type: 'location' \} \}\)$/m);
});

test('azd gives every parameter', () => {
  assert.deepEqual([...values.keys()].sort(), params.map(({ name }) => name).sort());
});

test('a variable that is not set means the default of the template, or a question where there is none', () => {
  for (const { name, rest } of params.filter(({ name }) => !['settings', 'alertLimits'].includes(name))) {
    const [, type, fallback] = /^ (\w+)(?: = (.*))?$/.exec(rest) ?? [];
    const [, variable, given] = /^\$\{([A-Z_]+)(?:=(.*))?\}$/.exec(String(values.get(name)?.value)) ?? [];
    assert.ok(variable, name);
    // Anything else may mean something to azd's substitution, as a slash does.
    assert.match(given ?? '', /^\w*$/, name);
    // Without a default azd asks for a text; for other types and for texts with a default, it would hand on an empty one.
    assert.equal(given ?? (type === 'string' ? '' : undefined), fallback?.replaceAll("'", '') ?? '', name);
  }
});

test('a yes or no or a number that azd could not read stops it, where it would have taken the default', () => {
  const typed = params.filter(({ rest }) => /^ (bool|int) /.test(rest));
  assert.ok(typed.length > 10);
  for (const { name, rest } of typed) {
    const variable = /^\$\{(\w+)/.exec(String(values.get(name)?.value))?.[1] ?? '';
    const [wrong, right, expected] = rest.startsWith(' bool')
      ? [['yes', '1 ', 'truely', 'untrue'], ['true', 'false', '', undefined], 'true or false']
      : [['never', '30d', '-1', 'true', '12345678901'], ['0', '365', '', undefined], 'a whole number'];
    for (const given of wrong)
      assert.deepEqual(wrongChoices({ [variable]: given }), [`${variable}: expected ${expected}.`], given);
    for (const given of right) assert.deepEqual(wrongChoices({ [variable]: given }), [], given);
  }
  assert.deepEqual(wrongChoices({ CHANGE_FEED_START: 'yes', PATH: 'yes' }), []);
});

test('azd stops where a choice is wrong, with a sentence for it, and goes on where none is', () => {
  const look = (variables: NodeJS.ProcessEnv): readonly unknown[] => {
    const env = { PATH: process.env['PATH'], ...variables };
    const { status, stderr } = spawnSync(process.execPath, ['scripts/azdChoices.ts'], {
      cwd: root,
      env,
      encoding: 'utf8',
    });
    return [status, stderr];
  };
  assert.deepEqual(look({ LOG_DAYS: 'many', DEPLOY_ROTATION: 'no' }), [
    1,
    'DEPLOY_ROTATION: expected true or false.\nLOG_DAYS: expected a whole number.\n',
  ]);
  assert.deepEqual(look({ LOG_DAYS: '30' }), [0, '']);
});

test('what azd keeps of a deployment is not taken for a choice in the next one', () => {
  const read = [...JSON.stringify(file).matchAll(/\$\{(\w+)/g)].map(([, variable]) => variable);
  for (const name of outputs) assert.ok(/^[A-Z_]+$/.test(name) && !read.includes(name), name);
  // The Azure SDKs on the machine of whoever deploys read these: they are not about the app.
  for (const name of ['AZURE_CLIENT_ID', 'AZURE_TOKEN_CREDENTIALS', 'AZURE_AUTHORITY_HOST'])
    assert.ok(!read.includes(name), name);
});
