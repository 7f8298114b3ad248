// Which records of the audit are wanted and where they are, by options, settings, or the run of the app on this machine.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { accountOf } from '../../cli/audit/account.ts';
import { readAuditOptions, type AuditOptions } from '../../cli/audit/options.ts';
import { writeRunFile, type RunFile } from '../../local/runFile.ts';
import { subjectHash } from '../../src/platform/hash.ts';

const id = '7e1e4ea1-7000-4000-8000-000000000001';
const nurse = subjectHash('app.nurse-17');
const url = 'http://127.0.0.1:9';
const runFile: RunFile = {
  ...{ pid: process.pid, host: { kind: 'local', url, keysEnforced: true } },
  ...{ keys: { master: 'm', function: 'f' }, demo: { bearer: 'b', dicomBearer: 'b', userId: 'u' } },
  azure: {
    ...{ storage: url, managedIdentity: url, entra: url, graph: url, keyVault: url },
    ...{ communication: url, dicom: url, subscriber: url, faults: url },
  },
};

describe('options', () => {
  const options = (...args: string[]): AuditOptions => {
    const found = readAuditOptions(['--environment', ...args], {});
    return found === 'help' ? assert.fail() : found;
  };

  test('hash the user as the app does', () => {
    assert.equal(options('--user', 'nurse-17').wanted.subject, nurse);
    const id = 'entra.7E1E4EA1-7000-4000-8000-000000000001.7e1e4ea1-7000-4000-8000-00000000000a';
    assert.equal(options('--user', id).wanted.subject, subjectHash(id.toLowerCase()));
    assert.equal(options('--subject', nurse).wanted.subject, nurse);
  });

  test('say what is wanted, how many rows of it, and in which form', () => {
    const { wanted, last, json } = options('--action', 'feed.redrive');
    assert.deepEqual([wanted.action, last, json], ['feed.redrive', 1000, false]);
    assert.equal(options('--last', '10000').last, 10_000);
    assert.equal(options('--json').json, true);
    assert.equal(readAuditOptions(['--help', '--last', '0'], {}), 'help');
  });

  test('take days and times', () => {
    const { since, until } = options('--since', '2026-03-01', '--until', '2026-03-01T12:00:00+01:00').wanted;
    assert.deepEqual([since, until], [Date.parse('2026-03-01T00:00Z'), Date.parse('2026-03-01T11:00Z')]);
  });

  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['--user', 'a b'], /^--user: expected 1 to 256 characters/],
    [['--user', 'x', '--subject', 'y'], /^--user: not together with --subject/],
    [['--action', 'erase'], /^--action: expected one of identity\.erase/],
    [['--since', 'yesterday'], /^--since: expected a day such as/],
    [['--until', '2026-02-30T12:00'], /^--until: expected a day such as/],
    [
      ['--since', '2026-03-02', '--until', '2026-03-02'],
      /^--until: expected a time after that of --since, which counts itself/,
    ],
    [['--last', '0'], /^--last: expected a whole number from 1 to 10000/],
    [['--last', '10001'], /^--last: expected a whole number from 1 to 10000/],
    [['--last', '5x'], /^--last: expected a whole number from 1 to 10000/],
    [['--last', '5', '--json'], /^--last: not together with --json/],
    [['--local'], /^--settings, --environment, --local: expected one of them/],
    [['--audit-storage', 'https://st1.blob.core.windows.net'], /^--audit-storage: not together with/],
    [['--audit-storage', 'st1'], /^--audit-storage: expected an https URL without a path/m],
  ];
  for (const [args, words] of wrong)
    test(`${args.join(' ')} is refused by name`, () => {
      assert.throws(() => options(...args), { name: 'UsageError', message: words });
    });

  test('want to know where the audit is', () => {
    assert.throws(
      () => readAuditOptions([], { LOCAL_DIR: '/nowhere' }),
      /^UsageError: --audit-storage, --settings, --environment or --local: missing/,
    );
    assert.throws(
      () => readAuditOptions(['--last', '0'], { LOCAL_DIR: '/nowhere' }),
      /^UsageError: --last: /,
    );
  });

  test('need not say so where a run of the app goes on', (t) => {
    const LOCAL_DIR = mkdtempSync(join(tmpdir(), 'telehealth-audit-'));
    t.after(() => {
      rmSync(LOCAL_DIR, { recursive: true });
    });
    writeRunFile(LOCAL_DIR, runFile);
    const found = readAuditOptions([], { LOCAL_DIR, AUDIT_STORAGE_URL: '' });
    assert.ok(found !== 'help');
    assert.deepEqual(found.source, { kind: 'local' });
    writeFileSync(join(LOCAL_DIR, 'run.json'), 'damaged');
    assert.throws(() => readAuditOptions([], { LOCAL_DIR }), /missing; expected one of them/);
  });

  test('take the address of the account alone, as it is said once for all commands', () => {
    const sourceIn = (args: readonly string[], environment: Readonly<Record<string, string>>): unknown => {
      const found = readAuditOptions(args, { LOCAL_DIR: '/nowhere', ...environment });
      return found === 'help' ? assert.fail() : found.source;
    };
    const AUDIT_STORAGE_URL = 'https://st2.blob.core.windows.net/';
    const blobUri = 'https://st1.blob.core.windows.net';
    assert.deepEqual(sourceIn(['--audit-storage', `${blobUri}/`], { AUDIT_STORAGE_URL }), {
      ...{ kind: 'account', blobUri },
    });
    const said = { kind: 'account', blobUri: 'https://st2.blob.core.windows.net' };
    assert.deepEqual(sourceIn([], { AUDIT_STORAGE_URL }), said);
    assert.deepEqual(sourceIn(['--environment'], { AUDIT_STORAGE_URL }), { kind: 'environment' });
    assert.throws(
      () => sourceIn([], { AUDIT_STORAGE_URL: 'st2' }),
      /^UsageError: AUDIT_STORAGE_URL: expected/,
    );
  });
});

