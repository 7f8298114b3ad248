// A blob lease that is renewed in the background and says whether it still vouches for a write.
import type { BlobLeaseClient, ContainerClient } from '@azure/storage-blob';
import type { Clock } from './clock.ts';
import { leaseMarginMs, leaseRenewMs, leaseSeconds } from './limits.ts';
import { storageFailure, withCreate } from './storage.ts';

export interface Lease {
  /** Goes with every write to the leased blob. */
  readonly id: string;
  /** Aborts when the lease was lost: another holder may be at work from then on. */
  readonly lost: AbortSignal;
  /** True while a monotonic clock still vouches that nobody else can hold the lease. Ask before each send. */
  vouches(): boolean;
  /** Stops renewing and gives the lease back; never throws. */
  release(): Promise<void>;
}

/**
 * Leases the blob at `path` for 60 s at a time. Answers undefined when somebody else holds it.
 * Where the blob does not exist, `makeAbsent` decides: true makes an empty one first, false throws the storage error.
 */
export async function acquireLease(
  container: ContainerClient,
  path: string,
  clock: Clock,
  { makeAbsent }: { readonly makeAbsent: boolean },
): Promise<Lease | undefined> {
  const client = container.getBlobClient(path).getBlobLeaseClient();
  const asked = clock.monotonic();
  try {
    await client.acquireLease(leaseSeconds);
  } catch (error) {
    const { code } = storageFailure(error);
    if (code === 'LeaseAlreadyPresent') return undefined;
    if (!makeAbsent || (code !== 'BlobNotFound' && code !== 'ContainerNotFound')) throw error;
    await makeEmpty(container, path);
    return acquireLease(container, path, clock, { makeAbsent: false });
  }
  return keep(client, clock, asked);
}

async function makeEmpty(container: ContainerClient, path: string): Promise<void> {
  const blob = container.getBlockBlobClient(path);
  try {
    await withCreate(
      () => container.create(),
      () => blob.upload('', 0, { conditions: { ifNoneMatch: '*' } }),
    );
  } catch (error) {
    // Another process made it between our two calls, or holds it already: acquiring says which.
    const { status } = storageFailure(error);
    if (status !== 409 && status !== 412) throw error;
  }
}

function keep(client: BlobLeaseClient, clock: Clock, asked: number): Lease {
  // Counted from before the request was sent: the service's own count began later, so ours ends first.
  let safeUntil = asked + leaseSeconds * 1000 - leaseMarginMs;
  const lost = new AbortController();
  const stop = new AbortController();
  const renewing = renew();
  return {
    id: client.leaseId,
    lost: lost.signal,
    vouches: () => !lost.signal.aborted && clock.monotonic() < safeUntil,
    async release() {
      stop.abort();
      await renewing;
      await client.releaseLease().catch(() => undefined);
    },
  };

  async function renew(): Promise<void> {
    const stopped = (): boolean => stop.signal.aborted;
    while (!stopped()) {
      try {
        await clock.sleep(leaseRenewMs, stop.signal);
        const sent = clock.monotonic();
        await client.renewLease({ abortSignal: stop.signal });
        safeUntil = sent + leaseSeconds * 1000 - leaseMarginMs;
      } catch (error) {
        if (stopped()) return;
        const { status } = storageFailure(error);
        // A refusal is final; anything else may pass, and `vouches` runs out by itself.
        if (status === 409 || status === 412 || status === 404 || clock.monotonic() >= safeUntil) {
          lost.abort(new Error('the lease was lost', { cause: error }));
          return;
        }
      }
    }
  }
}
