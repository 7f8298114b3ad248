// Azure Storage: makes the clients of one account from its settings, with bounded retries.
import type { TokenCredential } from '@azure/core-auth';
import { TableClient, type TableServiceClientOptions } from '@azure/data-tables';
import { BlobServiceClient, newPipeline, type ContainerClient, type Pipeline } from '@azure/storage-blob';
import { newPipeline as newQueuePipeline, QueueServiceClient, type QueueClient } from '@azure/storage-queue';
import { maxRetryAfterMs, storageSilenceMs, storageTries, storageTryTimeoutMs } from './limits.ts';
import { once } from './once.ts';
import type { StorageSettings } from './settings/types.ts';

/** The clients of one storage account. Nothing is created or contacted before the first operation on them. */
export interface Storage {
  table(name: string): TableClient;
  container(name: string): ContainerClient;
  queue(name: string): QueueClient;
}

/** Clients for the account of `settings`; `credential` is used where the settings carry no connection string. */
export function createStorage(settings: StorageSettings, credential: () => TokenCredential): Storage {
  if (settings.kind === 'connectionString') {
    const text = settings.connectionString.reveal();
    // Azurite and its short form speak plain HTTP on loopback; the Tables client wants to be told.
    const insecure = /^UseDevelopmentStorage=true|DefaultEndpointsProtocol=http;/i.test(text);
    const plain = once(() => BlobServiceClient.fromConnectionString(text));
    const blobs = once(
      () => new BlobServiceClient(plain().url, timely(newPipeline(plain().credential, { retryOptions }))),
    );
    const queues = once(() => {
      const { url } = QueueServiceClient.fromConnectionString(text);
      return new QueueServiceClient(url, timely(newQueuePipeline(plain().credential, { retryOptions })));
    });
    return {
      table: (name) =>
        TableClient.fromConnectionString(text, name, { ...tableOptions, allowInsecureConnection: insecure }),
      container: (name) => blobs().getContainerClient(name),
      queue: (name) => queues().getQueueClient(name),
    };
  }
  const { blobUri, queueUri, tableUri } = settings;
  const blobs = once(
    () => new BlobServiceClient(blobUri, timely(newPipeline(credential(), { retryOptions }))),
  );
  const queues = once(
    () => new QueueServiceClient(queueUri, timely(newQueuePipeline(credential(), { retryOptions }))),
  );
  return {
    table: (name) => new TableClient(tableUri, name, credential(), tableOptions),
    container: (name) => blobs().getContainerClient(name),
    queue: (name) => queues().getQueueClient(name),
  };
}

const waits = { retryDelayInMs: 500, maxRetryDelayInMs: maxRetryAfterMs };
const retryOptions = { ...waits, maxTries: storageTries, tryTimeoutInMs: storageTryTimeoutMs };

/**
 * `tryTimeoutInMs` is a word to the service: for one that takes a request and is silent the clients wait without end
 * (measured). With this a request ends after `storageSilenceMs`, with an `AbortError`.
 */
function inTime<R extends { timeout?: number }, A>(request: R, send: (request: R) => Promise<A>): Promise<A> {
  request.timeout = storageSilenceMs;
  return send(request);
}

const tableOptions: TableServiceClientOptions = {
  retryOptions: { ...waits, maxRetries: storageTries - 1 },
  additionalPolicies: [{ position: 'perCall', policy: { name: 'inTime', sendRequest: inTime } }],
};

function timely<P extends Pick<Pipeline, 'factories'>>(pipeline: P): P {
  pipeline.factories.push({
    create: (next) => ({
      sendRequest: (request) => inTime(request, (same) => next.sendRequest(same)),
      log: () => undefined,
      shouldLog: () => false,
    }),
  });
  return pipeline;
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

/**
 * Azure docs: a blob that may be written once is there already: the second for a role that may add and not overwrite, the
 * third behind an immutability policy.
 */
const blobThere = new Set(['BlobAlreadyExists', 'UnauthorizedBlobOverwrite', 'BlobImmutableDueToPolicy']);

/** Whether a create-once write found the blob there. */
export function saysBlobThere(error: unknown): boolean {
  return blobThere.has(storageFailure(error).code ?? '');
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
