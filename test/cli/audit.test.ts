// Reading the audit: whose, what and when, from real storage, with what cannot be read said.
import type { ContainerClient } from '@azure/storage-blob';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { styleText } from 'node:util';
import { auditCommand } from '../../cli/audit/command.ts';
import type { AuditOptions, Wanted } from '../../cli/audit/options.ts';
import { clearLine, progress, type Terminal } from '../../cli/terminal.ts';
import { createAudit } from '../../src/platform/audit.ts';
import { SignInError } from '../../src/platform/credential.ts';
import { subjectHash } from '../../src/platform/hash.ts';
import { createStorage } from '../../src/platform/storage.ts';
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
  assert.deepEqual(
    linesOf(await read({ subject: 'key' })),
    [...disabled, ...forced],
    'as the actors are called',
  );
  assert.deepEqual(linesOf(await read({ subject: subjectHash('app.somebody-else') })), []);
});

test('an action and a time leave the others out, unread', async () => {
  const asked: string[] = [];
  const watched = await storage.container('audit', ({ url = '' }) => void asked.push(url));
  assert.deepEqual(linesOf(await read({ action: 'rotation.force' }, {}, watched)), forced);
  assert.equal(asked.filter((url) => url.includes('.json')).length, 2);
  const since = Date.parse('2026-03-02T12:00:00.000Z');
  assert.deepEqual(linesOf(await read({ since })), [...forced, ...moved], 'the first instant counts');
  assert.deepEqual(linesOf(await read({ since: since + 1 })), moved, 'nor what was earlier that day');
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
  const record = {
    ...{ time: clock.now().toString(), outcome: 'done', actor: 'key', action: 'identity.erase' },
    ...{ subject: nurse, requestId: 'r-1' },
  };
  const blobs: Readonly<Record<string, string>> = {
    [good('asked')]: 'not JSON: canary',
    [good('done')]: JSON.stringify({ ...record, schema: 2 }),
    [good('failed')]: JSON.stringify({ ...record, schema: 1, requestId: undefined }),
    [good('pending')]: JSON.stringify({ ...record, schema: 1, outcome: 'unheard of' }),
    'something\u0085else': '{}',
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
    /: something else: its name is not that of a record\n/,
  ])
    assert.match(err, why);
  assert.equal(err.match(/does not have the form/g)?.length, 2);
  assert.doesNotMatch(err, /canary/);
  const json = await read({}, {}, other);
  assert.equal(json.out.match(/"unreadable":/g)?.length, 5, 'pipelines are told as well');
  const live = await read({}, { json: false }, other, { ...terminal, live: true });
  assert.equal(live.err.split(`${clearLine}unreadable: `).length, 6, 'each on a line of its own');
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

test('who is not signed in is told that, and how to sign in', async () => {
  const uri = 'https://st1.blob.core.windows.net';
  const settings = { kind: 'identity', blobUri: uri, queueUri: uri, tableUri: uri } as const;
  const credential = { getToken: () => Promise.reject(new SignInError('Run `az login`.')) };
  const { code, err } = await read({}, {}, createStorage(settings, () => credential).container('audit'));
  assert.deepEqual([code, err], [1, 'Run `az login`.\n']);
});

test('colours tell the outcomes apart, and a narrow terminal gets shorter times and ids', async () => {
  const painted = await read({}, { json: false }, container, { ...terminal, colors: true });
  for (const [color, text] of [
    ['gray', 'asked  '],
    ['green', 'done   '],
    ['red', 'failed '],
  ] as const)
    assert.ok(painted.out.includes(styleText(color, text, { validateStream: false })), text);
  const wide = (await read({ subject: 'a-secret' }, { json: false })).out.split('\n')[1]?.length ?? 0;
  const narrow = await read({ subject: 'a-secret' }, { json: false }, container, {
    ...terminal,
    columns: wide - 1,
  });
  assert.match(narrow.out, /\n2026-03-02T12:00:00 +rotation\.force +asked .* request- +left the clinic\n/);
});

test('a table that leaves one record out says so', async () => {
  const { out } = await read({}, { json: false, last: 5 });
  assert.match(out, /\n1 older record not shown/);
});

test('on a terminal it says how far it is, and takes that back', async () => {
  const { err } = await read({}, { json: false }, container, { ...terminal, live: true });
  assert.ok(err.startsWith(progress('reading', terminal)) && err.endsWith(clearLine), err);
  assert.match(err, /up to 2026-03-03T12:00:00\.000Z/);
  assert.equal((await read({}, { json: false })).err, '');
  const json = await read({}, { json: true }, container, { ...terminal, live: true });
  assert.equal(json.err, '', 'where the lines themselves go by');
  const refused = await storage.container('audit', () => 403);
  const told = await read({}, { json: false }, refused, { ...terminal, live: true });
  assert.ok(told.err.includes(`${clearLine}The audit could not be read`), told.err);
});
