// The one line of the log that a run over a service ends with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomes } from '../../src/changeFeed/outcome.ts';
import { pullService, type ServiceParts } from '../../src/changeFeed/service.ts';
import type { FeedReport } from '../../src/changeFeed/report.ts';
import type { Log, LogFields } from '../../src/platform/log.ts';
import { feedScene } from './feedScene.ts';
import { FeedWorld } from './feedWorld.ts';

interface Line {
  readonly level: string;
  readonly fields: LogFields;
}

/** A run and its summaries. */
async function pull(
  world: FeedWorld,
  parts: ServiceParts = world.parts(),
): Promise<{ report: FeedReport; lines: readonly Line[] }> {
  const lines: Line[] = [];
  const note =
    (level: string): Log['info'] =>
    (event, fields = {}) => {
      if (event === 'feed_pulled') lines.push({ level, fields });
    };
  const log = { info: note('info'), warn: note('warn'), error: note('error') };
  const frame = { signal: new AbortController().signal, remainingMs: () => 60_000 };
  return { report: await pullService(parts, frame, log), lines };
}

async function summary(world: FeedWorld): Promise<Line> {
  const { lines } = await pull(world);
  assert.equal(lines.length, 1);
  return lines[0] ?? assert.fail();
}

function some(fields: LogFields, ...names: string[]): unknown[] {
  return names.map((name) => fields[name]);
}

test('it counts what was delivered, what was late, repeated or refused, and what is held and watched', async () => {
  const world = new FeedWorld({ sinks: ['blob', 'webhook'], pageSize: 10 });
  world.change();
  world.change(120_000);
  world.change();
  world.refused.add(3);
  assert.deepEqual(some((await summary(world)).fields, 'outcome', 'delivered', 'held', 'crossed', 'lag'), [
    ...['holding_gap', 1, 1, 0, 2],
  ]);
  world.time += 62_000;
  const crossing = await summary(world);
  assert.deepEqual(some(crossing.fields, 'outcome', 'delivered', 'held', 'crossed', 'deadLetters'), [
    ...['caught_up', 1, 0, 1, 1],
  ]);
  world.time += 62_000;
  const late = await summary(world);
  assert.deepEqual(some(late.fields, 'delivered', 'late', 'crossed', 'lag', 'lagSeconds'), [1, 1, 0, 0, 0]);
  assert.equal(late.level, 'info');
});

test('a range that is sent again is told, and a sink that is down needs somebody to look', async () => {
  const world = new FeedWorld();
  world.change();
  world.time += 5000;
  world.down.add('queue');
  const down = await summary(world);
  assert.equal(down.level, 'error');
  const told = some(down.fields, 'outcome', 'delivered', 'lag', 'lagSeconds');
  assert.deepEqual(told, ['sink_down', 0, 1, 5]);
  assert.match(String(down.fields['problem']), /queue/);
  assert.match(String(down.fields['advice']), /stands still/);
  world.down.clear();
  assert.deepEqual(some((await summary(world)).fields, 'outcome', 'delivered', 'repeated'), [
    'caught_up',
    1,
    1,
  ]);
});

test('dead letters that cannot be counted are not said to be none', async () => {
  const world = new FeedWorld();
  world.change();
  const parts = world.parts();
  const silent = { ...parts.deadLetters, count: () => Promise.reject(new Error('the account is silent')) };
  const { report, lines } = await pull(world, { ...parts, deadLetters: silent });
  assert.deepEqual([report.outcome, report.delivered, report.deadLetters], ['caught_up', 1, null]);
  assert.equal(lines[0]?.fields['deadLetters'], null);
});

test('metadata that could not be read is counted', async () => {
  const world = new FeedWorld({ metadata: true, sinks: ['blob'], pageSize: 10 });
  for (let n = 0; n < 4; n += 1) world.change();
  world.poisoned.add(2);
  assert.equal((await summary(world)).fields['outcome'], 'upstream_failed');
  assert.deepEqual(some((await summary(world)).fields, 'outcome', 'fallbacks', 'delivered'), [
    'caught_up',
    1,
    3,
  ]);
});

test('it says what the report says, by the host alone, with an outcome of the closed set', async () => {
  const world = new FeedWorld();
  world.change();
  const { report, lines } = await pull(world);
  const { service, holes, replays: _, error: __, ...numbers } = report;
  const { fields } = lines[0] ?? assert.fail();
  for (const [name, value] of Object.entries({ ...numbers, ...holes }))
    assert.equal(fields[name], value, name);
  assert.equal(fields['service'], new URL(service).host);
  assert.ok(outcomes.some((outcome) => outcome === fields['outcome']));
});

test('a run over several services has one for each', async () => {
  const scene = feedScene({ services: 3 });
  await scene.store(['a'], 1);
  await scene.pullAll();
  const lines = scene.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const told = lines.filter(({ event }) => event === 'feed_pulled').map(({ service }) => service);
  assert.deepEqual(told.sort(), scene.services.map((service) => new URL(service).host).sort());
});
