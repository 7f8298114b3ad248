// Storage: proves by requests that change nothing that the app may read and write where it does.
import type { TableClient } from '@azure/data-tables';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import { randomUUID } from 'node:crypto';
import type { DependencyName } from '../../../src/platform/cures.ts';
import { createRestClient } from '../../../src/platform/restClient.ts';
import type { CredentialSettings, StorageSettings } from '../../../src/platform/settings/types.ts';
import {
  auditContainer,
  rotationContainer,
  stateContainer,
  type Platform,
} from '../../../src/platform/platform.ts';
import { storageFailure } from '../../../src/platform/storage.ts';
import { fine, look, unproven, type Finding, type Looked } from '../finding.ts';

/** Which account, and as whom. */
export interface Account {
  readonly settings: StorageSettings;
  readonly identity: CredentialSettings;
}

/**
 * Storage judges the caller before it looks for the thing or at the conditions (Azure docs: 403 comes before 404 and
 * 412): a write that asks for an ETag which does not exist can only be refused, and how it is refused tells.
 */
const nothing = '"0x0"';
const missing = new Set(['ContainerNotFound', 'TableNotFound', 'QueueNotFound']);

async function refusedOnly(request: () => Promise<unknown>): Promise<Looked> {
  try {
    await request();
    return fine();
  } catch (error) {
    const { code = '', status } = storageFailure(error);
    if (missing.has(code)) return fine('not there yet: the app makes it when it first writes');
    if (status === 404 || status === 412) return fine();
    throw error;
  }
}

type Right = 'read' | 'write' | 'delete';

/** Clients are made inside the checks: a connection string that the SDK cannot read fails them. */
function container(
  name: DependencyName,
  containerName: string,
  client: () => ContainerClient,
  rights: readonly Right[],
): readonly Promise<Finding>[] {
  const path = `doctor/${randomUUID()}`;
  const blob = (): BlockBlobClient => client().getBlockBlobClient(path);
  const ways: Readonly<Record<Right, () => Promise<unknown>>> = {
    read: () => blob().getProperties(),
    write: () => blob().upload('', 0, { conditions: { ifMatch: nothing } }),
    delete: () => blob().delete(),
  };
  return rights.map((right) =>
    look(name, `Storage: ${right} blobs in "${containerName}"`, () => refusedOnly(() => ways[right]())),
  );
}

function table(
  tableName: string,
  client: () => TableClient,
  rights: readonly Right[],
): readonly Promise<Finding>[] {
  const row = { partitionKey: 'doctor', rowKey: randomUUID() };
  const { partitionKey, rowKey } = row;
  const etag = `W/"datetime'2000-01-01T00%3A00%3A00Z'"`;
  const ways: Readonly<Record<Right, () => Promise<unknown>>> = {
    read: () => client().getEntity(partitionKey, rowKey),
    write: () => client().updateEntity(row, 'Merge', { etag }),
    delete: () => client().deleteEntity(partitionKey, rowKey, { etag }),
  };
  return rights.map((right) =>
    look('stateTables', `Storage: ${right} rows in "${tableName}"`, () => refusedOnly(() => ways[right]())),
  );
}

/** A message without its one element is refused for its content, after the caller was let in. */
async function unsendable(
  queue: QueueClient,
  { settings, identity }: Account,
  platform: Pick<Platform, 'credential' | 'httpClient'>,
): Promise<Looked> {
  if (settings.kind === 'connectionString') {
    await refusedOnly(() => queue.getProperties());
    return unproven('a key opens everything, and this one is accepted; no message is sent');
  }
  const credential = platform.credential(
    settings.clientId === undefined ? identity : { ...identity, clientId: settings.clientId },
  );
  const rest = createRestClient({
    ...{ auth: { credential, scope: 'https://storage.azure.com/.default' }, maxRetries: 1 },
    httpClient: platform.httpClient,
  });
  const { status } = await rest.send({
    ...{ method: 'POST', url: `${queue.url}/messages`, body: '<QueueMessage></QueueMessage>' },
    headers: { 'content-type': 'application/xml', 'x-ms-version': '2024-11-04' },
  });
  if (status === 400) return fine('a message without content was refused for that alone');
  if (status === 404) return fine('not there yet: the app makes it when it first sends');
  throw Object.assign(new Error('the queue refuses'), { statusCode: status });
}

type Checks = readonly Promise<Finding>[];

function blobsIn(
  name: DependencyName,
  { settings, identity }: Account,
  platform: Platform,
  containerName: string,
  rights: readonly Right[],
): Checks {
  const client = (): ContainerClient => platform.storage(settings, identity).container(containerName);
  return container(name, containerName, client, rights);
}

/** Leases and documents, which are never deleted. */
export function rotationBlobs(account: Account, platform: Platform): Checks {
  return blobsIn('rotationBlobs', account, platform, rotationContainer, ['read', 'write']);
}

/** Leases and documents, of which dead letters and ended replays are deleted. */
export function stateBlobs(account: Account, platform: Platform): Checks {
  return blobsIn('stateBlobs', account, platform, stateContainer, ['read', 'write', 'delete']);
}

/** Records are only ever added; under a retention policy even a trial could not be taken away again. */
export function auditBlobs(account: Account, platform: Platform): Checks {
  return blobsIn('auditBlobs', account, platform, auditContainer, ['write']);
}

export function deliveryBlobs(account: Account, platform: Platform, name: string): Checks {
  return blobsIn('deliveryBlobs', account, platform, name, ['read', 'write']);
}

export function stateTables(
  { settings, identity }: Account,
  platform: Platform,
  names: readonly string[],
  rights: readonly Right[],
): Checks {
  return names.flatMap((name) => table(name, () => platform.storage(settings, identity).table(name), rights));
}

export function deliveryQueue(account: Account, platform: Platform, name: string): Checks {
  return [
    look('deliveryQueue', `Storage: send to the queue "${name}"`, async () =>
      unsendable(platform.storage(account.settings, account.identity).queue(name), account, platform),
    ),
  ];
}
