// Settings files that a command on this machine reads: those of Core Tools, and what the Azure CLI lists of a deployed app.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openSource } from '../../cli/here/source.ts';

const folder = mkdtempSync(join(tmpdir(), 'telehealth-source-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function open(content: unknown): ReturnType<typeof openSource> {
  const path = join(folder, 'settings.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return openSource({ kind: 'file', path }, {});
}

const values = {
  STATE_STORAGE__accountName: 'ststateabc',
  AUTH_BACKEND_ROLE: 'none',
  COMMUNICATION_SERVICES_ENDPOINT: 'https://clinic.communication.azure.com',
};

test('the app settings that the Azure CLI lists are read as those of a settings file', () => {
  const listed = Object.entries(values).map(([name, value]) => ({ name, slotSetting: false, value }));
  const found = open(listed);
  assert.equal(found.communication.state, 'on');
  assert.deepEqual(found, open({ IsEncrypted: false, Values: values }));
});

test('what is neither names its file and the field, and nothing of a value', () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [[{ name: 'A', value: 5, secret: 'canary' }], /settings\.json: 0\.value: /],
    [{ Values: { A: 5 } }, /settings\.json: Values\.A: /],
    ['"canary"', /settings\.json: Invalid input: expected object/],
    ['[canary', /settings\.json: expected JSON/],
  ];
  for (const [content, words] of wrong)
    assert.throws(
      () => open(content),
      (error: Error) => {
        assert.equal(error.name, 'UsageError');
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      },
    );
});

test('what the environment says wins over the file, and what the file leaves empty is not set', () => {
  const path = join(folder, 'settings.json');
  writeFileSync(path, JSON.stringify({ Values: { ...values, DICOM_SCOPE: '', AUTH_ISSUER: 'of the file' } }));
  const environment: Record<string, string | undefined> = { AUTH_BACKEND_ROLE: 'Backend', AUTH_ISSUER: '' };
  openSource({ kind: 'file', path }, environment);
  assert.deepEqual(environment, { ...values, AUTH_BACKEND_ROLE: 'Backend', AUTH_ISSUER: 'of the file' });
});

test('without a file the settings are those of the environment alone', () => {
  const environment = { ...values };
  assert.equal(openSource({ kind: 'environment' }, environment).communication.state, 'on');
  assert.deepEqual(environment, values);
});
