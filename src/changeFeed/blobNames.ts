// What lies in a folder of the state: nothing where its container has not been made yet.
import type { ContainerClient } from '@azure/storage-blob';
import { storageFailure } from '../platform/storage.ts';

/** Whole names, in the order of the listing. Throws any other storage error as it is. */
export async function blobNames(
  container: ContainerClient,
  prefix: string,
  limit: { readonly abortSignal?: AbortSignal } = {},
): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of container.listBlobsFlat({ prefix, ...limit })) names.push(name);
  } catch (error) {
    if (storageFailure(error).code !== 'ContainerNotFound') throw error;
  }
  return names;
}
