// Reading the audit: whose, what and when, from real storage, with what cannot be read said.
import type { ContainerClient } from '@azure/storage-blob';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { accountOf } from '../../cli/audit/account.ts';
import { auditCommand } from '../../cli/audit/command.ts';
import { readAuditOptions, type AuditOptions, type Wanted } from '../../cli/audit/options.ts';
import { clearLine, progress, type Terminal } from '../../cli/terminal.ts';
import { createAudit } from '../../src/platform/audit.ts';
import { subjectHash } from '../../src/platform/hash.ts';
import { ManualClock } from '../support/clock.ts';
import { startStorage, type Decide } from '../support/azurite.ts';

const storage = await startStorage();
const terminal = { colors: false, live: false, asks: false, columns: undefined };
const nurse = subjectHash('app.nurse-17');
const clock = new ManualClock('2026-03-01T12:00:00.000Z');

let container: ContainerClient;
before(async () => {
  container = await storage.container('audit');
  let left = 99;
  // Each name sorts before the one that was made before it in the same instant.
  const uuid = (): string => `00000000-0000-4000-8000-0000000000${(left -= 1)}`;
  const audit = createAudit(container, clock, uuid);
  const entry = { actor: 'key', requestId: 'request-1', reason: 'left the clinic' };
  await audit.record({ ...entry, action: 'identity.disable', subject: nurse }, async () => undefined);
  await clock.advance(86_400_000);
  const failing = audit.record({ ...entry, action: 'rotation.force', subject: 'an-app/a-secret' }, () =>
    Promise.reject(new Error('x')),
  );
  await assert.rejects(failing);
  await clock.advance(86_400_000);
  const own = { ...entry, actor: `user:${nurse}`, action: 'feed.setCursor', subject: 'x.example' } as const;
  await audit.record(own, async () => undefined);
});

interface Read {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function read(
  wanted: Partial<Wanted> = {},
  options: Partial<AuditOptions> = {},
  from = container,
  screen: Terminal = terminal,
): Promise<Read> {
  const said = { out: '', err: '' };
  const streams = {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
  };
  const all = { subject: undefined, action: undefined, since: undefined, until: undefined, ...wanted };
  const asked = { source: { kind: 'local' }, wanted: all, last: 1000, json: true, ...options } as const;
  const code = await auditCommand(asked, { streams, terminal: screen, container: from, now: clock.now() });
  return { code, ...said };
}

/** `<action> <outcome>` of each line. */
const linesOf = ({ out }: Read): readonly string[] =>
  out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { action: string; outcome: string })
    .map(({ action, outcome }) => `${action} ${outcome}`);

const disabled = ['identity.disable asked', 'identity.disable done'];
const forced = ['rotation.force asked', 'rotation.force failed'];
const moved = ['feed.setCursor asked', 'feed.setCursor done'];

test('all records come in the order of their time', async () => {
  const all = await read();
  assert.deepEqual(linesOf(all), [...disabled, ...forced, ...moved]);
  assert.equal(all.code, 0);
});

test('of one user come what was done to it and what it did itself, of a thing what was done to it', async () => {
  assert.deepEqual(linesOf(await read({ subject: nurse })), [...disabled, ...moved]);
  for (const subject of ['an-app/a-secret', 'an-app', 'a-secret'])
    assert.deepEqual(linesOf(await read({ subject })), forced, subject);
  assert.deepEqual(linesOf(await read({ subject: 'secret' })), []);
  assert.deepEqual(linesOf(await read({ subject: subjectHash('app.somebody-else') })), []);
});

