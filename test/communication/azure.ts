// The token service on real clients: Azurite for its tables and audit, the ACS stand-in behind the real endpoint.
import type { TableClient } from '@azure/data-tables';
import { RestError, type HttpClient, type PipelinePolicy } from '@azure/core-rest-pipeline';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after } from 'node:test';
import { startAzurite } from '../../local/azurite.ts';
import { demo } from '../../local/demo.ts';
import { freePorts } from '../../local/ports.ts';
import {
  createCommunication,
  type Communication,
  type Context,
} from '../../src/communication/communication.ts';
import { createAudit } from '../../src/platform/audit.ts';
import { systemClock, type Clock } from '../../src/platform/clock.ts';
import { AppError, type ErrorCode } from '../../src/platform/errors.ts';
import { createLog, describeError } from '../../src/platform/log.ts';
import { auditContainer, type Platform } from '../../src/platform/platform.ts';
import { Secret } from '../../src/platform/secret.ts';
import type { CommunicationSettings } from '../../src/platform/settings/types.ts';
import { createStorage } from '../../src/platform/storage.ts';
import { accessKey, cloud, endpoint } from '../local/standIns/communication/clients.ts';
import { settingsWith } from './world.ts';

const azurite = await startAzurite({ ports: freePorts });
after(() => azurite.close());
const state = { kind: 'connectionString', connectionString: new Secret(azurite.connectionString) } as const;
/** For another process. */
export const storageString = azurite.connectionString;
const storage = createStorage(state, () => assert.fail('a connection string needs no credential'));

export const table = (name: string): TableClient => storage.table(name);
export const auditRecords = storage.container(auditContainer);
export const lines: string[] = [];

export function context(signal = new AbortController().signal): Context & { remainingMs(): number } {
  const sink = (line: string): unknown => lines.push(line);
  const log = createLog({ info: sink, warn: sink, error: sink });
  return { log, signal, requestId: randomUUID(), remainingMs: () => 200_000 };
}

export const byKey: CommunicationSettings['resource'] = {
  kind: 'connectionString',
  endpoint,
  connectionString: new Secret(`endpoint=${endpoint}/;accesskey=${accessKey}`),
};

export interface ServiceOptions {
  readonly clock?: Clock;
  readonly httpClient?: HttpClient;
  readonly settings?: Partial<CommunicationSettings>;
  /** Gets each table client before its first use. */
  readonly spoil?: (table: TableClient, name: string) => void;
}

/** The service as one process has it. */
export function service({
  settings,
  spoil,
  httpClient,
  clock = systemClock,
}: ServiceOptions = {}): Communication {
  const platform: Platform = {
    ...{ clock, httpClient },
    random: () => 0.5,
    uuid: randomUUID,
    credential: () => cloud.credentialFor(demo.managedIdentity),
    storage: () => ({
      ...storage,
      table(name) {
        const client = storage.table(name);
        spoil?.(client, name);
        return client;
      },
    }),
    audit: () => createAudit(auditRecords, systemClock, randomUUID),
  };
  return createCommunication(settingsWith({ state, ...settings }), platform);
}

/** Spoils a table client: it never hears the reply to its nth write of that method. `lost`: it then sent that write again. */
export function deafness(method: 'POST' | 'PUT', nth: number) {
  let writes = 0;
  const sendRequest: PipelinePolicy['sendRequest'] = async (request, next) => {
    const response = await next(request);
    if (request.method !== method || (writes += 1) !== nth) return response;
    throw new RestError('the reply got lost', { code: 'ECONNRESET', request });
  };
  return {
    // Inside the client's own retry, which is then refused for its own success.
    spoil: (client: TableClient): void => {
      client.pipeline.addPolicy({ name: 'deaf', sendRequest }, { afterPhase: 'Retry' });
    },
    lost: () => writes > nth,
  };
}

/** A service with such a client for the directory. */
export function deafService(
  method: 'POST' | 'PUT',
  nth: number,
): Communication & { readonly lost: () => boolean } {
  const { spoil, lost } = deafness(method, nth);
  const spoilRows = (client: TableClient, name: string): void => {
    if (name === 'identities') spoil(client);
  };
  return { ...service({ spoil: spoilRows }), lost };
}

export function newUser(): { readonly key: string } {
  return { key: `app.${randomUUID()}` };
}

/** Judges an error by its code, and keeps what would be logged of it. */
export function refused(code: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AppError, String(error));
    assert.equal(error.code, code);
    lines.push(JSON.stringify(describeError(error)));
    return true;
  };
}

/** Makes ACS answer requests to such paths in that way. */
export function fail(path: string, effect: object): void {
  cloud.faults.add({ service: 'communication', path, effect });
}
