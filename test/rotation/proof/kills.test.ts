// Every run is struck before and after each of its requests, on real clients; later runs must put everything right, and no rule may break.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { createAudit } from '../../../src/platform/audit.ts';
import { createLog } from '../../../src/platform/log.ts';
import { auditContainer } from '../../../src/platform/platform.ts';
import { withinBudget } from '../../../src/platform/run.ts';
import { createRotation } from '../../../src/rotation/rotation.ts';
import type { Scene } from '../scene.ts';
import { clock, platformFor, settingsFor } from '../tenant.ts';
import { deeds } from './kills/deeds.ts';
import { Gate } from './kills/gate.ts';
import { makeContainers, Striker, type Play } from './kills/strike.ts';
import { requireSilentAudit } from './kills/truth.ts';

const { signal: never } = new AbortController();

/** In this process, but nothing of it goes on once the gate has stopped it. */
const play: Play = async ({ s, request }, blow) => {
  const gate = new Gate(blow);
  const settings = settingsFor(s.client);
  assert.ok(settings.state.kind === 'connectionString');
  const storage = gate.storage(settings.state.connectionString.reveal());
  const sleep: typeof clock.sleep = (ms, signal) => (gate.stopped ? gate.never() : clock.sleep(ms, signal));
  const platform = {
    ...platformFor({ httpClient: gate }),
    storage: () => storage,
    audit: () => createAudit(storage.container(auditContainer), clock, randomUUID),
    clock: { ...clock, sleep },
  };
  const rotation = createRotation(settings, platform);
  const keep = (text: string): void => void s.lines.push({ level: 'info', text });
  const log = createLog({ info: keep, warn: keep, error: keep });
  const frame = { requestId: randomUUID(), budgetMs: 240_000, clock, shutdown: never };
  const ended = withinBudget(frame, (run) => rotation.run(request, { log, run, actor: 'key' }));
  const { requests, effects } = gate;
  return { requests, effects, struck: (await Promise.race([gate.struck, ended])) === 'struck' };
};

await makeContainers();

describe('struck before and after each of its requests, whatever was begun comes to rest:', () => {
  const scenes: Scene[] = [];
  for (const [name, prepare] of Object.entries(deeds)) {
    test(name, async (t) => {
      const striker = new Striker(prepare, play);
      const { requests } = await striker.strike();
      assert.ok(requests.length > 8, requests.join());
      for (let at = 1; at <= requests.length; at += 1) {
        for (const fate of ['before', 'after'] as const) await striker.strike({ at, fate });
      }
      scenes.push(...striker.scenes);
      t.diagnostic(`${String(2 * requests.length)} blows, ${String(striker.rested.size)} states left behind`);
    });
  }
  test('and no secret shows in the records of who asked for what', () => requireSilentAudit(scenes));
});
