// A storage account of which nothing but its blobs is used, by their address alone.
import type { StorageSettings } from '../../src/platform/settings/types.ts';

/** Its other addresses are never used. */
export function blobAccount(blobUri: string): StorageSettings {
  return { kind: 'identity', blobUri, queueUri: blobUri, tableUri: blobUri };
}
