// The run file: what is written comes back, to this user only, and nonsense is named.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  headerFiles,
  localDirectory,
  readRunFile,
  removeRunFile,
  writeRunFile,
  type RunFile,
} from '../../local/runFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'run-file-'));
after(() => {
  rmSync(folder, { recursive: true });
});
const url = 'http://127.0.0.1:1';
const run: RunFile = {
  pid: process.pid,
  host: { kind: 'local', url, keysEnforced: true },
  keys: { master: 'm', function: 'f' },
  demo: { bearer: 'b', dicomBearer: 'd', userId: 'u' },
  azure: {
    ...{ storage: 'UseDevelopmentStorage=true', managedIdentity: url, entra: url, graph: url },
    ...{ keyVault: url, communication: url, dicom: url, subscriber: url, faults: url },
  },
};

test('what is written is read back, and nobody else may read it', () => {
  const inside = join(folder, 'made', 'on the way');
  writeRunFile(inside, run);
  assert.deepEqual(readRunFile(inside), run);
  const files = ['bearer.txt', 'dicom-bearer.txt', 'run.json'];
  assert.deepEqual(readdirSync(inside), files);
  for (const file of files) assert.equal(statSync(join(inside, file)).mode & 0o777, 0o600);
});

test('the bearers lie beside it as headers that curl can read, and go with it', () => {
  const inside = join(folder, 'headers');
  writeRunFile(inside, run);
  const { user, gateway } = headerFiles(inside);
  assert.equal(readFileSync(user, 'utf8'), 'Authorization: Bearer b\n');
  assert.equal(readFileSync(gateway, 'utf8'), 'Authorization: Bearer d\n');
  removeRunFile(inside, process.pid + 1);
  assert.equal(readdirSync(inside).length, 3);
  removeRunFile(inside);
  assert.deepEqual(readdirSync(inside), []);
});

test('a second writing replaces the first, also one that others could read', () => {
  writeFileSync(join(folder, 'run.json'), '{}', { mode: 0o644 });
  writeRunFile(folder, run);
  assert.equal(statSync(join(folder, 'run.json')).mode & 0o777, 0o600);
  const other: RunFile = { ...run, host: { kind: 'func', url, keysEnforced: false } };
  writeRunFile(folder, other);
  assert.deepEqual(readRunFile(folder), other);
});

test('only the process that wrote it removes it', () => {
  writeRunFile(folder, run);
  removeRunFile(folder, process.pid + 1);
  assert.deepEqual(readRunFile(folder), run);
  removeRunFile(folder);
  assert.equal(readRunFile(folder), undefined);
  removeRunFile(folder);
});

test('a file that is no run file is named, with the field', () => {
  const path = join(folder, 'run.json');
  writeFileSync(path, '{"pid":');
  assert.throws(() => readRunFile(folder), /run\.json is not a run file/);
  removeRunFile(folder);
  writeFileSync(path, JSON.stringify({ ...run, host: { ...run.host, kind: 'other' } }));
  assert.throws(() => readRunFile(folder), /host\.kind/);
});

test('its folder is LOCAL_DIR, else .local of the project', () => {
  assert.equal(localDirectory({ LOCAL_DIR: '/elsewhere' }), '/elsewhere');
  assert.equal(localDirectory({}), join(import.meta.dirname, '..', '..', '.local'));
});
