// One run of the real rotation in a process of its own, over the doors of a proof.
import { acquireLease, type Lease } from '../../../src/platform/lease.ts';
import { rotationBudgetMs } from '../../../src/platform/limits.ts';
import { createLog } from '../../../src/platform/log.ts';
import { withinBudget, type Run } from '../../../src/platform/run.ts';
import type { Clock } from '../../../src/platform/clock.ts';
import { leasePath } from '../../../src/rotation/stateDocument.ts';
import type { RotationReport } from '../../../src/rotation/report.ts';
import { containerOf } from './blobs.ts';
import { applicationsOf, probeOf, vaultOf, type Place } from './doors.ts';
import type { Actor } from './stage.ts';
import { client } from './world.ts';

const { signal: never } = new AbortController();

export function clockOf({ stage }: Place, actor: Actor): Clock {
  return {
    now: () => stage.now() + actor.offsetMs,
    monotonic: stage.now,
    sleep: (ms, signal) => stage.sleep(actor, ms, signal),
  };
}

/** As the facade does it: lease, run, release. Answers the report, or why there is none. */
export async function runProcess(place: Place, actor: Actor): Promise<RotationReport | 'busy' | 'failed'> {
  const clock = clockOf(place, actor);
  const frame = { requestId: 'request-1', budgetMs: rotationBudgetMs, clock, shutdown: never };
  return withinBudget(frame, async (run) => {
    const path = leasePath(client.appId);
    const container = containerOf(place, actor);
    let lease: Lease | undefined;
    try {
      lease = await acquireLease(container, path, clock, { makeAbsent: true });
    } catch {
      return 'failed';
    }
    if (!lease) return 'busy';
    try {
      return await runUnder(place, actor, lease, run);
    } finally {
      await lease.release();
    }
  });
}

export async function runUnder(place: Place, actor: Actor, lease: Lease, run: Run): Promise<RotationReport> {
  const { judge, source } = place;
  const line = (text: string): void => {
    judge.noSecret(text);
  };
  const report = await source.runClient({
    services: {
      clock: clockOf(place, actor),
      uuid: () => actor.uuid(),
      applications: applicationsOf(place, actor),
      vault: vaultOf(place, actor),
      probe: probeOf(place, actor),
    },
    container: containerOf(place, actor),
    target: actor.vault.target,
    ...{ lease, run, log: createLog({ info: line, warn: line, error: line }), request: actor.wanted },
  });
  judge.noSecret(JSON.stringify(report));
  return report;
}
