// A real process that rotates is ended by SIGKILL before and after the requests that matter; later runs put everything right.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { demo } from '../../../local/demo.ts';
import { bundleProgram } from '../../support/doors.ts';
import { cloud, settingsFor } from '../tenant.ts';
import { deeds } from './kills/deeds.ts';
import { Lane } from './kills/lane.ts';
import { makeContainers, Striker, type Play } from './kills/strike.ts';
import { requireSilentAudit } from './kills/truth.ts';

/** `KILLS=all`: every run at every request; else the one that is due, at those that can change something. */
const everything = process.env['KILLS'] === 'all';

const folder = mkdtempSync(join(tmpdir(), 'telehealth-rotation-'));
after(() => {
  rmSync(folder, { recursive: true });
});
const program = join(folder, 'child.cjs');
await bundleProgram(new URL('kills/child.ts', import.meta.url), program);
await makeContainers();

const { graph = '', keyVault = '', entra = '' } = cloud.urls;

const play: Play = async ({ s, request }, blow) => {
  const { vaultUrl, graphEndpoint, authorityHost, state } = settingsFor(s.client);
  assert.ok(state.kind === 'connectionString');
  const pass = (ms: number): number => {
    cloud.advance(ms);
    return cloud.now();
  };
  const hear = (text: string): void => void s.lines.push({ level: 'info', text });
  const lane = new Lane({ program, urls: { graph, keyVault, entra }, pass, hear }, blow);
  await lane.run({
    ...{ client: s.client, settings: { vaultUrl, graphEndpoint, authorityHost }, request, now: cloud.now() },
    storage: state.connectionString.reveal(),
    tokens: {
      graph: await cloud.tokenFor(demo.managedIdentity, 'https://graph.microsoft.com'),
      vault: await cloud.tokenFor(demo.managedIdentity, 'https://vault.azure.net'),
    },
  });
  return { requests: lane.requests, effects: lane.effects, struck: lane.killed };
};

const matters = (request: string): boolean => !/^GET|token$/.test(request);

describe('a process that is killed leaves nothing that later runs do not put right:', () => {
  for (const [name, prepare] of Object.entries(deeds)) {
    if (!everything && name !== 'a rotation that is due') continue;
    test(name, { timeout: 1_200_000 }, async (t) => {
      const striker = new Striker(prepare, play);
      const { requests } = await striker.strike();
      const points = requests.flatMap((request, n) => (everything || matters(request) ? [n + 1] : []));
      assert.ok(points.length >= 8, requests.join());
      for (const at of points) {
        for (const fate of ['before', 'after'] as const) await striker.strike({ at, fate });
      }
      await requireSilentAudit(striker.scenes);
      t.diagnostic(`${String(2 * points.length)} kills, ${String(striker.rested.size)} states left behind`);
    });
  }
});
