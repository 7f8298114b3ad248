// The benchmark `rotation`: many service clients in one run, all due and none due, and how often Azure is asked for each.
import { eachAtOnce } from '../src/platform/concurrency.ts';
import { rotationParallelClients } from '../src/platform/limits.ts';
import type { Outcome } from '../src/rotation/report.ts';
import type { Benchmark, BenchmarkOptions, Figure, Section } from './report.ts';
import { runOverHttp, runTimer, watched, type Course, type Reports } from './rotationRuns.ts';
import { perClient, wireFigures } from './rotationWire.ts';
import { serviceClientSettings } from './serviceClients.ts';
import { openSlowStorage, type SlowStorage } from './slowStorage.ts';
import { addFault, requestsSince, type Logged } from './standIns.ts';
import { median } from './statistics.ts';
import { openTestbed, type Testbed } from './testbed.ts';

const latencyMs = 100;
const noopSeconds = 60;

export const rotation: Benchmark = {
  name: 'rotation',
  measures: 'one run of the rotation for many service clients: all of them due, then none',
  async run(options) {
    options.progress('starting storage, stand-ins and the host …');
    const testbed = await openRotationTestbed(options.clients);
    try {
      return await measureRotation(testbed, options);
    } finally {
      await testbed.close();
    }
  },
};

interface RotationTestbed extends Testbed {
  readonly stored: SlowStorage['requests'];
}

/** Storage takes as long as everything else in Azure. */
export async function openRotationTestbed(clients: number): Promise<RotationTestbed> {
  const settings = {
    ...serviceClientSettings(clients),
    // The benchmark alone starts it.
    AzureWebJobs_rotateSecrets_Disabled: 'false',
    ROTATION_SCHEDULE: '0 0 0 1 1 *',
  };
  const between: SlowStorage[] = [];
  const testbed = await openTestbed(settings, async (connection) => {
    const storage = await openSlowStorage(connection, latencyMs);
    between.push(storage);
    return storage.connection;
  });
  const [storage] = between;
  if (!storage) throw new Error('The testbed took no detour.');
  return {
    ...testbed,
    stored: storage.requests,
    async close() {
      await testbed.close();
      await storage.close();
    },
  };
}

export async function measureRotation(
  testbed: RotationTestbed,
  options: BenchmarkOptions,
): Promise<readonly Section[]> {
  const { faults, stored } = testbed;
  const { clients } = options;
  await eachAtOnce(['managedIdentity', 'entra', 'graph', 'keyVault'], 1, (service) =>
    addFault(faults, { service, effect: { delayMs: latencyMs } }),
  );
  const seeded = lastOf(await requestsSince(faults, 0));
  const due = await watched(testbed, options, runTimer);
  const askedDue = await requestsSince(faults, seeded);
  const before = stored();
  const noop = await watched(testbed, options, runOverHttp);
  const after = stored();
  const asked = await requestsSince(faults, lastOf(askedDue));
  const title = `${clients} service clients, ${rotationParallelClients} at a time, Azure answering after ${latencyMs} ms`;
  const kept = { lease: after.lease - before.lease, state: after.state - before.state };
  return [
    { title: `${title}: all due`, figures: [...dueFigures(due), perClient(askedDue, clients)] },
    {
      title: `${title}: nothing to do`,
      figures: [...noopFigures(noop), ...wireFigures(asked, kept, clients)],
    },
  ];
}

function lastOf(asked: readonly Logged[]): number {
  return asked.at(-1)?.number ?? 0;
}

function dueFigures({ reports, seconds, memory }: Course): readonly Figure[] {
  const each = reports.map(({ durations }) => (durations['total'] ?? 0) / 1000);
  return [
    { name: 'seconds', text: 'one run', value: seconds, unit: 's' },
    { name: 'clientMedian', text: 'one client in it, median', value: median(each), unit: 's' },
    { name: 'rotated', text: 'clients with a new secret', value: count(reports, 'rotated') },
    { name: 'others', text: 'clients without', value: others(reports, 'rotated'), atMost: 0 },
    ...memoryFigures(memory),
  ];
}

function noopFigures({ reports, seconds, memory }: Course): readonly Figure[] {
  return [
    { name: 'seconds', text: 'one run', value: seconds, unit: 's', atMost: noopSeconds },
    { name: 'others', text: 'clients with something to do', value: others(reports, 'noop'), atMost: 0 },
    ...memoryFigures(memory),
  ];
}

function count(reports: Reports, outcome: Outcome): number {
  return reports.filter((report) => report.outcome === outcome).length;
}

function others(reports: Reports, outcome: Outcome): number {
  return reports.length - count(reports, outcome);
}

function memoryFigures({ before, peak, after }: Course['memory']): readonly Figure[] {
  const unit = 'MiB';
  return [
    { name: 'memoryBefore', text: 'memory of the host before', value: before, unit },
    { name: 'memoryPeak', text: 'memory of the host, most seen', value: peak, unit },
    { name: 'memoryAfter', text: 'memory of the host after', value: after, unit },
  ];
}
