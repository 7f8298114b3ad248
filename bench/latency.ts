// How much slower a warm call for a token is than the SDK alone, against the same ACS.
import { CommunicationIdentityClient, type TokenScope } from '@azure/communication-identity';
import { ManagedIdentityCredential } from '@azure/identity';
import { Agent } from 'node:http';
import { askForToken, identityIn } from './http.ts';
import type { BenchmarkOptions, Section } from './report.ts';
import { addFault } from './standIns.ts';
import { median, percentile } from './statistics.ts';
import type { Testbed } from './testbed.ts';

const acsLatencyMs = 20;
/** Pairs before the ones that count: with 40, V8 was still compiling what they call (measured). */
const warmUp = 180;

export interface Calls {
  readonly app: () => Promise<unknown>;
  readonly sdk: () => Promise<unknown>;
}

/** Durations in milliseconds, one per pair. */
export type Durations = Readonly<Record<keyof Calls, readonly number[]>>;

/** One after the other, never at once, and each side first in every second pair. */
export async function measurePairs(calls: Calls, pairs: number, now: () => number): Promise<Durations> {
  const durations: Record<keyof Calls, number[]> = { app: [], sdk: [] };
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const side of pair % 2 === 0 ? (['app', 'sdk'] as const) : (['sdk', 'app'] as const)) {
      const begun = now();
      await calls[side]();
      durations[side].push(now() - begun);
    }
  }
  return durations;
}

export function latencyFigures({ app, sdk }: Durations): Section['figures'] {
  const unit = 'ms';
  return [
    { name: 'sdkMedian', text: 'SDK alone, median', value: median(sdk), unit },
    { name: 'sdkP95', text: 'SDK alone, 95th percentile', value: percentile(sdk, 0.95), unit },
    { name: 'appMedian', text: 'POST /api/tokens, median', value: median(app), unit },
    { name: 'appP95', text: 'POST /api/tokens, 95th percentile', value: percentile(app, 0.95), unit },
    { name: 'ratio', text: 'ratio of the medians', value: median(app) / median(sdk), atMost: 1.25 },
  ];
}

export async function latency(testbed: Testbed, { pairs, progress }: BenchmarkOptions): Promise<Section> {
  progress(`${pairs} pairs of calls …`);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const calls = await callsOf(testbed, agent);
    await addFault(testbed.faults, {
      service: 'communication',
      path: ':issueAccessToken$',
      effect: { delayMs: acsLatencyMs },
    });
    const now = (): number => performance.now();
    await measurePairs(calls, Math.min(warmUp, pairs), now);
    const figures = latencyFigures(await measurePairs(calls, pairs, now));
    const memory = { name: 'memory', text: 'memory of the host', value: testbed.memory(), unit: 'MiB' };
    const title = `A warm call and the SDK alone, ${pairs} times in turn, ACS answering after ${acsLatencyMs} ms`;
    return { title, figures: [...figures, memory] };
  } finally {
    agent.destroy();
  }
}

/** The SDK asks what the app asks: for the same user, scopes and lifetime, signed in as the same managed identity. */
async function callsOf({ host, bearer, environment }: Testbed, agent: Agent): Promise<Calls> {
  const app = async (): Promise<string> => identityIn(await askForToken(host, bearer, agent));
  const user = { communicationUserId: await app() };
  const endpoint = environment['COMMUNICATION_SERVICES_ENDPOINT'] ?? '';
  const client = new CommunicationIdentityClient(endpoint, new ManagedIdentityCredential());
  const scopes = (environment['TOKEN_SCOPES'] ?? '').split(',') as TokenScope[];
  const tokenExpiresInMinutes = Number(environment['TOKEN_MINUTES_DEFAULT']);
  return { app, sdk: () => client.getToken(user, scopes, { tokenExpiresInMinutes }) };
}
