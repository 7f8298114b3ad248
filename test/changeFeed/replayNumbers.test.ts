// What the line of a run says of the replays, for whoever counts: how many run, how much is left, and what cannot be read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pullService, type ServiceParts } from '../../src/changeFeed/service.ts';
import type { Log, LogFields } from '../../src/platform/log.ts';
import { quiet } from './feedWorld.ts';
import { settled, type ReplayWorld } from './replayWorld.ts';

const frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };

/** Of one run: how it ended, and the numbers of replays that run, are unreadable, and of sequences left. */
async function numbersOf(world: ReplayWorld, instead: Partial<ServiceParts> = {}): Promise<unknown[]> {
  let fields: LogFields = {};
  const keep: Log['info'] = (event, about = {}) => {
    if (event === 'feed_pulled') fields = about;
  };
  const log: Log = { ...quiet, info: keep, error: keep };
  await pullService({ ...world.parts(), ...instead }, frame, log);
  const { outcome, replaysRunning, replaysUnreadable, replaySequencesLeft } = fields;
  return [outcome, replaysRunning, replaysUnreadable, replaySequencesLeft];
}

test('a run says how many replays run and how many sequences they have before them, and of none when they are done', async () => {
  const world = await settled(60, { sinks: ['queue', 'webhook'], pageSize: 2 });
  assert.deepEqual(await numbersOf(world), ['caught_up', 0, 0, 0]);
  await world.replay({ from: 1, to: 40, sinks: ['webhook'] }, 10);
  await world.replay({ from: 11, to: 60, sinks: ['queue'] }, 10);
  // The webhook takes nothing: what goes to the queue is done in one run.
  world.down.add('webhook');
  assert.deepEqual(await numbersOf(world), ['caught_up', 1, 0, 40]);
  world.down.clear();
  world.time += 3_600_000;
  assert.deepEqual(await numbersOf(world), ['caught_up', 0, 0, 0]);
});

test('while the live cursor is not well nothing is said of what is left: its own outcome says that all of it waits', async () => {
  const world = await settled(20, { sinks: ['webhook'] });
  await world.desk.start({ from: 1 });
  world.down.add('webhook');
  world.change();
  assert.deepEqual(await numbersOf(world), ['sink_down', 1, 0, undefined]);
});

test('a run that could not work on replays says nothing of what is left, though nobody has to look', async () => {
  const world = await settled(20);
  await world.desk.start({ from: 1 });
  const { store } = world.parts();
  const held = { ...store, open: () => Promise.resolve({ kind: 'busy' as const }) };
  assert.deepEqual(await numbersOf(world, { store: held }), ['busy', 1, 0, undefined]);
});

test('documents that cannot be read are counted, and nothing is said where none could be listed', async () => {
  const world = await settled(5);
  world.shelf.unreadable.push('20260101T000000000-0f8c2a6d', '20260101T000000000-0f8c2a6e');
  assert.deepEqual(await numbersOf(world), ['caught_up', 0, 2, 0]);
  const unknown = { ...world.shelf.store(), list: () => Promise.reject(new Error('no storage')) };
  assert.deepEqual(await numbersOf(world, { replays: unknown }), [
    'caught_up',
    undefined,
    undefined,
    undefined,
  ]);
});
