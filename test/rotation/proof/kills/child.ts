// A process that runs one rotation on its real clients: told everything by its parent, whose time it shares.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createAudit } from '../../../../src/platform/audit.ts';
import type { Clock } from '../../../../src/platform/clock.ts';
import { leaseRenewMs } from '../../../../src/platform/limits.ts';
import { createLog } from '../../../../src/platform/log.ts';
import { auditContainer, type Platform } from '../../../../src/platform/platform.ts';
import { withinBudget } from '../../../../src/platform/run.ts';
import { Secret } from '../../../../src/platform/secret.ts';
import { createStorage } from '../../../../src/platform/storage.ts';
import { createRotation } from '../../../../src/rotation/rotation.ts';
import type { FromChild, Orders, Time } from './lane.ts';

const tell = (word: FromChild): unknown => process.send?.(word);

let time = 0;
const clock: Clock = {
  now: () => time,
  monotonic: () => time,
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    if (ms < leaseRenewMs) {
      tell({ kind: 'waits', ms });
      const [answer] = (await once(process, 'message')) as [Time];
      time = answer.now;
    } else if (signal) await once(signal, 'abort');
    signal?.throwIfAborted();
  },
};

function platformOf({ storage, tokens }: Orders): Platform {
  const state = { kind: 'connectionString', connectionString: new Secret(storage) } as const;
  const made = createStorage(state, () => {
    throw new Error('a connection string needs no credential');
  });
  return {
    ...{ clock, random: () => 0.5, uuid: randomUUID, storage: () => made },
    credential: () => ({
      async getToken(scopes) {
        const token = String(scopes).includes('vault') ? tokens.vault : tokens.graph;
        return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    }),
    audit: () => createAudit(made.container(auditContainer), clock, randomUUID),
  };
}

async function work(orders: Orders): Promise<void> {
  time = orders.now;
  const connectionString = new Secret(orders.storage);
  const settings = {
    ...orders.settings,
    clients: [orders.client],
    operatorRole: 'none',
    state: { kind: 'connectionString', connectionString },
    credential: { managedIdentity: true },
  } as const;
  const line = (text: string): unknown => tell({ kind: 'line', text });
  const log = createLog({ info: line, warn: line, error: line });
  const { signal } = new AbortController();
  const frame = { requestId: randomUUID(), budgetMs: 240_000, clock, shutdown: signal };
  await withinBudget(frame, (run) =>
    createRotation(settings, platformOf(orders)).run(orders.request, { log, run, actor: 'key' }),
  );
  tell({ kind: 'ends' });
}

process.once('message', (orders) => void work(orders as Orders));
tell({ kind: 'listens' });
