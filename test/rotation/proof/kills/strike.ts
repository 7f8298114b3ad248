// What is looked at when a run has been struck: the rules at once, and once for each state that it can leave behind, its end.
import assert from 'node:assert/strict';
import { leasePath } from '../../../../src/rotation/stateDocument.ts';
import { healthy, works, type Scene } from '../../scene.ts';
import { cloud, hourMs, stateBlob } from '../../tenant.ts';
import type { Prepared } from './deeds.ts';
import type { Blow } from './gate.ts';
import { requireRest, requireRules } from './truth.ts';

const restMs = [61 * 60_000, 11 * 60_000, 3 * hourMs, 168 * hourMs, 3 * hourMs];
/** How a run went on, or ended. */
export interface Traces {
  readonly requests: readonly string[];
  /** Those that changed something. */
  readonly effects: readonly string[];
  readonly struck: boolean;
}

export type Play = (prepared: Prepared, blow: Blow | undefined) => Promise<Traces>;

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

/** Strikes the same run in new surroundings each time. */
export class Striker {
  readonly scenes: Scene[] = [];
  /** By what the run had changed when it was struck: what comes later depends on that alone, so each comes to rest once. */
  readonly rested = new Set<string>();
  readonly #prepare: () => Promise<Prepared>;
  readonly #play: Play;

  constructor(prepare: () => Promise<Prepared>, play: Play) {
    this.#prepare = prepare;
    this.#play = play;
  }

  async strike(blow?: Blow): Promise<Traces> {
    const prepared = await this.#prepare();
    const { s, request } = prepared;
    this.scenes.push(s);
    const foreign = s.application.passwordCredentials
      .filter(({ displayName }) => /^(somebody|named)/.test(displayName ?? ''))
      .map(({ keyId }) => keyId)
      .filter((keyId) => keyId !== request.revoke);
    const served = works(s, await s.value().catch(() => ''));
    const traces = await this.#play(prepared, blow);
    const told = `${JSON.stringify(blow)} of ${traces.requests.join(', ')}`;
    assert.equal(traces.struck, blow !== undefined, told);
    const mints = traces.requests.filter((name) => name.endsWith('addPassword'));
    assert.ok(mints.length <= 1, 'one mint a run');
    await requireRules(s, foreign, served);
    await endLease(s);
    const left = traces.effects.join();
    if (!this.rested.has(left)) await rest(s, foreign);
    this.rested.add(left);
    return traces;
  }
}

/** The containers are there then. */
export async function makeContainers(): Promise<void> {
  await (await healthy()).s.run({ force: true, reason: 'drill' });
}
