// The rules of the house that a reader relies on: who may import whom, who knows the outside, how files look.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const capabilities = ['communication', 'rotation', 'changeFeed'];

interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Modules it imports: our own as paths from the root, packages by name. */
  readonly imports: readonly string[];
}

function filesOf(folder: string): readonly SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = join(folder, name);
      const text = readFileSync(join(root, path), 'utf8');
      const named = [...text.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)].map(
        ([, module = '']) => module,
      );
      const imports = named.map((module) =>
        module.startsWith('.') ? normalize(join(dirname(path), module)) : module,
      );
      return { path, text, imports };
    });
}

const source = filesOf('src');
const all = [...source, ...['local', 'test', 'scripts', 'cli', 'client', 'bench'].flatMap(filesOf)];

/** Every import in `from` of what `forbidden` matches, as `file imports module`. */
function breaches(from: RegExp, forbidden: (module: string, path: string) => boolean): readonly string[] {
  return source
    .filter(({ path }) => from.test(path))
    .flatMap(({ path, imports }) =>
      imports.filter((module) => forbidden(module, path)).map((module) => `${path} imports ${module}`),
    );
}

test('the imports of a file are seen at all', () => {
  const main = source.find(({ path }) => path === 'src/functions/main.ts');
  assert.ok(main?.imports.includes('@azure/functions') && main.imports.includes('src/platform/caller.ts'));
});

test('the app never imports what is for local runs or tests', () => {
  assert.deepEqual(
    breaches(/./, (module) => /^(local|test|scripts|cli|client|bench)\//.test(module)),
    [],
  );
});

test('nobody imports the functions but the functions', () => {
  assert.deepEqual(
    breaches(/^src\/(?!functions\/)/, (module) => module.startsWith('src/functions/')),
    [],
  );
});

test('the capabilities do not import one another, and the platform none of them', () => {
  const roomOf = (path: string): string => path.split('/')[1] ?? '';
  assert.deepEqual(
    breaches(
      /^src\/(?!functions\/)/,
      (module, path) =>
        module.startsWith('src/') && capabilities.includes(roomOf(module)) && roomOf(module) !== roomOf(path),
    ),
    [],
  );
});

test('only the functions know the Functions library', () => {
  assert.deepEqual(
    breaches(/^src\/(?!functions\/)/, (module) => module.startsWith('@azure/functions')),
    [],
  );
});

/** The files that know an Azure SDK beyond its types, and which. */
const adapters: readonly string[] = [
  'src/changeFeed/signingKey.ts imports @azure/keyvault-secrets',
  'src/communication/acsClient.ts imports @azure/communication-identity',
  'src/functions/http.ts imports @azure/functions',
  'src/functions/main.ts imports @azure/functions',
  'src/functions/telemetry.ts imports @azure/functions',
  'src/functions/telemetry.ts imports @azure/core-tracing',
  'src/functions/timer.ts imports @azure/functions',
  'src/platform/credential.ts imports @azure/identity',
  'src/platform/restClient.ts imports @azure/core-rest-pipeline',
  'src/platform/storage.ts imports @azure/data-tables',
  'src/platform/storage.ts imports @azure/storage-blob',
  'src/platform/storage.ts imports @azure/storage-queue',
  'src/platform/tracedRequests.ts imports @azure/core-tracing',
  'src/rotation/keyVaultSecrets.ts imports @azure/keyvault-secrets',
  'src/telemetry/azureMonitor.ts imports @azure/monitor-opentelemetry-exporter',
];

test('only the adapters know an Azure SDK; others at most its types', () => {
  const statement = /import (type )?(?:\{([^}]*)\}|\w+|\* as \w+) from '(@azure\/[^']+)'/g;
  const onlyTypes = (names: string): boolean =>
    names.split(',').every((name) => /^\s*(type\s.*)?$/s.test(name));
  const found = source.flatMap(({ path, text }) =>
    [...text.matchAll(statement)]
      .filter(([, type, names]) => type === undefined && !(names !== undefined && onlyTypes(names)))
      .map(([, , , module = '']) => `${path} imports ${module}`),
  );
  assert.deepEqual(found.sort(), [...adapters].sort());
});

test('OpenTelemetry is known in its own room only, which one function file opens, and that at run time', () => {
  const inside = (module: string): boolean =>
    module.startsWith('@opentelemetry/') || module.startsWith('src/telemetry/');
  assert.deepEqual(breaches(/^src\/(?!telemetry\/)/, inside), [
    'src/functions/telemetry.ts imports src/telemetry/telemetry.ts',
  ]);
  const door = source.find(({ path }) => path === 'src/functions/telemetry.ts');
  assert.match(door?.text ?? '', /await import\('\.\.\/telemetry\/telemetry\.ts'\)/);
});

test('only the composition root reads the environment, and nothing ends the process', () => {
  const readers = source.filter(({ text }) => /process\.env/.test(text)).map(({ path }) => path);
  assert.deepEqual(readers, ['src/functions/main.ts']);
  assert.deepEqual(
    source.filter(({ text }) => /process\.(exit|kill|abort)\b/.test(text)).map(({ path }) => path),
    [],
  );
});

test('no file is longer than 250 lines', () => {
  const long = all.filter(({ text }) => text.trimEnd().split('\n').length > 250).map(({ path }) => path);
  assert.deepEqual(long, []);
});

test('every file says first what it is for, in a sentence', () => {
  const silent = all.filter(({ text }) => {
    const opening = /^(?:\/\/ .*\n|\/\/\n)+/.exec(text)?.[0] ?? '';
    return !/^\/\/ [A-Z`@'].*[.:]\n/s.test(opening);
  });
  assert.deepEqual(
    silent.map(({ path }) => path),
    [],
  );
});

test('no lint rule and no type error is switched off in a file', () => {
  const off = new RegExp(['eslint-' + 'disable', '@ts-' + '(ignore|expect-error|nocheck)'].join('|'));
  assert.deepEqual(
    all.filter(({ text }) => off.test(text)).map(({ path }) => path),
    [],
  );
});
