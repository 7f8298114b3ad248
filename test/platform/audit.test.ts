// The records of who did what, against real storage: before and after each action, once, or the action fails.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createAudit, type Audit, type AuditEntry } from '../../src/platform/audit.ts';
import { AppError } from '../../src/platform/errors.ts';
import { storageFailure } from '../../src/platform/storage.ts';
import { startStorage, type Fate } from '../support/azurite.ts';
import { ManualClock } from '../support/clock.ts';

const real = await startStorage();

const entry: AuditEntry = {
  ...{ actor: 'app:client', action: 'identity.erase', subject: '0123456789abcdef' },
  ...{ reason: 'gewünscht von der Patientin', requestId: 'request-1' },
};
let ids = 0;
const audit = async (name: string, fate?: () => Fate): Promise<Audit> => {
  const decide = fate && (({ method }: IncomingMessage) => (method === 'PUT' ? fate() : undefined));
  const uuid = (): string => `uuid-${String((ids += 1))}`;
  return createAudit(await real.container(name, decide), new ManualClock(), uuid);
};

async function records(name: string): Promise<readonly (readonly [path: string, record: unknown])[]> {
  const container = await real.container(name);
  const found: (readonly [string, unknown])[] = [];
  for await (const blob of container.listBlobsFlat()) {
    const text = await container.getBlobClient(blob.name).downloadToBuffer();
    found.push([blob.name, JSON.parse(text.toString())]);
  }
  return found.sort(([left], [right]) => (left < right ? -1 : 1));
}

async function outcomesOf(name: string): Promise<readonly string[]> {
  return (await records(name)).map(([, record]) => (record as { outcome: string }).outcome).sort();
}

test('an action is recorded before and after it, with the time of the server', async () => {
  ids = 0;
  assert.equal(await (await audit('audit-done')).record(entry, async () => 'result'), 'result');
  const time = '2026-03-01T12:00:00.000Z';
  assert.deepEqual(await records('audit-done'), [
    [`2026/03/01/${time}-uuid-1-identity.erase-asked.json`, { schema: 1, time, outcome: 'asked', ...entry }],
    [`2026/03/01/${time}-uuid-2-identity.erase-done.json`, { schema: 1, time, outcome: 'done', ...entry }],
  ]);
});

test('a record is JSON that can be written once only', async () => {
  await (await real.container('audit-once')).create();
  const written: IncomingMessage['headers'][] = [];
  const container = await real.container('audit-once', ({ headers }) => void written.push(headers));
  await createAudit(container, new ManualClock(), () => 'a-uuid').record(entry, async () => undefined);
  assert.deepEqual(
    written.map((headers) => [headers['if-none-match'], headers['x-ms-blob-content-type']]),
    [
      ['*', 'application/json'],
      ['*', 'application/json'],
    ],
  );
});

test('an action that others have to finish is recorded as pending', async () => {
  const result = (await audit('audit-pending')).record(
    entry,
    async () => 202,
    (status) => (status === 202 ? 'pending' : 'done'),
  );
  assert.equal(await result, 202);
  assert.deepEqual(await outcomesOf('audit-pending'), ['asked', 'pending']);
});

test('an action that fails is recorded as failed, and its error comes through', async () => {
  const failure = new Error('x');
  await assert.rejects(
    (await audit('audit-failed')).record(entry, () => Promise.reject(failure)),
    failure,
  );
  assert.deepEqual(await outcomesOf('audit-failed'), ['asked', 'failed']);
});

test('nothing happens when the first record cannot be written, and the log can say why', async () => {
  const action = (): Promise<never> => assert.fail('it must not happen');
  await assert.rejects((await audit('audit-down', () => 503)).record(entry, action), (error) => {
    assert.ok(error instanceof AppError && error.code === 'upstream_failed');
    assert.equal(storageFailure(error.cause).status, 503);
    return true;
  });
});

test('the call fails when its outcome cannot be recorded, though the action happened', async () => {
  let happened = false;
  await (await real.container('audit-late')).create();
  let writes = 0;
  const late = await audit('audit-late', () => ((writes += 1) === 1 ? undefined : 503));
  const action = async (): Promise<void> => {
    happened = true;
  };
  await assert.rejects(late.record(entry, action), { code: 'upstream_failed' });
  assert.ok(happened);
});

test('an action that fails is told as it is when that cannot be recorded', async () => {
  await (await real.container('audit-both')).create();
  let writes = 0;
  const late = await audit('audit-both', () => ((writes += 1) === 1 ? undefined : 503));
  const failure = new Error('x');
  await assert.rejects(
    late.record(entry, () => Promise.reject(failure)),
    failure,
  );
  assert.ok(writes > 1);
});

test('a record whose reply is lost counts as written, and is there once', async () => {
  await (await real.container('audit-lost')).create();
  let writes = 0;
  const lossy = await audit('audit-lost', () => ((writes += 1) % 2 === 1 ? 'lost' : undefined));
  assert.equal(await lossy.record(entry, async () => 1), 1);
  assert.equal(writes, 4);
  assert.equal((await records('audit-lost')).length, 2);
});

test('a role that may only add is told in other words that its own record is there already', async () => {
  for (const [status, code] of [
    [403, 'UnauthorizedBlobOverwrite'],
    [409, 'BlobImmutableDueToPolicy'],
  ] as const) {
    const name = `audit-added-${status}`;
    await (await real.container(name)).create();
    let writes = 0;
    const lossy = await audit(name, () => ((writes += 1) % 2 === 1 ? 'lost' : { status, code }));
    assert.equal(await lossy.record(entry, async () => 1), 1);
    assert.equal((await records(name)).length, 2);
  }
  const barred = await audit('audit-barred', () => ({
    status: 403,
    code: 'AuthorizationPermissionMismatch',
  }));
  await assert.rejects(
    barred.record(entry, () => assert.fail('it must not happen')),
    { code: 'upstream_failed' },
  );
});
