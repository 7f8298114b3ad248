// Keeps the changes that a sink refused for good, one document each, until they are offered again and taken.
import type { ContainerClient } from '@azure/storage-blob';
import * as z from 'zod/mini';
import { isoTime } from '../platform/clock.ts';
import { isAppError } from '../platform/errors.ts';
import { feedCountTimeoutMs } from '../platform/limits.ts';
import { timeLimit } from '../platform/run.ts';
import { StateDocuments } from '../platform/stateDocuments.ts';
import { blobNames } from './blobNames.ts';
import type { CloudEvent } from './events.ts';
import type { Refusal } from './offering.ts';
import { padded, type SinkName } from './sink.ts';

const whole = z.int().check(z.nonnegative());
const schema = 1;

/** The entry as the service told it, but for its metadata: that is health data, and read again when it is needed. */
const letterShape = z.object({
  schema: z.literal(schema),
  service: z.string(),
  sink: z.string(),
  epoch: whole,
  late: z.boolean(),
  /** The receiver's HTTP status. */
  status: whole,
  /** ISO 8601. */
  refusedAt: z.string(),
  entry: z.object({
    sequence: whole,
    partitionName: z.string(),
    studyInstanceUid: z.string(),
    seriesInstanceUid: z.string(),
    sopInstanceUid: z.string(),
    action: z.string(),
    state: z.string(),
    timestamp: z.string(),
    filePath: z.optional(z.string()),
  }),
});

export type DeadLetter = Readonly<z.infer<typeof letterShape>>;

export interface Burial {
  readonly epoch: number;
  readonly late: boolean;
  /** Our clock, milliseconds. */
  readonly now: number;
}

/** Throws storage errors as they are. */
export interface DeadLetters {
  /** Writes it once: a change that is already there stays as it was written. */
  put(sink: SinkName, refusal: Refusal, burial: Burial): Promise<void>;
  /** Keys of what lies there, oldest change first. */
  keys(sink: SinkName): Promise<readonly string[]>;
  /** Undefined when another run has removed it. Throws `UnreadableDocument`. */
  read(key: string): Promise<DeadLetter | undefined>;
  remove(key: string): Promise<void>;
  /** Of all sinks, also of those that are not configured any more; within five seconds. */
  count(): Promise<number>;
}

export function createDeadLetters(container: ContainerClient, service: string): DeadLetters {
  const documents = new StateDocuments(container);
  const folder = `change-feed/${new URL(service).host}/dead-letters`;

  return {
    async put(sink, { event, status }, { epoch, late, now }) {
      const entry = entryOf(event);
      const head = { schema, service, sink, epoch, late, status, refusedAt: isoTime(now) } as const;
      const letter: DeadLetter = { ...head, entry };
      const path = `${folder}/${sink}/${epoch}-${padded(entry.sequence)}.json`;
      try {
        await documents.write(path, letter, { kind: 'absent' });
      } catch (error) {
        if (!isAppError(error, 'conflict')) throw error;
      }
    },
    async keys(sink) {
      const names = await blobNames(container, `${folder}/${sink}/`);
      return names.sort((left, right) => left.localeCompare(right, 'en', { numeric: true }));
    },
    read: async (key) => (await documents.read(key, schema, letterShape))?.value,
    async remove(key) {
      await container.getBlobClient(key).deleteIfExists();
    },
    count: async () =>
      (await blobNames(container, `${folder}/`, { abortSignal: timeLimit(feedCountTimeoutMs, undefined) }))
        .length,
  };
}

function entryOf({ time, data }: CloudEvent): DeadLetter['entry'] {
  return {
    sequence: data.sequenceNumber,
    partitionName: data.partitionName,
    studyInstanceUid: data.imageStudyInstanceUid,
    seriesInstanceUid: data.imageSeriesInstanceUid,
    sopInstanceUid: data.imageSopInstanceUid,
    ...{ action: data.action, state: data.state, timestamp: time },
    ...(data.filePath === undefined ? {} : { filePath: data.filePath }),
  };
}
