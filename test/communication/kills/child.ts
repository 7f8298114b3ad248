// One process of the token service on its real clients: does one thing for one user, tells how it ended, and may be killed meanwhile.
import { randomUUID } from 'node:crypto';
import { createCommunication, type Communication } from '../../../src/communication/communication.ts';
import { createAudit } from '../../../src/platform/audit.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { isAppError } from '../../../src/platform/errors.ts';
import { createLog } from '../../../src/platform/log.ts';
import { auditContainer, type Platform } from '../../../src/platform/platform.ts';
import { Secret } from '../../../src/platform/secret.ts';
import { createStorage } from '../../../src/platform/storage.ts';
import { settingsWith } from '../world.ts';
import type { Deed, Ending } from './lane.ts';

function service(storageString: string, endpoint: string, acsString: string): Communication {
  const state = { kind: 'connectionString', connectionString: new Secret(storageString) } as const;
  const resource = { kind: 'connectionString', endpoint, connectionString: new Secret(acsString) } as const;
  const storage = createStorage(state, () => {
    throw new Error('a connection string needs no credential');
  });
  const platform: Platform = {
    ...{ clock: systemClock, random: Math.random, uuid: randomUUID },
    credential: () => {
      throw new Error('an access key needs no credential');
    },
    storage: () => storage,
    audit: () => createAudit(storage.container(auditContainer), systemClock, randomUUID),
  };
  return createCommunication(settingsWith({ state, resource }), platform);
}

function perform(communication: Communication, deed: Deed, key: string): Promise<unknown> {
  const log = createLog({ info: () => undefined, warn: () => undefined, error: () => undefined });
  const { signal } = new AbortController();
  const context = { log, signal, requestId: randomUUID() };
  switch (deed) {
    case 'issue':
      return communication.issue({ key }, {}, context);
    case 'disable':
      return communication.setAccess({ key }, { enabled: false }, 'key', context);
    case 'revokeAll':
      return communication.revokeAll({ key }, 'key', context);
    case 'erase':
      return communication.erase({ key }, 'key', context);
  }
}

const [, , deed = '', key = '', storageString = '', endpoint = '', acsString = ''] = process.argv;
const tell = (ending: Ending): unknown => process.send?.(ending);
perform(service(storageString, endpoint, acsString), deed as Deed, key).then(
  () => tell('done'),
  (error: unknown) => tell(isAppError(error) ? error.code : `unexpected: ${String(error)}`),
);
