// One DICOM service: the instances it holds, the metadata of each version, and its change feed.
import { Override } from '../effects.ts';
import type { Now } from '../kit.ts';
import type { DicomJson } from './dicomJson.ts';
import { DicomRefusal } from './errors.ts';
import { defaultPartition, emptyFeed, Feed, type FeedData, type Placed, type Version } from './feed.ts';

/** A study, a series or an instance, by how many of its UIDs are given. */
export interface Resource {
  /** The default one when absent. */
  readonly partition?: string | undefined;
  readonly study: string;
  readonly series?: string | undefined;
  readonly sop?: string | undefined;
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
  instances: Version[];
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

/** A blob that is gone, a store of the customer's that is out of reach, a blob that cannot be parsed. */
export type PoisonStatus = 500 | 424 | 503;

const poisonTexts: Readonly<Record<PoisonStatus, string>> = {
  500: 'The specified item cannot be found.',
  424: 'The external store cannot be reached.',
  503: 'The data store operation failed.',
};

export class Archive {
  readonly #data: ArchiveData;
  readonly #poisoned: { readonly sequence: string; readonly status: PoisonStatus }[] = [];
  readonly #outage = new Override<true>();
  /** What the service has while a rule says so. */
  readonly partitions = new Override<true>();
  readonly externalStore = new Override<true>();
  /** The feed is written as the documentation shows it: keys in Pascal case, values in small letters. */
  readonly documentedForm = new Override<true>();
  readonly feed: Feed;

  constructor(data: ArchiveData, now: Now) {
    this.#data = data;
    this.feed = new Feed(data.feed, now);
  }

  has(uids: Placed): boolean {
    return this.find(uids).length > 0;
  }

  find(resource: Resource): readonly Version[] {
    return this.#data.instances.filter((instance) => covers(resource, instance));
  }

  /** The caller has made sure that there is no such instance. */
  store(uids: Placed, metadata: DicomJson): void {
    const created = this.#newVersion(uids, metadata);
    this.#data.instances.push(created);
    this.feed.append('Create', [created]);
  }

  /** Changes attributes of every instance of the study, in one statement, and answers how many there are. */
  update(studyOf: Resource, changes: DicomJson): number {
    const updated = new Map(
      this.find(studyOf).map((instance) => [
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
    // Whether the row of a deletion names a file is not known: here it names none.
    this.feed.append(
      'Delete',
      doomed.map(({ filePath: _, ...instance }) => instance),
    );
  }

  /** DICOM JSON of every instance. Throws 404 when there is none, 503 when it cannot be read. */
  metadataOf(resource: Resource): readonly DicomJson[] {
    return this.#existing(resource).map(({ watermark }) => this.metadata(watermark));
  }

  /** Throws 503 when the store is down, and what the version is poisoned with. */
  metadata(watermark: number): DicomJson {
    const metadata = this.#data.metadata[watermark];
    const poison = this.#poisoned.find(({ sequence }) => this.feed.watermarkOf(sequence) === watermark);
    if (metadata && !poison && !this.#outage.current) return metadata;
    const status = poison?.status ?? 503;
    throw new DicomRefusal(status, poisonTexts[status]);
  }

  /** Makes the metadata of the version that a sequence made unreadable, now or when it comes; the answer mends it. */
  poison(sequence: string, status: PoisonStatus): () => void {
    const poison = { sequence, status };
    this.#poisoned.push(poison);
    return () => {
      const at = this.#poisoned.indexOf(poison);
      if (at >= 0) this.#poisoned.splice(at, 1);
    };
  }

  /** Makes all metadata unreadable, as when the store behind the service is down; the answer ends that. */
  loseMetadata(): () => void {
    return this.#outage.set(true);
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

  #newVersion({ partition, study, series, sop }: Placed, metadata: DicomJson): Version {
    const watermark = ++this.#data.lastWatermark;
    this.#data.metadata[watermark] = metadata;
    const folder = `DICOM/${partition ?? defaultPartition}`;
    const filePath = this.externalStore.current
      ? `${folder}/${watermark % 1000}_${watermark}.dcm`
      : undefined;
    return { partition, study, series, sop, watermark, filePath };
  }

  #existing(resource: Resource): readonly Version[] {
    const found = this.find(resource);
    const level =
      resource.sop !== undefined ? 'instance' : resource.series !== undefined ? 'series' : 'study';
    if (found.length === 0) throw new DicomRefusal(404, `The specified ${level} cannot be found.`);
    return found;
  }
}

function covers({ partition = defaultPartition, study, series, sop }: Resource, instance: Placed): boolean {
  return (
    (instance.partition ?? defaultPartition) === partition &&
    instance.study === study &&
    (series === undefined || instance.series === series) &&
    (sop === undefined || instance.sop === sop)
  );
}
