// Delivers each change as one message of a Storage queue, in the form that a queue-triggered function reads.
import type { ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import { eachAtOnce } from '../platform/concurrency.ts';
import { feedQueueMessageBytes, feedQueueSendsAtOnce } from '../platform/limits.ts';
import { storageFailure, withCreate } from '../platform/storage.ts';
import { createOnce, folderOf } from './blobSink.ts';
import type { CloudEvent } from './events.ts';
import { padded, type Batch, type Delivery, type RangeSink } from './sink.ts';

/** Storage queues drop a message after seven days unless told otherwise: that would be a change lost. */
const never = -1;

/** `claims` is the container of what does not fit into a message. */
export function createQueueSink(queue: QueueClient, claims: ContainerClient): RangeSink {
  async function send(event: CloudEvent, batch: Batch, { signal, guard }: Delivery): Promise<void> {
    const whole = JSON.stringify(event);
    const fits = Buffer.byteLength(whole) <= feedQueueMessageBytes;
    guard();
    const text = fits ? whole : JSON.stringify(await checkClaim(event, batch, signal));
    guard();
    await withCreate(
      () => queue.create(),
      // The Functions trigger expects base64 unless it is configured otherwise.
      () =>
        queue.sendMessage(Buffer.from(text).toString('base64'), {
          messageTimeToLive: never,
          abortSignal: signal,
        }),
    );
  }

  /** The event with a reference in place of its data, which is kept in a blob that nothing deletes. */
  async function checkClaim(event: CloudEvent, batch: Batch, signal: AbortSignal): Promise<object> {
    const { data, ...envelope } = event;
    const path = `${folderOf(batch)}/claims/${batch.epoch}-${padded(data.sequenceNumber)}.json`;
    await createOnce(claims, path, {
      ...{ content: Buffer.from(JSON.stringify(data)), type: 'application/json', changes: event.id, signal },
    });
    return { ...envelope, dataref: claims.getBlockBlobClient(path).url };
  }

  return {
    name: 'queue',
    async deliver(batch, delivery) {
      await eachAtOnce(batch.events, feedQueueSendsAtOnce, (event) => send(event, batch, delivery));
    },
    async backlog(signal) {
      try {
        return (await queue.getProperties({ abortSignal: signal })).approximateMessagesCount ?? 0;
      } catch (error) {
        if (storageFailure(error).code === 'QueueNotFound') return 0;
        throw error;
      }
    },
  };
}
