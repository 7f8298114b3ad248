// Makes the CloudEvents 1.0 event of a change, with the names of Azure's own DICOM events.
import type { MetadataChoice } from '../platform/settings/types.ts';
import type { DicomJson, FeedEntry } from './entry.ts';
import { project } from './metadata.ts';
import { padded } from './sink.ts';

export interface ChangeData {
  readonly partitionName: string;
  readonly imageStudyInstanceUid: string;
  readonly imageSeriesInstanceUid: string;
  readonly imageSopInstanceUid: string;
  readonly serviceHostName: string;
  readonly sequenceNumber: number;
  readonly action: string;
  /** As observed when the change was read; the feed keeps no history of it. */
  readonly state: string;
  readonly filePath?: string;
  /** The metadata of the instance as it is now, which for an older change may be a newer version's. */
  readonly metadata?: DicomJson;
  /** The metadata was asked for, but the service cannot read it; that of other changes it can. */
  readonly metadataError?: 'unreadable';
}

export interface CloudEvent {
  readonly specversion: '1.0';
  /** `<epoch>.<sequence>`: equal for every delivery of one change. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly sequence: string;
  readonly late?: true;
  readonly data: ChangeData;
}

export interface EventFrame {
  /** URL of the service, without a trailing slash. */
  readonly service: string;
  readonly epoch: number;
  readonly late: boolean;
  readonly metadata: MetadataChoice;
}

const types = new Map([
  ['Create', 'DicomImageCreated'],
  ['Update', 'DicomImageUpdated'],
  ['Delete', 'DicomImageDeleted'],
]);

/** Ascending as `entries` are. */
export function toEvents(entries: readonly FeedEntry[], frame: EventFrame): readonly CloudEvent[] {
  const { host } = new URL(frame.service);
  return entries.map((entry) => eventOf(entry, frame, host));
}

export function toEvent(entry: FeedEntry, frame: EventFrame): CloudEvent {
  return eventOf(entry, frame, new URL(frame.service).host);
}

function eventOf(entry: FeedEntry, frame: EventFrame, host: string): CloudEvent {
  return {
    specversion: '1.0',
    id: `${frame.epoch}.${entry.sequence}`,
    source: frame.service,
    type: `Microsoft.HealthcareApis.${types.get(entry.action) ?? 'DicomImageChanged'}`,
    subject: instancePath(entry),
    time: entry.timestamp,
    datacontenttype: 'application/json',
    sequence: padded(entry.sequence),
    ...(frame.late ? { late: true } : {}),
    data: toData(entry, frame.metadata, host),
  };
}

function toData(entry: FeedEntry, metadata: MetadataChoice, serviceHostName: string): ChangeData {
  const projected = project(entry.metadata, metadata);
  return {
    partitionName: entry.partitionName,
    imageStudyInstanceUid: entry.studyInstanceUid,
    imageSeriesInstanceUid: entry.seriesInstanceUid,
    imageSopInstanceUid: entry.sopInstanceUid,
    serviceHostName,
    sequenceNumber: entry.sequence,
    action: entry.action,
    state: entry.state,
    ...(entry.filePath === undefined ? {} : { filePath: entry.filePath }),
    ...(projected === undefined ? {} : { metadata: projected }),
    ...(entry.metadataError === undefined ? {} : { metadataError: entry.metadataError }),
  };
}

/** The default partition is not part of the path: a service without partitions refuses it there. */
function instancePath(entry: FeedEntry): string {
  const { partitionName, studyInstanceUid, seriesInstanceUid, sopInstanceUid } = entry;
  const partition = partitionName === 'Microsoft.Default' ? '' : `/partitions/${encoded(partitionName)}`;
  const study = `/studies/${encoded(studyInstanceUid)}/series/${encoded(seriesInstanceUid)}`;
  return `/v2${partition}${study}/instances/${encoded(sopInstanceUid)}`;
}

/** UIDs are digits and dots, which stay as they are: seeing that takes a tenth of the time that encoding them does. */
function encoded(part: string): string {
  return /^[\d.]+$/.test(part) ? part : encodeURIComponent(part);
}
