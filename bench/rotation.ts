// The benchmark `rotation`: many service clients in one run, all due and none due, and how often Azure is asked for each.
import * as z from 'zod/mini';
import { eachAtOnce } from '../src/platform/concurrency.ts';
import { systemClock } from '../src/platform/clock.ts';
import { httpRunBudgetMs, rotationBudgetMs, rotationParallelClients } from '../src/platform/limits.ts';
import type { Outcome } from '../src/rotation/report.ts';
import type { Benchmark, BenchmarkOptions, Figure, Section } from './report.ts';
import { counts, kindOf, kinds } from './rotationWire.ts';
import { serviceClientSettings } from './serviceClients.ts';
import { addFault, requestsSince, type Logged } from './standIns.ts';
import { median } from './statistics.ts';
import { openTestbed, type Testbed } from './testbed.ts';

const latencyMs = 100;
const noopSeconds = 60;
const requestsPerClient = 4;
const lookEveryMs = 250;

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

export function openRotationTestbed(clients: number): Promise<Testbed> {
  return openTestbed({
    ...serviceClientSettings(clients),
    // The benchmark alone starts it.
    AzureWebJobs_rotateSecrets_Disabled: 'false',
    ROTATION_SCHEDULE: '0 0 0 1 1 *',
  });
}

export async function measureRotation(
  testbed: Testbed,
  options: BenchmarkOptions,
): Promise<readonly Section[]> {
  const { faults } = testbed;
  await eachAtOnce(['managedIdentity', 'entra', 'graph', 'keyVault'], 1, (service) =>
    addFault(faults, { service, effect: { delayMs: latencyMs } }),
  );
  const due = await watched(testbed, options, runTimer);
  const before = (await requestsSince(faults, 0)).at(-1)?.number ?? 0;
  const noop = await watched(testbed, options, runOverHttp);
  const asked = await requestsSince(faults, before);
  const title = `${options.clients} service clients, ${rotationParallelClients} at a time, Azure but for its storage answering after ${latencyMs} ms`;
  return [
    { title: `${title}: all due`, figures: dueFigures(due) },
    {
      title: `${title}: nothing to do`,
      figures: [...noopFigures(noop), ...wireFigures(asked, options.clients)],
    },
  ];
}

const reportsShape = z.object({
  clients: z.array(z.object({ outcome: z.string(), durations: z.record(z.string(), z.number()) })),
});
type Reports = z.infer<typeof reportsShape>['clients'];

interface Course {
  readonly reports: Reports;
  readonly seconds: number;
  /** MiB; `null` where the system does not tell. */
  readonly memory: Readonly<Record<'before' | 'peak' | 'after', number | null>>;
}

/** Looks on while `work` goes on: how many clients are done, and how much memory the host takes. */
async function watched(
  testbed: Testbed,
  { clients, progress }: BenchmarkOptions,
  work: (testbed: Testbed) => Promise<Reports>,
): Promise<Course> {
  const { monotonic, sleep } = systemClock;
  const before = testbed.memory();
  const doneBefore = testbed.logged(clientLine);
  const seen = [before];
  const over = new AbortController();
  const look = async (): Promise<void> => {
    while (!over.signal.aborted) {
      seen.push(testbed.memory());
      const seconds = Math.round((monotonic() - begun) / 1000);
      progress(`${testbed.logged(clientLine) - doneBefore} of ${clients} clients done after ${seconds} s …`);
      await sleep(lookEveryMs, over.signal).catch(() => undefined);
    }
  };
  const begun = monotonic();
  const looking = look();
  try {
    const reports = await work(testbed);
    const seconds = (monotonic() - begun) / 1000;
    const after = testbed.memory();
    const known = [...seen, after].flatMap((one) => one ?? []);
    return { reports, seconds, memory: { before, peak: known.length ? Math.max(...known) : null, after } };
  } finally {
    over.abort();
    await looking;
  }
}

const clientLine = '"event":"rotation_client"';
const runLine = '"event":"rotation_run"';

/** The timer's run: its budget is the longest there is. */
async function runTimer(testbed: Testbed): Promise<Reports> {
  const { host, keys, logged } = testbed;
  const runs = logged(runLine);
  const until = systemClock.monotonic() + rotationBudgetMs + 60_000;
  const started = await fetch(`${host}/admin/functions/rotateSecrets`, {
    method: 'POST',
    headers: { 'x-functions-key': keys.master, 'content-type': 'application/json' },
    body: '{}',
  });
  if (started.status !== 202) throw new Error(`The timer was not started: ${started.status}.`);
  while (logged(runLine) === runs) {
    if (systemClock.monotonic() > until) throw new Error('The run has not ended in its time.');
    await systemClock.sleep(lookEveryMs);
  }
  return call(testbed, {});
}

/** The run that an operator asks for, as its answer tells of it. */
function runOverHttp(testbed: Testbed): Promise<Reports> {
  const json = { 'content-type': 'application/json' };
  return call(testbed, { method: 'POST', body: '{}' }, json);
}

async function call(
  { host, keys }: Testbed,
  init: { readonly method?: string; readonly body?: string },
  headers: Readonly<Record<string, string>> = {},
): Promise<Reports> {
  const reply = await fetch(`${host}/api/rotations`, {
    ...init,
    headers: { ...headers, 'x-functions-key': keys.function },
    signal: AbortSignal.timeout(httpRunBudgetMs + 30_000),
  });
  if (!reply.ok) throw new Error(`The rotation answered ${reply.status}.`);
  return reportsShape.parse(await reply.json()).clients;
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

/** Requests per client by what they ask for; the ones that come with a process are told as they are. */
export function wireFigures(asked: readonly Logged[], clients: number): readonly Figure[] {
  const byKind = Map.groupBy(asked, kindOf);
  const number = (kind: (typeof kinds)[number]): number => byKind.get(kind)?.length ?? 0;
  const counted = asked.filter((one) => counts(kindOf(one))).length;
  return [
    ...kinds.map((kind) =>
      counts(kind)
        ? { name: kind, text: `${kind}: requests per client`, value: number(kind) / clients }
        : { name: kind, text: `${kind}: requests in all`, value: number(kind) },
    ),
    { name: 'requests', text: 'requests per client', value: counted / clients, atMost: requestsPerClient },
  ];
}
