// Every run is struck before and after each of its requests, on real clients; later runs must put everything right, and no rule may break.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { createLog } from '../../../src/platform/log.ts';
import { withinBudget } from '../../../src/platform/run.ts';
import { createRotation, type RotationReport } from '../../../src/rotation/rotation.ts';
import { leasePath } from '../../../src/rotation/stateDocument.ts';
import { healthy, works, type Scene } from '../scene.ts';
import { clock, cloud, hourMs, platformFor, settingsFor, stateBlob } from '../tenant.ts';
import { deeds, type Prepared } from './kills/deeds.ts';
import { Gate, type Blow } from './kills/gate.ts';
import { requireRest, requireRules, requireSilentAudit } from './kills/truth.ts';

const restMs = [61 * 60_000, 11 * 60_000, 3 * hourMs, 168 * hourMs, 3 * hourMs];
const { signal: never } = new AbortController();

/** In this process, but nothing of it goes on once the gate has stopped it. */
async function run({ s, request }: Prepared, gate: Gate): Promise<RotationReport | 'struck'> {
  const settings = settingsFor(s.client);
  const platform = platformFor({ httpClient: gate });
  assert.ok(settings.state.kind === 'connectionString');
  const storage = gate.storage(settings.state.connectionString.reveal());
  const sleep: typeof clock.sleep = (ms, signal) => (gate.stopped ? gate.never() : clock.sleep(ms, signal));
  const rotation = createRotation(settings, {
    ...platform,
    storage: () => storage,
    clock: { ...clock, sleep },
  });
  const keep = (text: string): void => void s.lines.push({ level: 'info', text });
  const log = createLog({ info: keep, warn: keep, error: keep });
  const frame = { requestId: randomUUID(), budgetMs: 240_000, clock, shutdown: never };
  const reports = withinBudget(frame, (within) => rotation.run(request, { log, run: within, actor: 'key' }));
  const ended = await Promise.race([gate.struck, reports]);
  if (ended === 'struck') return ended;
  const [report] = ended.clients;
  assert.ok(report);
  return report;
}

/** What a minute does for real: Azurite's leases keep its own time. */
async function endLease({ client }: Scene): Promise<void> {
  const lease = stateBlob(leasePath(client.appId)).getBlobLeaseClient();
  await lease.breakLease(0).catch(() => undefined);
}

async function rest(s: Scene, foreign: readonly string[]): Promise<void> {
  for (const gapMs of restMs) {
    cloud.advance(gapMs);
    await s.run();
    await requireRules(s, foreign, true);
  }
  await requireRest(s);
  s.asked();
  cloud.advance(hourMs);
  assert.equal((await s.run()).outcome, 'noop');
  assert.deepEqual(s.writes(), [], 'a run with nothing to do writes nothing');
}

const scenes: Scene[] = [];

/** Answers the requests of the run and, after a blow, which of them had an effect. */
async function strike(
  prepare: () => Promise<Prepared>,
  blow?: Blow,
  rested = new Set<string>(),
): Promise<Gate> {
  const prepared = await prepare();
  const { s, request } = prepared;
  scenes.push(s);
  const foreign = s.application.passwordCredentials
    .filter(
      ({ displayName, keyId }) => /^(somebody|named)/.test(displayName ?? '') && keyId !== request.revoke,
    )
    .map(({ keyId }) => keyId);
  const served = works(s, await s.value().catch(() => ''));
  const gate = new Gate(blow);
  const ended = await run(prepared, gate);
  assert.equal(ended === 'struck', blow !== undefined, `${JSON.stringify(blow)} of ${gate.requests.join(', ')}`);
  assert.ok(gate.requests.filter((name) => name.endsWith('addPassword')).length <= 1, 'one mint a run');
  await requireRules(s, foreign, served);
  await endLease(s);
  // What comes later depends on what the run has changed: each of those states comes to rest once.
  const left = gate.effects.join();
  if (rested.has(left)) return gate;
  rested.add(left);
  await rest(s, foreign);
  return gate;
}

// The containers are there.
await (await healthy()).s.run({ force: true, reason: 'drill' });

describe('struck before and after each of its requests, whatever was begun comes to rest:', () => {
  for (const [name, prepare] of Object.entries(deeds)) {
    test(name, async (t) => {
      const rested = new Set<string>();
      const { requests } = await strike(prepare, undefined, rested);
      assert.ok(requests.length > 8, requests.join());
      for (let at = 1; at <= requests.length; at += 1) {
        for (const fate of ['before', 'after'] as const) await strike(prepare, { at, fate }, rested);
      }
      t.diagnostic(`${String(2 * requests.length)} blows, ${String(rested.size)} states left behind`);
    });
  }
  test('and no secret shows in the records of who asked for what', () => requireSilentAudit(scenes));
});
