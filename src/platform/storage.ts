// Azure Storage: makes the clients of one account from its settings, with bounded retries.
import type { TokenCredential } from '@azure/core-auth';
import { TableClient } from '@azure/data-tables';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { QueueServiceClient, type QueueClient } from '@azure/storage-queue';
import { maxRetryAfterMs, storageTries, storageTryTimeoutMs } from './limits.ts';
import type { StorageSettings } from './settings/types.ts';

/** The clients of one storage account. Nothing is created or contacted before the first operation on them. */
export interface Storage {
  table(name: string): TableClient;
  container(name: string): ContainerClient;
  queue(name: string): QueueClient;
}

/** Clients for the account of `settings`; `credential` is used where the settings carry no connection string. */
export function createStorage(settings: StorageSettings, credential: () => TokenCredential): Storage {
  const retryOptions = {
    maxTries: storageTries,
    tryTimeoutInMs: storageTryTimeoutMs,
    retryDelayInMs: 500,
    maxRetryDelayInMs: maxRetryAfterMs,
  };
  const tableOptions = {
    retryOptions: { maxRetries: storageTries - 1, retryDelayInMs: 500, maxRetryDelayInMs: maxRetryAfterMs },
  };
  if (settings.kind === 'connectionString') {
    const text = settings.connectionString.reveal();
    // Azurite and its short form speak plain HTTP on loopback; the Tables client wants to be told.
    const insecure = /^UseDevelopmentStorage=true|DefaultEndpointsProtocol=http;/i.test(text);
    const blobs = once(() => BlobServiceClient.fromConnectionString(text, { retryOptions }));
    const queues = once(() => QueueServiceClient.fromConnectionString(text, { retryOptions }));
    return {
      table: (name) =>
        TableClient.fromConnectionString(text, name, { ...tableOptions, allowInsecureConnection: insecure }),
      container: (name) => blobs().getContainerClient(name),
      queue: (name) => queues().getQueueClient(name),
    };
  }
  const { blobUri, queueUri, tableUri } = settings;
  const blobs = once(() => new BlobServiceClient(blobUri, credential(), { retryOptions }));
  const queues = once(() => new QueueServiceClient(queueUri, credential(), { retryOptions }));
  return {
    table: (name) => new TableClient(tableUri, name, credential(), tableOptions),
    container: (name) => blobs().getContainerClient(name),
    queue: (name) => queues().getQueueClient(name),
  };
}

/** Runs `make` at the first call and remembers what it made. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** What an Azure Storage error says of itself. */
export interface StorageFailure {
  readonly status: number | undefined;
  /** The service's own code, such as `BlobNotFound`, `ContainerNotFound`, `TableNotFound`, `ConditionNotMet`. */
  readonly code: string | undefined;
}

/** Reads status and code of an error of the storage clients; both undefined where it never reached the service. */
export function storageFailure(error: unknown): StorageFailure {
  if (!(error instanceof Error)) return { status: undefined, code: undefined };
  const status: unknown = Reflect.get(error, 'statusCode');
  const details: unknown = Reflect.get(error, 'details');
  const fromDetails = codeIn(details, 'errorCode') ?? odataCode(details);
  const code = fromDetails ?? codeIn(error, 'code');
  return { status: typeof status === 'number' ? status : undefined, code };
}

function codeIn(from: unknown, key: string): string | undefined {
  if (typeof from !== 'object' || from === null) return undefined;
  const value: unknown = Reflect.get(from, key);
  return typeof value === 'string' ? value : undefined;
}

/** The Tables client leaves the code in the OData body: `{"odataError":{"code":"TableNotFound"}}`. */
function odataCode(details: unknown): string | undefined {
  if (typeof details !== 'object' || details === null) return undefined;
  return codeIn(Reflect.get(details, 'odataError'), 'code');
}

const missing = new Set(['ContainerNotFound', 'TableNotFound', 'QueueNotFound']);
const alreadyThere = new Set(['ContainerAlreadyExists', 'TableAlreadyExists', 'QueueAlreadyExists']);

/**
 * Runs `operation`; when the container, table or queue itself does not exist, makes it and runs the operation again.
 * A missing blob or row is not its business.
 */
export async function withCreate<T>(create: () => Promise<unknown>, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!missing.has(storageFailure(error).code ?? '')) throw error;
  }
  try {
    await create();
  } catch (error) {
    if (!alreadyThere.has(storageFailure(error).code ?? '')) throw error;
  }
  return operation();
}
