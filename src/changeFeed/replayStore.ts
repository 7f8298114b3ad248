// Keeps the replays of one service, a document each, written only over the version that was read.
import type { ContainerClient } from '@azure/storage-blob';
import * as z from 'zod/mini';
import { eachAtOnce } from '../platform/concurrency.ts';
import { feedReplayReadsAtOnce } from '../platform/limits.ts';
import { StateDocuments, UnreadableDocument } from '../platform/stateDocuments.ts';
import { blobNames } from './blobNames.ts';
import { failureShape, pendingShape, readingShape } from './cursorStore.ts';
import type { Replay } from './replay.ts';
import { replayShape } from './replayReport.ts';
import { sinkName } from './sink.ts';

const whole = z.int().check(z.nonnegative());
const schema = 1;
const { id, service, state, epoch, from, to, startedAt, endedAt, lastRun } = replayShape.shape;

const documentShape = z.object({
  schema: z.literal(schema),
  ...{ id, service, state, epoch, from, to },
  sinks: z.array(sinkName),
  slice: whole,
  next: whole,
  lanes: z.array(
    z.object({
      ...{ from, to, committed: whole },
      pending: z.nullable(pendingShape),
      failure: z.nullable(failureShape),
      refusals: z.optional(whole),
      reading: readingShape,
      delivered: whole,
    }),
  ),
  delivered: whole,
  ...{ startedAt, endedAt, lastRun },
});

export interface StoredReplay {
  readonly replay: Replay;
  readonly etag: string;
}

export interface ListedReplays {
  /** Oldest first. */
  readonly readable: readonly StoredReplay[];
  /** Names of the documents that a newer release wrote, or that are damaged. */
  readonly unreadable: readonly string[];
}

/** Throws storage errors as they are. */
export interface ReplayStore {
  list(): Promise<ListedReplays>;
  /** Undefined when there certainly is none. Throws `UnreadableDocument`. */
  read(id: string): Promise<StoredReplay | undefined>;
  create(replay: Replay): Promise<void>;
  /** Answers the new ETag. Throws `conflict` when somebody else wrote since `etag`. */
  write(replay: Replay, etag: string): Promise<string>;
  remove(id: string): Promise<void>;
}

export function createReplayStore(container: ContainerClient, url: string): ReplayStore {
  const documents = new StateDocuments(container);
  const folder = `change-feed/${new URL(url).host}/replays/`;
  /** What has ended never changes again, and is read once per process. */
  const ended = new Map<string, StoredReplay>();

  async function read(name: string): Promise<StoredReplay | undefined> {
    const known = ended.get(name);
    if (known) return known;
    const found = await documents.read(`${folder}${name}.json`, schema, documentShape);
    if (!found) return undefined;
    const { schema: _, ...replay } = found.value;
    const stored = { replay, etag: found.etag };
    if (replay.state !== 'running') ended.set(name, stored);
    return stored;
  }

  const path = (replay: Replay): string => `${folder}${replay.id}.json`;
  return {
    async list() {
      const unreadable: string[] = [];
      const found = await eachAtOnce(await idsIn(container, folder), feedReplayReadsAtOnce, async (name) => {
        try {
          return await read(name);
        } catch (error) {
          if (!(error instanceof UnreadableDocument)) throw error;
          unreadable.push(name);
          return undefined;
        }
      });
      return { readable: found.filter((one) => one !== undefined), unreadable: unreadable.sort() };
    },
    read,
    async create(replay) {
      await documents.write(path(replay), { schema, ...replay }, { kind: 'absent' });
    },
    write: (replay, etag) => documents.write(path(replay), { schema, ...replay }, { kind: 'etag', etag }),
    async remove(name) {
      await container.getBlobClient(`${folder}${name}.json`).deleteIfExists();
      ended.delete(name);
    },
  };
}

async function idsIn(container: ContainerClient, folder: string): Promise<string[]> {
  const names = await blobNames(container, folder);
  return names.map((name) => name.slice(folder.length, -'.json'.length));
}