test('an account that is named is read as whoever signs in here, without any setting of the app', () => {
  const blobUri = 'https://st1.blob.core.windows.net';
  const { state, credential } = accountOf({ kind: 'account', blobUri }, {});
  assert.ok(state.kind === 'identity' && state.blobUri === blobUri);
  assert.deepEqual(credential, {
    ...{ clientId: undefined, managedIdentity: false, tokenCredentials: undefined },
  });
});

test('settings that configure nothing lead to no account', () => {
  assert.throws(() => accountOf({ kind: 'environment' }, { AUTH_ISSUER: 'x' }), {
    name: 'UsageError',
    message: /^The settings configure no capability/,
  });
});

test('whichever job is on leads to the account, for all of them keep their records there', () => {
  const roles = { AUTH_BACKEND_ROLE: 'none', AUTH_OPERATOR_ROLE: 'none' };
  const communication = { COMMUNICATION_SERVICES_ENDPOINT: 'https://x.communication.azure.com' };
  const rotation = {
    ...{ KEY_VAULT_URL: 'https://kv.vault.azure.net', SERVICE_CLIENT_SECRET_NAME: 'a-secret' },
    ...{ SERVICE_CLIENT_APP_ID: id, SERVICE_CLIENT_TENANT_ID: id },
  };
  const feed = {
    DICOM_SERVICE_URL: 'https://a-b.dicom.azurehealthcareapis.com',
    CHANGE_FEED_START: 'latest',
  };
  const wrong = { COMMUNICATION_SERVICES_ENDPOINT: 'x' };
  for (const job of [communication, rotation, feed, { ...wrong, ...feed }]) {
    const { state } = accountOf(
      { kind: 'environment' },
      { ...roles, ...job, STATE_STORAGE__accountName: 'st1' },
    );
    assert.ok(state.kind === 'identity' && state.blobUri === 'https://st1.blob.core.windows.net');
  }
});
