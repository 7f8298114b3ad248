// The storage account behind a slow proxy: the leases and the state of the rotation are counted on their way.
import { openSlowProxy } from './slowProxy.ts';

export interface SlowStorage {
  /** Connection string. */
  readonly connection: string;
  /** So far; `state` is every request for blobs that is not about a lease. */
  readonly requests: () => { readonly lease: number; readonly state: number };
  readonly close: () => Promise<void>;
}

/** Blobs only: the rotation keeps nothing elsewhere. */
export async function openSlowStorage(connection: string, delayMs: number): Promise<SlowStorage> {
  const endpoint = /BlobEndpoint=(https?:\/\/[^/;]+)/.exec(connection)?.[1] ?? '';
  const requests = { lease: 0, state: 0 };
  const { url, close } = await openSlowProxy(endpoint, delayMs, (_method, path) => {
    requests[/[?&]comp=lease(&|$)/.test(path) ? 'lease' : 'state'] += 1;
  });
  return {
    connection: connection.replace(`BlobEndpoint=${endpoint}`, `BlobEndpoint=${url}`),
    requests: () => ({ ...requests }),
    close,
  };
}
