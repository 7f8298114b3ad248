// Many new users at once, against what ACS takes: 1000 creations and 1000 tokens in 30 seconds.
import { Agent } from 'node:http';
import { acsWindowMs, acsRequestsPerWindow } from '../src/platform/limits.ts';
import { systemClock } from '../src/platform/clock.ts';
import { readRows, takeCensus, type Census } from './census.ts';
import { persist, type Crowd, type Ending, type Tally } from './clients.ts';
import { askForToken } from './http.ts';
import type { BenchmarkOptions, Figure, Section } from './report.ts';
import { livingIdentities, signIn, Wire, type User } from './standIns.ts';
import type { Testbed } from './testbed.ts';

/** Azure docs: what an instance of the Consumption plan takes at once (`maxConcurrentRequests`); the rest waits outside. */
const sockets = 100;
const lookEveryMs = 2_000;
const unit = 's';

interface Course {
  readonly tally: Tally;
  readonly endings: readonly Ending[];
  /** By the monotonic clock. */
  readonly begun: number;
}

export async function burst(testbed: Testbed, { users, progress }: BenchmarkOptions): Promise<Section> {
  progress(`signing in ${users} users …`);
  const crowd = await signIn(testbed.faults, users);
  const wire = new Wire(testbed.faults);
  const { course, memory } = await watched(testbed, crowd, wire, progress);
  const served = new Map(
    course.endings.flatMap((ending, index) =>
      ending.kind === 'served' ? [[crowd[index]?.rowKey ?? '', ending.identity] as const] : [],
    ),
  );
  const rows = await readRows(testbed.storage);
  const census = takeCensus(served, rows, await livingIdentities(testbed.faults));
  return {
    title: `${users} new users at once over ${sockets} connections, waiting as Retry-After says`,
    figures: [
      ...courseFigures(course),
      ...guarantees(course, census, testbed.logged('possible_orphan')),
      { name: 'acsThrottled', text: 'requests that ACS refused as too many', value: wire.throttled },
      { name: 'acsCreates', text: 'most creations within 30 s', value: wire.most('create') },
      { name: 'acsIssues', text: 'most tokens asked for within 30 s', value: wire.most('issue') },
      { name: 'memoryPeak', text: 'memory of the host, most seen', value: memory, unit: 'MiB' },
      { name: 'memory', text: 'memory of the host at the end', value: testbed.memory(), unit: 'MiB' },
    ],
  };
}

/** Lets them all come, and looks on: how many are served, what ACS was asked, how much memory the host takes. */
async function watched(
  testbed: Testbed,
  users: readonly User[],
  wire: Wire,
  progress: (text: string) => void,
): Promise<{ course: Course; memory: number | null }> {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets });
  const { monotonic, sleep } = systemClock;
  const begun = monotonic();
  const crowd: Crowd = {
    ask: (bearer) => askForToken(testbed.host, bearer, agent),
    clock: systemClock,
    random: Math.random,
    until: begun + patienceMs(users.length),
  };
  const tally: Tally = new Map();
  const over = new AbortController();
  const all = Promise.all(users.map(({ bearer }) => persist(bearer, crowd, tally))).finally(() => {
    over.abort();
  });
  // It is waited for below; a rejection until then must not end the process with everything still open.
  all.catch(() => undefined);
  const memory: number[] = [];
  const look = async (): Promise<void> => {
    await wire.read();
    memory.push(testbed.memory() ?? 0);
    const seconds = Math.round((monotonic() - begun) / 1000);
    progress(`${tally.get(200) ?? 0} of ${users.length} users served after ${seconds} s …`);
  };
  while (!over.signal.aborted) {
    await look();
    await sleep(lookEveryMs, over.signal).catch(() => undefined);
  }
  const endings = await all;
  await look();
  agent.destroy();
  return { course: { tally, endings, begun }, memory: Math.max(...memory) || null };
}

/** Twice the windows that ACS's limits make necessary, and two more. */
function patienceMs(users: number): number {
  return (2 * Math.ceil(users / acsRequestsPerWindow.create) + 2) * acsWindowMs;
}

/** How it went: who was served when, and what everybody was answered. */
function courseFigures({ tally, endings, begun }: Course): readonly Figure[] {
  const times = endings.flatMap((ending) => (ending.kind === 'served' ? [ending.at - begun] : []));
  const windows = Map.groupBy(times, (time) => Math.floor(time / acsWindowMs));
  const last = times.reduce((latest, time) => Math.max(latest, time), 0);
  return [
    ...[...windows]
      .toSorted(([left], [right]) => left - right)
      .map(([window, { length: value }]) => {
        const from = (window * acsWindowMs) / 1000;
        return { name: `servedFrom${from}`, text: `served from ${from} s on`, value };
      }),
    { name: 'served', text: 'served in all', value: times.length },
    { name: 'lastServed', text: 'until the last was served', value: last / 1000, unit },
    ...[...tally]
      .toSorted(([left], [right]) => left - right)
      .map(([status, value]) => ({
        name: `answers${status}`,
        text: status === 0 ? 'calls without an answer' : `answers ${status}`,
        value,
      })),
  ];
}

/** What must hold: everybody is served or knows when to come back, and each identity is exactly one user's. */
function guarantees(
  { endings }: Course,
  { orphans, duplicates }: Census,
  possibleOrphans: number,
): readonly Figure[] {
  const count = (kind: Ending['kind']): number => endings.filter((ending) => ending.kind === kind).length;
  const none = { atMost: 0 };
  return [
    { name: 'waiting', text: 'not served, but told when to come back', value: count('waiting') },
    { name: 'lost', text: 'neither served nor told when to come back', value: count('lost'), ...none },
    { name: 'duplicates', text: 'users without exactly one identity', value: duplicates, ...none },
    { name: 'orphans', text: 'identities that no row names', value: orphans, ...none },
    { name: 'possibleOrphans', text: 'possible orphans in the log', value: possibleOrphans, ...none },
  ];
}
