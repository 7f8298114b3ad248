// Delivers each range as one create-once NDJSON blob, so that a repeated delivery changes nothing.
import type { ContainerClient } from '@azure/storage-blob';
import { sha256Hex } from '../platform/hash.ts';
import { saysBlobThere, withCreate } from '../platform/storage.ts';
import type { CloudEvent } from './events.ts';
import { padded, type Batch, type RangeSink } from './sink.ts';

export function createBlobSink(container: ContainerClient): RangeSink {
  return {
    name: 'blob',
    async deliver(batch, { signal, guard }) {
      const content = linesOf(batch.events);
      const changes = sha256Hex(batch.events.map(({ id }) => id).join('\n')).slice(0, 16);
      const write = (path: string): Promise<string | undefined> => {
        guard();
        return createOnce(container, path, { content, type: 'application/x-ndjson', changes, signal });
      };
      const path = batchPath(batch);
      // After an operator moved the cursor back, a range of the same length may hold a change that the first one lacked;
      // the older blob would swallow it.
      if ((await write(`${path}.ndjson`)) !== changes) await write(`${path}.${changes}.ndjson`);
    },
  };
}

/** Written into one buffer: texts as long as a range, copied on their way, took most of the process's memory (measured). */
function linesOf(events: readonly CloudEvent[]): Buffer {
  let lines = Buffer.alloc(0);
  let used = 0;
  for (const [n, event] of events.entries()) {
    const line = JSON.stringify(event);
    // No unit of a text takes more than three bytes; the next lines are about as long, rarely a tenth longer.
    const needed = used + 3 * line.length + 1;
    const rest = Math.ceil(1.1 * (events.length - n) * line.length);
    if (needed > lines.length) lines = Buffer.concat([lines.subarray(0, used)], needed + rest);
    used += lines.write(line, used);
    used += lines.write('\n', used);
  }
  return lines.subarray(0, used);
}

function batchPath(batch: Batch): string {
  const { epoch, from, to, late } = batch;
  const folder = folderOf(batch);
  return late
    ? `${folder}/late/${epoch}-${padded(from)}`
    : `${folder}/${epoch}/${padded(from)}-${padded(to)}`;
}

/** Where the blobs of a batch lie: those of a replay apart, since a blob that is there already would swallow them. */
export function folderOf({ host, replay }: Batch): string {
  return replay === undefined ? host : `${host}/replay/${replay}`;
}

export interface BlobContent {
  readonly content: Buffer;
  readonly type: string;
  /** Says which changes are inside, for whoever finds the blob there. */
  readonly changes: string;
  readonly signal: AbortSignal;
}

/** Makes the blob, or leaves the one that is there; answers the `changes` of the one that is there then. */
export async function createOnce(
  container: ContainerClient,
  path: string,
  { content, type, changes, signal }: BlobContent,
): Promise<string | undefined> {
  const blob = container.getBlockBlobClient(path);
  try {
    await withCreate(
      () => container.create(),
      () =>
        blob.upload(content, content.length, {
          abortSignal: signal,
          conditions: { ifNoneMatch: '*' },
          blobHTTPHeaders: { blobContentType: type },
          metadata: { changes },
        }),
    );
    return changes;
  } catch (error) {
    if (!saysBlobThere(error)) throw error;
    const { metadata } = await blob.getProperties({ abortSignal: signal });
    return metadata?.['changes'];
  }
}
