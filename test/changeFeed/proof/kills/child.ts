// A process that pulls once on its real clients: told everything by its parent, which ends it.
import { randomUUID } from 'node:crypto';
import { createChangeFeed } from '../../../../src/changeFeed/changeFeed.ts';
import { createAudit } from '../../../../src/platform/audit.ts';
import { systemClock } from '../../../../src/platform/clock.ts';
import { createLog } from '../../../../src/platform/log.ts';
import { auditContainer } from '../../../../src/platform/platform.ts';
import { withinBudget } from '../../../../src/platform/run.ts';
import { Secret } from '../../../../src/platform/secret.ts';
import type { ChangeFeedSettings } from '../../../../src/platform/settings/types.ts';
import { createStorage } from '../../../../src/platform/storage.ts';

export interface Orders {
  /** Where everything is but the secrets, which do not travel as they are. */
  readonly settings: Omit<ChangeFeedSettings, 'state' | 'deliveries' | 'webhook'>;
  readonly storage: string;
  readonly webhookUrl: string;
  readonly token: string;
}

async function work({ settings, storage: text, webhookUrl, token }: Orders): Promise<void> {
  const account = { kind: 'connectionString', connectionString: new Secret(text) } as const;
  const webhook = { url: new Secret(webhookUrl), mode: 'structured', auth: { kind: 'none' } } as const;
  const storage = createStorage(account, () => {
    throw new Error('a connection string needs no credential');
  });
  const clock = systemClock;
  const feed = createChangeFeed(
    { ...settings, webhook, state: account, deliveries: account },
    {
      ...{ clock, random: () => 0.5, uuid: randomUUID, storage: () => storage },
      credential: () => ({ getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) }),
      audit: () => createAudit(storage.container(auditContainer), clock, randomUUID),
    },
  );
  const silent = (): void => undefined;
  const log = createLog({ info: silent, warn: silent, error: silent });
  const frame = { requestId: 'child', budgetMs: 60_000, clock, shutdown: new AbortController().signal };
  const summary = await withinBudget(frame, (run) => feed.pull({ log, run }));
  process.send?.(summary);
}

process.once('message', (orders) => void work(orders as Orders));
process.send?.('ready');
