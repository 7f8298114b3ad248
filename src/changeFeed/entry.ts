// One entry of the change feed as the DICOM service tells it, and what identifies it for good.
import { sha256Hex } from '../platform/hash.ts';

/** A DICOM JSON object: tags of eight hexadecimal digits to elements. */
export type DicomJson = Readonly<Record<string, unknown>>;

export interface FeedEntry {
  readonly sequence: number;
  readonly partitionName: string;
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  /** `Create`, `Update`, `Delete`, or what the service said where we do not know it. */
  readonly action: string;
  /** `Current`, `Replaced`, `Deleted`, or what the service said: as seen when it was read, not when it happened. */
  readonly state: string;
  /** As the service wrote it: seven digits of a second do not fit a Date. */
  readonly timestamp: string;
  readonly filePath?: string | undefined;
  readonly metadata?: DicomJson | undefined;
  /** The service has metadata but cannot read it. */
  readonly metadataError?: 'unreadable';
}

/** The last committed entry in the form in which it can be recognised: none of this ever changes in one feed. */
export interface Anchor {
  readonly sequence: number;
  readonly timestamp: string;
  readonly action: string;
  /** A digest, because the UIDs may identify a patient. */
  readonly uidHash: string;
}

export function anchorOf(entry: FeedEntry): Anchor {
  const { sequence, timestamp, action } = entry;
  const uids = [entry.partitionName, entry.studyInstanceUid, entry.seriesInstanceUid, entry.sopInstanceUid];
  return { sequence, timestamp, action, uidHash: sha256Hex(uids.join('\0')) };
}

/** True when `entry` is the very entry that `anchor` was made of. */
export function isAnchored(anchor: Anchor, entry: FeedEntry | undefined): boolean {
  if (!entry) return false;
  const found = anchorOf(entry);
  return (
    found.sequence === anchor.sequence &&
    found.timestamp === anchor.timestamp &&
    // An action that we do not know is kept as it was told, and its letters may come in another case one day.
    found.action.toLowerCase() === anchor.action.toLowerCase() &&
    found.uidHash === anchor.uidHash
  );
}

/** Milliseconds since 1970 of a raw timestamp, cut to milliseconds: good for ages, never for a position. */
export function timestampMs({ timestamp }: Pick<FeedEntry, 'timestamp'>): number {
  return Date.parse(timestamp);
}
