// Lets the host run the rotation, by its timer and over HTTP, and looks on meanwhile.
import * as z from 'zod/mini';
import { systemClock } from '../src/platform/clock.ts';
import { httpRunBudgetMs, rotationBudgetMs } from '../src/platform/limits.ts';
import type { BenchmarkOptions } from './report.ts';
import type { Testbed } from './testbed.ts';

const lookEveryMs = 250;

const reportsShape = z.object({
  clients: z.array(z.object({ outcome: z.string(), durations: z.record(z.string(), z.number()) })),
});
export type Reports = z.infer<typeof reportsShape>['clients'];

export interface Course {
  readonly reports: Reports;
  readonly seconds: number;
  /** MiB; `null` where the system does not tell. */
  readonly memory: Readonly<Record<'before' | 'peak' | 'after', number | null>>;
}

/** Looks on while `work` goes on: how many clients are done, and how much memory the host takes. */
export async function watched(
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
export async function runTimer(testbed: Testbed): Promise<Reports> {
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
export function runOverHttp(testbed: Testbed): Promise<Reports> {
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
