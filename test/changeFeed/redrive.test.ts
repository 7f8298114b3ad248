// A redrive that dies, runs out of time or cannot read: no letter is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDeadLetters, type DeadLetters } from '../../src/changeFeed/deadLetters.ts';
import type { Frame } from '../../src/changeFeed/dicomChangeFeed.ts';
import { toEvent } from '../../src/changeFeed/events.ts';
import { FeedStop } from '../../src/changeFeed/outcome.ts';
import { redrive } from '../../src/changeFeed/redrive.ts';
import type { RequestSink } from '../../src/changeFeed/sink.ts';
import { startStorage } from '../support/azurite.ts';
import { entryOf, FeedWorld, quiet, service, startTime } from './feedWorld.ts';

const stateBlobs = await (await startStorage()).container('state');
const frame: Frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };

interface Killable {
  readonly letters: DeadLetters;
  readonly sink: RequestSink;
  readonly taken: string[];
}

/** Three letters and a receiver that takes all; the process dies at the given call, half of them before their effect. */
async function killable(host: string, dieAt: number): Promise<Killable> {
  const real = createDeadLetters(stateBlobs, `https://${host}`);
  const events = [7, 8, 10].map((sequence) =>
    toEvent(entryOf(sequence, startTime), { service, epoch: 1, late: false, metadata: { kind: 'none' } }),
  );
  for (const event of events)
    await real.put('webhook', { event, status: 422 }, { epoch: 1, late: false, now: startTime });
  let calls = 0;
  const step = async <T>(effect: () => Promise<T>): Promise<T> => {
    if (calls++ >= dieAt) throw new Error('the process died');
    const result = await effect();
    if (calls++ >= dieAt) throw new Error('the process died');
    return result;
  };
  const taken: string[] = [];
  return {
    taken,
    letters: {
      ...real,
      keys: (sink) => step(() => real.keys(sink)),
      read: (key) => step(() => real.read(key)),
      remove: (key) => step(() => real.remove(key)),
    },
    sink: {
      name: 'webhook',
      portions: (some) => some.map((event) => [event]),
      offer: ([event]) =>
        step(() => {
          taken.push(event?.id ?? '');
          return Promise.resolve({ kind: 'taken' });
        }),
    },
  };
}

test('wherever a redrive dies: no letter is removed that was not taken, and the next one ends the work', async () => {
  for (let dieAt = 0; dieAt <= 20; dieAt += 1) {
    const host = `killed-${dieAt}.example`;
    const { letters, sink, taken } = await killable(host, dieAt);
    const parts = {
      ...new FeedWorld().parts(),
      service: `https://${host}`,
      sinks: [sink],
      deadLetters: letters,
    };
    await redrive(parts, frame, quiet);
    const real = createDeadLetters(stateBlobs, `https://${host}`);
    const left = (await real.keys('webhook')).map((key) => `1.${Number(key.slice(-7, -5))}`);
    for (const id of ['1.7', '1.8', '1.10'])
      assert.ok(left.includes(id) || taken.includes(id), `${dieAt} ${id}`);
    const alive = {
      ...parts,
      deadLetters: real,
      sinks: [{ ...sink, offer: async () => ({ kind: 'taken' }) as const }],
    };
    const report = await redrive(alive, frame, quiet);
    assert.deepEqual([report.outcome, report.taken, report.remaining], ['done', left.length, 0]);
  }
});

test('a redrive ends in time, skips what others removed, and goes past what cannot be read', async () => {
  const host = 'slow.example';
  const { letters, sink, taken } = await killable(host, Number.POSITIVE_INFINITY);
  const world = new FeedWorld();
  const parts = { ...world.parts(), service: `https://${host}`, sinks: [sink], deadLetters: letters };
  const late = { ...frame, remainingMs: () => 100 };
  assert.equal((await redrive(parts, late, quiet)).outcome, 'budget');
  assert.deepEqual(taken, []);
  const unreadable: typeof parts = {
    ...parts,
    rules: { ...parts.rules, metadata: { kind: 'full' } },
    reader: {
      ...parts.reader,
      page: (range, options, given) =>
        range.from === 7
          ? Promise.reject(new FeedStop('upstream_failed', 'unreadable', { advice: 'look at it' }))
          : parts.reader.page(range, options, given),
    },
    deadLetters: {
      ...letters,
      keys: async (name) => [...(await letters.keys(name)), 'change-feed/gone.json'],
    },
  };
  const report = await redrive(unreadable, frame, quiet);
  assert.deepEqual(taken, ['1.8', '1.10']);
  assert.deepEqual([report.outcome, report.error?.message, report.remaining], ['stopped', 'unreadable', 1]);
});

test('a letter that a newer release wrote stays and is told, and the others are tried', async () => {
  const host = 'newer.example';
  const { letters, sink, taken } = await killable(host, Number.POSITIVE_INFINITY);
  const [, second = ''] = await letters.keys('webhook');
  const newer = '{"schema":2}';
  await stateBlobs.getBlockBlobClient(second).upload(newer, newer.length);
  const parts = {
    ...new FeedWorld().parts(),
    service: `https://${host}`,
    sinks: [sink],
    deadLetters: letters,
  };
  const report = await redrive(parts, frame, quiet);
  assert.deepEqual(taken, ['1.7', '1.10']);
  assert.deepEqual([report.outcome, report.taken, report.remaining], ['stopped', 2, 1]);
  assert.match(report.error?.message ?? '', /has schema 2/);
  const failing = { ...letters, read: () => Promise.reject(new Error('no storage')) };
  const cut = await redrive({ ...parts, deadLetters: failing }, frame, quiet);
  assert.deepEqual([cut.outcome, cut.error?.advice], ['stopped', 'The log says more.']);
});
