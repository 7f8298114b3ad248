// Asks the stand-ins' admin endpoint: signs users in, scripts faults, and reads what exists and what was asked.
import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { demo } from '../local/demo.ts';
import { serviceNames, type ServiceName } from '../local/standIns/kit.ts';
import { eachAtOnce } from '../src/platform/concurrency.ts';
import { rowKeyOf } from '../src/communication/subject.ts';
import { mostWithin } from './statistics.ts';

export interface User {
  readonly bearer: string;
  /** Of the user's row in the directory. */
  readonly rowKey: string;
}

const signaturesAtOnce = 16;

async function ask(faults: string, path: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const reply = await fetch(faults + path, init);
  if (!reply.ok) throw new Error(`${path}: the stand-ins answered ${reply.status} ${await reply.text()}`);
  return reply.json();
}

export async function addFault(faults: string, rule: unknown): Promise<void> {
  await ask(faults, '/faults', rule);
}

/** Users whom nobody has seen yet, each with a bearer of their own, valid for an hour. */
export function signIn(faults: string, count: number): Promise<readonly User[]> {
  const oids = Array.from({ length: count }, () => randomUUID());
  return eachAtOnce(oids, signaturesAtOnce, async (oid) => {
    const signed = await ask(faults, '/tokens', { claims: { oid, sub: oid } });
    const { token: bearer } = z.object({ token: z.string() }).parse(signed);
    return { bearer, rowKey: rowKeyOf({ key: `entra.${demo.tenantId}.${oid}` }) };
  });
}

const identity = z.object({ id: z.string(), deletedAt: z.optional(z.string()) });
const state = z.object({ communication: z.object({ identities: z.array(identity) }) });

/** The identities of ACS that are not deleted. */
export async function livingIdentities(faults: string): Promise<readonly string[]> {
  const { communication } = state.parse(await ask(faults, '/state'));
  return communication.identities.flatMap(({ id, deletedAt }) => (deletedAt === undefined ? [id] : []));
}

const logged = z.array(
  z.object({
    ...{ number: z.int(), time: z.string(), service: z.enum(serviceNames) },
    ...{ path: z.string(), method: z.string(), status: z.int() },
  }),
);
export type Logged = z.infer<typeof logged>[number];

/** What was asked after the request of that number, of one stand-in or of all; the log keeps the newest 10,000 only. */
export async function requestsSince(
  faults: string,
  since: number,
  service?: ServiceName,
): Promise<readonly Logged[]> {
  return logged.parse(await ask(faults, `/requests?service=${service ?? ''}&since=${since}`));
}

const acsWindowMs = 30_000;

/** What ACS was asked. Read it every few seconds: the log keeps the newest 10,000 requests only. */
export class Wire {
  readonly #faults: string;
  readonly #seen = new Map<number, Logged>();
  #since = 0;

  constructor(faults: string) {
    this.#faults = faults;
  }

  async read(): Promise<void> {
    const news = await requestsSince(this.#faults, this.#since, 'communication');
    for (const entry of news) this.#seen.set(entry.number, entry);
    // One under way, with status 0, is asked for again.
    const open = news.find(({ status }) => status === 0);
    this.#since = open ? open.number - 1 : (news.at(-1)?.number ?? this.#since);
  }

  /** Requests that ACS refused as too many. */
  get throttled(): number {
    return [...this.#seen.values()].filter(({ status }) => status === 429).length;
  }

  /** The most requests of that kind within 30 seconds, refused ones included, as ACS counts. */
  most(kind: 'create' | 'issue'): number {
    const path = kind === 'create' ? /^\/identities$/ : /:issueAccessToken$/;
    const times = [...this.#seen.values()]
      .filter((entry) => entry.method === 'POST' && path.test(entry.path))
      .map(({ time }) => Date.parse(time));
    return mostWithin(times, acsWindowMs);
  }
}