test('an action and a time leave the others out, unread', async () => {
  const asked: string[] = [];
  const watched = await storage.container('audit', ({ url = '' }) => void asked.push(url));
  assert.deepEqual(linesOf(await read({ action: 'rotation.force' }, {}, watched)), forced);
  assert.equal(asked.filter((url) => url.includes('.json')).length, 2);
  const since = Date.parse('2026-03-02T12:00:00.000Z');
  assert.deepEqual(linesOf(await read({ since })), [...forced, ...moved], 'the first instant counts');
  assert.deepEqual(linesOf(await read({ until: since })), disabled, 'the last one does not');
  asked.length = 0;
  assert.deepEqual(linesOf(await read({ since, until: since + 1 }, {}, watched)), forced);
  assert.ok(asked.every((url) => !url.includes('restype=container') || /prefix=2026%2F03%2F02/.test(url)));
});

test('a table shows the newest, last, and says how many older ones it leaves out', async () => {
  const { out } = await read({}, { json: false, last: 2 });
  const [titles = '', first = '', second = '', ...rest] = out.split('\n');
  assert.match(titles, /^TIME +ACTION +OUTCOME +SUBJECT +ACTOR +REQUEST +REASON$/);
  assert.match(first, /^2026-03-03T12:00:00\.000Z +feed\.setCursor +asked +x\.example +user:/);
  assert.match(second, / done .* left the clinic$/);
  assert.deepEqual(rest, ['', '6 records', '4 older records not shown: --last, --since or --json', '']);
  assert.equal((await read({ subject: 'nobody' }, { json: false })).out, 'No such record.\n');
});

test('where there is no audit yet there are no records', async () => {
  const { code, out } = await read({}, { json: false }, await storage.container('none'));
  assert.deepEqual([code, out], [0, 'No such record.\n']);
});

test('what cannot be read is said each time, whatever was asked for, and the code is 1', async () => {
  const other = await storage.container('damaged');
  await other.create();
  const good = (outcome: string) =>
    `2026/03/01/2026-03-01T12:00:00.000Z-${randomUUID()}-identity.erase-${outcome}.json`;
  const blobs: Readonly<Record<string, string>> = {
    [good('asked')]: 'not JSON: canary',
    [good('done')]: JSON.stringify({ schema: 2, outcome: 'done' }),
    [good('failed')]: JSON.stringify({ schema: 1, outcome: 'done' }),
    'something else': '{}',
  };
  for (const [name, body] of Object.entries(blobs))
    await other.getBlockBlobClient(name).upload(body, Buffer.byteLength(body));
  const { code, out, err } = await read({ subject: nurse }, { json: false }, other);
  assert.equal(code, 1);
  assert.equal(out, 'No such record.\n');
  for (const why of [
    /it is not JSON/,
    /a newer release wrote it/,
    /not have the form/,
    /not that of a record/,
  ])
    assert.match(err, why);
  assert.doesNotMatch(err, /canary/);
});

test('a storage that refuses is told with the role that is needed, one that fails with what may mend it', async () => {
  const through = async (decide: Decide): Promise<Read> =>
    read({}, { json: false }, await storage.container('audit', decide));
  const refused = await through(() => 403);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /could not be read \(403\)[^]*"Storage Blob Data Reader"/);
  const account = { kind: 'account', blobUri: 'https://st1.blob.core.windows.net' } as const;
  const silent = await storage.container('audit', () => 'lost');
  const unreached = await read({}, { json: false, source: account }, silent);
  assert.match(unreached.err, /could not be read \(no answer, [A-Z_]+\)\.\nCheck --audit-storage/);
  const lost = await through(({ url = '' }) => (url.includes('.json') ? 403 : undefined));
  assert.equal(lost.code, 1);
  assert.equal(lost.err.match(/the storage answers 403/g)?.length, 6);
});

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
      /--audit-storage, --settings, --environment or --local: missing/,
    );
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

test('on a terminal it says how far it is, and takes that back', async () => {
  const told = await read({}, { json: false }, container, { ...terminal, live: true });
  assert.ok(told.err.startsWith(progress('reading', terminal)) && told.err.endsWith(clearLine), told.err);
  assert.match(told.err, /up to 2026-03-03T12:00:00\.000Z/);
  assert.equal((await read({}, { json: false })).err, '');
});
