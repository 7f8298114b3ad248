// The storage account as one process sees it: leased blobs under ETags, a table and a queue; each request is a call on the stage.
import type { TableClient } from '@azure/data-tables';
import type { ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import type { CloudEvent } from '../../../src/changeFeed/events.ts';
import { leaseSeconds } from '../../../src/platform/limits.ts';
import type { Judge } from './judge.ts';
import type { Actor, Stage } from './stage.ts';
import { cursorPath, host, replaysPath, type Blob, type World } from './world.ts';

export interface Place {
  readonly world: World;
  readonly stage: Stage;
  readonly judge: Judge;
}

export interface Conditions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly leaseId?: string;
}

interface UploadOptions {
  readonly conditions?: Conditions;
  readonly metadata?: Readonly<Record<string, string>>;
}

function refusal(statusCode: number, errorCode: string): Error {
  return Object.assign(new Error(errorCode), { statusCode, details: { errorCode } });
}

/** Only what the app uses of a container. */
export function containerOf(place: Place, actor: Actor, name: 'state' | 'changes'): ContainerClient {
  const at = (path: string): string => `${name}/${path}`;
  const container = {
    create: async () => undefined,
    getBlobClient: (path: string) => ({
      getBlobLeaseClient: () => leaseOf(place, actor, at(path)),
      deleteIfExists: () =>
        place.stage.call(actor, {
          name: `removes ${kindOf(at(path))}`,
          go: () => void place.world.blobs.delete(at(path)),
        }),
    }),
    getBlockBlobClient: (path: string) => blobOf(place, actor, at(path)),
    async *listBlobsFlat({ prefix }: { readonly prefix: string }) {
      for (const path of place.world.blobs.keys())
        if (path.startsWith(at(prefix))) yield { name: path.slice(name.length + 1) };
    },
  };
  return container as unknown as ContainerClient;
}

function kindOf(path: string): string {
  if (path === cursorPath) return 'the cursor';
  if (path.startsWith(replaysPath)) return 'a replay';
  return path.startsWith('state/') ? 'a dead letter' : 'a range';
}

function blobOf({ world, stage, judge }: Place, actor: Actor, path: string) {
  const kind = kindOf(path);
  const found = (): Blob => {
    const blob = world.blobs.get(path);
    if (!blob) throw refusal(404, 'BlobNotFound');
    return blob;
  };
  return {
    url: path,
    download: () =>
      stage.call(actor, {
        name: `reads ${kind}`,
        go: () => {
          const { text, etag } = found();
          return { etag, readableStreamBody: [text] };
        },
      }),
    getProperties: () =>
      stage.call(actor, {
        name: `looks at ${kind}`,
        go: () => {
          const { etag, metadata } = found();
          return { etag, metadata };
        },
      }),
    upload: (
      content: string | Buffer,
      _length: number,
      { conditions = {}, metadata = {} }: UploadOptions,
    ) => {
      const text = content.toString();
      return stage.call(actor, {
        name: path.startsWith('state/') ? `writes ${kind}` : `delivers ${kind}`,
        asked: () => {
          judge.asksToWrite(actor, path, text, conditions);
        },
        go: () => {
          const before = world.blobs.get(path);
          require(before, conditions, stage.now());
          const blob = { text, metadata, etag: world.nextEtag(), lease: before?.lease };
          world.blobs.set(path, blob);
          judge.wrote(actor, path, before?.text, text);
          return { etag: blob.etag };
        },
      });
    },
  };
}

/** Azure docs: a lease id that no active lease has fails as well, even after the lease merely ran out. */
function require(before: Blob | undefined, { ifMatch, ifNoneMatch, leaseId }: Conditions, now: number): void {
  if (ifNoneMatch === '*' && before) throw refusal(409, 'BlobAlreadyExists');
  if (ifMatch !== undefined && before?.etag !== ifMatch) throw refusal(412, 'ConditionNotMet');
  const active = before?.lease && before.lease.until > now ? before.lease.id : undefined;
  if (leaseId === active) return;
  throw refusal(412, leaseId === undefined ? 'LeaseIdMissing' : 'LeaseIdMismatchWithBlobOperation');
}

function leaseOf({ world, stage }: Place, actor: Actor, path: string) {
  const leaseId = `lease of ${actor.name}`;
  const found = (): Blob => {
    const blob = world.blobs.get(path);
    if (!blob) throw refusal(404, 'BlobNotFound');
    return blob;
  };
  return {
    leaseId,
    acquireLease: () =>
      stage.call(actor, {
        name: 'takes the lease',
        go: () => {
          const blob = found();
          if (blob.lease && blob.lease.until > stage.now()) throw refusal(409, 'LeaseAlreadyPresent');
          blob.lease = { id: leaseId, until: stage.now() + leaseSeconds * 1000 };
        },
      }),
    // Azure docs: a lease that ran out can be renewed as long as nobody else has taken it.
    renewLease: () =>
      stage.call(actor, {
        name: 'renews the lease',
        go: () => {
          const blob = found();
          if (blob.lease?.id !== leaseId) throw refusal(409, 'LeaseIdMismatchWithLeaseOperation');
          blob.lease = { id: leaseId, until: stage.now() + leaseSeconds * 1000 };
        },
      }),
    releaseLease: () =>
      stage.call(actor, {
        name: 'gives the lease back',
        go: () => {
          const blob = found();
          if (blob.lease?.id !== leaseId) throw refusal(409, 'LeaseIdMismatchWithLeaseOperation');
          blob.lease = undefined;
        },
      }),
  };
}

/** Only what the births use of a table. */
export function tableOf({ world, stage, judge }: Place, actor: Actor): TableClient {
  const table = {
    createTable: async () => undefined,
    getEntity: () =>
      stage.call(actor, {
        name: 'reads the birth',
        go: () => {
          const epoch = world.births.get(host);
          if (epoch === undefined) throw refusal(404, 'ResourceNotFound');
          return { epoch };
        },
      }),
    upsertEntity: ({ epoch }: { readonly epoch: number }) =>
      stage.call(actor, {
        name: 'writes the birth',
        go: () => {
          judge.born(world.births.get(host), epoch);
          world.births.set(host, epoch);
        },
      }),
  };
  return table as unknown as TableClient;
}

/** Only what the sink uses of a queue. */
export function queueOf({ world, stage, judge }: Place, actor: Actor): QueueClient {
  const queue = {
    create: async () => undefined,
    getProperties: async () => ({ approximateMessagesCount: world.messages.length }),
    sendMessage: (text: string) => {
      const event = JSON.parse(Buffer.from(text, 'base64').toString()) as CloudEvent;
      return stage.call(actor, {
        name: 'sends a message',
        asked: () => {
          judge.asksToSend(actor, 'queue', [event]);
        },
        go: () => {
          world.messages.push(event);
          judge.arrived(actor, 'queue', [event]);
        },
      });
    },
  };
  return queue as unknown as QueueClient;
}
