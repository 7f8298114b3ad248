// The order in which the audit is shown, however many records lie at one instant, and whose clock says which days there are.
import type { ContainerClient } from '@azure/storage-blob';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Wanted } from '../../cli/audit/options.ts';
import { readRecords } from '../../cli/audit/records.ts';
import { eachAtOnce } from '../../src/platform/concurrency.ts';
import { startStorage } from '../support/azurite.ts';

const storage = await startStorage();
const begun = Date.parse('2026-03-01T12:00:00.000Z');
const all = { subject: undefined, action: undefined, since: undefined, until: undefined };

interface Written {
  readonly time: string;
  readonly id: number;
  readonly outcome: 'asked' | 'done';
}

/** A container with these records, whose names sort by their numbers within one instant. */
async function audit(name: string, records: readonly Written[]): Promise<ContainerClient> {
  const container = await storage.container(name);
  await container.create();
  await eachAtOnce(records, 8, async ({ time, id, outcome }) => {
    const uuid = `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`;
    const path = `${time.slice(0, 10).replaceAll('-', '/')}/${time}-${uuid}-tokens.revoke-${outcome}.json`;
    const record = { schema: 1, time, outcome, actor: 'key', action: 'tokens.revoke', subject: 's' };
    const body = JSON.stringify({ ...record, requestId: `r-${id}` });
    await container.getBlockBlobClient(path).upload(body, body.length);
  });
  return container;
}

async function outcomesOf(container: ContainerClient, wanted: Wanted, now: number) {
  const outcomes: string[] = [];
  for await (const record of readRecords(container, wanted, now))
    outcomes.push('unreadable' in record ? record.unreadable : record.outcome);
  return outcomes;
}

test('what was asked for comes before what became of it, also where many records share an instant', async () => {
  const time = (ms: number): string => new Date(begun + ms).toISOString();
  const alone = Array.from({ length: 63 }, (_, id) => ({ time: time(id), id, outcome: 'asked' }) as const);
  // Of this pair the end sorts first, as the 64th of all names.
  const pair = [
    { time: time(63), id: 1, outcome: 'done' },
    { time: time(63), id: 2, outcome: 'asked' },
  ] as const;
  const last = { time: time(64), id: 3, outcome: 'done' } as const;
  const outcomes = await outcomesOf(await audit('pairs', [...alone, ...pair, last]), all, begun);
  assert.equal(outcomes.length, 66);
  assert.deepEqual(outcomes.slice(-3), ['asked', 'done', 'done']);
});

test('a record of a day that this machine’s clock has not reached is shown all the same', async () => {
  const container = await audit('clocks', [{ time: '2026-03-02T00:00:01.000Z', id: 1, outcome: 'done' }]);
  const behind = Date.parse('2026-03-01T23:59:59.000Z');
  assert.deepEqual(await outcomesOf(container, { ...all, since: begun }, behind), ['done']);
});
