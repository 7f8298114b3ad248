// One DICOM service: the instances it holds, the metadata of each version, and its change feed.
import type { Now } from '../kit.ts';
import type { DicomJson } from './dicomJson.ts';
import { DicomRefusal } from './errors.ts';
import { emptyFeed, Feed, type FeedData, type InstanceUids } from './feed.ts';

/** A study, a series or an instance, by how many of its UIDs are given. */
export interface Resource {
  readonly study: string;
  readonly series?: string | undefined;
  readonly sop?: string | undefined;
}

interface Instance extends InstanceUids {
  readonly watermark: number;
}

/** A long-running operation that is over, as `GET /operations/{id}` answers it. */
export interface Operation {
  readonly operationId: string;
  readonly type: 'update';
  readonly createdTime: string;
  readonly lastUpdatedTime: string;
  readonly status: 'completed' | 'failed';
  readonly percentComplete: 100;
  readonly results: object;
}

/** Plain data: all there is to save. */
export interface ArchiveData {
  feed: FeedData;
  instances: Instance[];
  lastWatermark: number;
  /** By watermark. Real ones stay for a few days after a deletion; here they stay until a reset. */
  metadata: Record<string, DicomJson>;
  operations: Record<string, Operation>;
}

export const emptyArchive = (): ArchiveData => ({
  feed: emptyFeed(),
  instances: [],
  lastWatermark: 0,
  metadata: {},
  operations: {},
});

export class Archive {
  readonly #data: ArchiveData;
  readonly #poisoned: string[] = [];
  #outages = 0;
  readonly feed: Feed;

  constructor(data: ArchiveData, now: Now) {
    this.#data = data;
    this.feed = new Feed(data.feed, now);
  }

  has(uids: InstanceUids): boolean {
    return this.find(uids).length > 0;
  }

  find(resource: Resource): readonly Instance[] {
    return this.#data.instances.filter((instance) => covers(resource, instance));
  }

  /** The caller has made sure that there is no such instance. */
  store(uids: InstanceUids, metadata: DicomJson): void {
    const created = this.#newVersion(uids, metadata);
    this.#data.instances.push(created);
    this.feed.append('Create', [created]);
  }

  /** Changes attributes of every instance of the study, in one statement, and answers how many there are. */
  update(study: string, changes: DicomJson): number {
    const updated = new Map(
      this.find({ study }).map((instance) => [
        instance,
        this.#newVersion(instance, { ...this.#data.metadata[instance.watermark], ...changes }),
      ]),
    );
    this.#data.instances = this.#data.instances.map((instance) => updated.get(instance) ?? instance);
    if (updated.size > 0) this.feed.append('Update', [...updated.values()]);
    return updated.size;
  }

  /** Throws 404 when there is nothing to delete. */
  delete(resource: Resource): void {
    const doomed = this.#existing(resource);
    this.#data.instances = this.#data.instances.filter((instance) => !doomed.includes(instance));
    this.feed.append('Delete', doomed);
  }

  /** DICOM JSON of every instance. Throws 404 when there is none, 503 when it cannot be read. */
  metadataOf(resource: Resource): readonly DicomJson[] {
    return this.#existing(resource).map(({ watermark }) => this.metadata(watermark));
  }

  /** Throws 503 when the version is poisoned or the store is down: to the real service a blob that it cannot parse is a data store that failed. */
  metadata(watermark: number): DicomJson {
    const metadata = this.#data.metadata[watermark];
    const poisoned = this.#poisoned.some((sequence) => this.feed.watermarkOf(sequence) === watermark);
    if (!metadata || poisoned || this.#outages > 0)
      throw new DicomRefusal(503, 'The data store operation failed.');
    return metadata;
  }

  /** Makes the metadata of the version that a sequence made unreadable, now or when it comes; the answer mends it. */
  poison(sequence: string): () => void {
    this.#poisoned.push(sequence);
    return () => {
      const at = this.#poisoned.indexOf(sequence);
      if (at >= 0) this.#poisoned.splice(at, 1);
    };
  }

  /** Makes all metadata unreadable, as when the store behind the service is down; the answer ends that. */
  loseMetadata(): () => void {
    this.#outages += 1;
    return () => {
      this.#outages -= 1;
    };
  }

  /** As if the service had been deleted and created again: nothing in it, and sequences from 1. */
  reset(): void {
    const { feed, ...rest } = emptyArchive();
    Object.assign(this.#data.feed, feed);
    Object.assign(this.#data, rest);
  }

  counts(): { latestSequence: string; changes: number; instances: number } {
    const { feed, instances } = this.#data;
    const latestSequence = this.feed.changes().at(-1)?.row.sequence ?? '0';
    return { latestSequence, changes: feed.rows.length, instances: instances.length };
  }

  get operations(): Record<string, Operation> {
    return this.#data.operations;
  }

  #newVersion({ study, series, sop }: InstanceUids, metadata: DicomJson): Instance {
    const watermark = ++this.#data.lastWatermark;
    this.#data.metadata[watermark] = metadata;
    return { study, series, sop, watermark };
  }

  #existing(resource: Resource): readonly Instance[] {
    const found = this.find(resource);
    const level =
      resource.sop !== undefined ? 'instance' : resource.series !== undefined ? 'series' : 'study';
    if (found.length === 0) throw new DicomRefusal(404, `The specified ${level} cannot be found.`);
    return found;
  }
}

function covers({ study, series, sop }: Resource, instance: InstanceUids): boolean {
  return (
    instance.study === study &&
    (series === undefined || instance.series === series) &&
    (sop === undefined || instance.sop === sop)
  );
}
