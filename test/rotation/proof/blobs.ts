// The container of the state in memory: blobs under ETags, and leases; each request is a step.
import type { ContainerClient } from '@azure/storage-blob';
import { leaseSeconds } from '../../../src/platform/limits.ts';
import type { Place } from './doors.ts';
import type { Actor } from './stage.ts';

interface Conditions {
  readonly conditions?: { readonly ifMatch?: string; readonly ifNoneMatch?: string };
  readonly metadata?: { readonly writer: string };
}

function refusal(statusCode: number, errorCode: string): Error {
  return Object.assign(new Error(errorCode), { statusCode, details: { errorCode } });
}

const unanswered = (): never => {
  throw new Error('no answer');
};

/** Only what the state and the lease use of a container. */
export function containerOf(place: Place, actor: Actor): ContainerClient {
  const blobs = {
    create: async () => undefined,
    getBlobClient: (path: string) => ({ getBlobLeaseClient: () => leaseOf(place, actor, path) }),
    getBlockBlobClient: (path: string) => blobOf(place, actor, path),
  };
  return blobs as unknown as ContainerClient;
}

function blobOf({ world, stage, judge }: Place, actor: Actor, path: string) {
  const writers = (): Map<string, string> => writersOf(world);
  const found = () => {
    const blob = world.blobs.get(path);
    if (!blob) throw refusal(404, 'BlobNotFound');
    return blob;
  };
  const step = <T>(name: string, go: () => T): Promise<T> => stage.step(actor, { name, go, unanswered });
  return {
    download: () =>
      step('reads the state', () => {
        actor.stateReadAt = stage.now();
        const { text, etag } = found();
        return { etag, readableStreamBody: [text] };
      }),
    getProperties: () =>
      step('looks who wrote the state', () => {
        const { etag } = found();
        return { etag, metadata: { writer: writers().get(etag) } };
      }),
    upload: (text: string, _length: number, { conditions, metadata }: Conditions) =>
      step('writes the state', () => {
        const before = world.blobs.get(path);
        if (conditions?.ifNoneMatch === '*' && before) throw refusal(409, 'BlobAlreadyExists');
        if (conditions?.ifMatch !== undefined && before?.etag !== conditions.ifMatch)
          throw refusal(412, 'ConditionNotMet');
        judge.noSecret(text);
        const etag = `etag-${String(Number(before?.etag.slice(5) ?? 0) + 1)}`;
        writers().set(etag, metadata?.writer ?? '');
        world.blobs.set(path, { ...before, text, etag });
        return { etag };
      }),
  };
}

const known = new WeakMap<object, Map<string, string>>();

function writersOf(world: object): Map<string, string> {
  const found = known.get(world) ?? new Map<string, string>();
  known.set(world, found);
  return found;
}

function leaseOf({ world, stage }: Place, actor: Actor, path: string) {
  const leaseId = `lease-${actor.name}`;
  const held = () => {
    const blob = world.blobs.get(path);
    if (!blob) throw refusal(404, 'BlobNotFound');
    return blob;
  };
  const mine = () => {
    const blob = held();
    if (blob.lease?.id !== leaseId) throw refusal(409, 'LeaseIdMismatchWithLeaseOperation');
    return blob;
  };
  const lease = () => {
    actor.leasedUntil = stage.now() + leaseSeconds * 1000;
    return { id: leaseId, until: actor.leasedUntil };
  };
  const step = (name: string, go: () => void): Promise<void> => stage.step(actor, { name, go, unanswered });
  return {
    leaseId,
    acquireLease: () =>
      step('takes the lease', () => {
        const blob = held();
        if (blob.lease && blob.lease.id !== leaseId && blob.lease.until > stage.now())
          throw refusal(409, 'LeaseAlreadyPresent');
        blob.lease = lease();
      }),
    // Azure docs: a lease that ran out can be renewed as long as nobody else has taken it.
    renewLease: () =>
      step('renews the lease', () => {
        mine().lease = lease();
      }),
    releaseLease: () =>
      step('gives the lease back', () => {
        delete mine().lease;
      }),
  };
}
