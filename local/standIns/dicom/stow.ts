// Stores DICOM files (STOW-RS) and says in a DICOM JSON data set what became of each.
import type { Archive } from './archive.ts';
import { toDicomJson, type DicomJson, type JsonElement } from './dicomJson.ts';
import { DicomRefusal } from './errors.ts';
import type { InstanceUids } from './feed.ts';
import { parseMediaType, splitMultipart } from './multipart.ts';
import { BadDicomFile, readDicomFile } from './part10.ts';
import { identify, invalidAttributes, textOf, type InvalidAttribute } from './validation.ts';

export interface StoreRequest {
  readonly archive: Archive;
  readonly partition: string;
  readonly files: readonly Buffer[];
  /** The study that the path names, if it does. */
  readonly study: string | undefined;
  /** v2 leaves invalid optional attributes out with a warning; v1 refuses the instance. */
  readonly lenient: boolean;
  /** URL that study paths are relative to, without a slash at its end. */
  readonly base: string;
}

export interface StoreAnswer {
  readonly status: 200 | 202 | 204 | 409;
  readonly body: DicomJson;
}

const failure = { processing: 272, validation: 43264, otherStudy: 43265, alreadyExists: 45070 } as const;
const attributeWarning = 1;
const dicom = 'application/dicom';

interface Outcome {
  readonly item: DicomJson;
  readonly stored: boolean;
  readonly warned: boolean;
}

/** The files of a request body. Throws 415 for another content type, 400 for a broken multipart body. */
export function filesOf(contentType: string, body: Buffer): readonly Buffer[] {
  const { type, parameters } = parseMediaType(contentType);
  if (type === dicom) return body.length > 0 ? [body] : [];
  if (type !== 'multipart/related') throw unsupported(contentType);
  const boundary = parameters.get('boundary');
  if (!boundary) {
    throw new DicomRefusal(
      415,
      `The content type '${contentType}' is either not multipart or is missing boundary.`,
    );
  }
  return splitMultipart(body, boundary).map((part) => {
    const partType = part.type || (parameters.get('type')?.toLowerCase() ?? '');
    if (partType !== dicom) throw unsupported(partType);
    return part.content;
  });
}

export function storeFiles(request: StoreRequest): StoreAnswer {
  const outcomes = request.files.map((file) => storeFile(request, file));
  const stored = outcomes.filter((outcome) => outcome.stored);
  const failed = outcomes.filter((outcome) => !outcome.stored);
  const { study, base } = request;
  const body = {
    ...(study !== undefined && stored.length > 0
      ? { '00081190': element('UR', `${base}/studies/${study}`) }
      : {}),
    ...(failed.length > 0 ? { '00081198': element('SQ', ...failed.map(({ item }) => item)) } : {}),
    ...(stored.length > 0 ? { '00081199': element('SQ', ...stored.map(({ item }) => item)) } : {}),
  };
  if (outcomes.length === 0) return { status: 204, body };
  if (stored.length === 0) return { status: 409, body };
  return { status: failed.length > 0 || stored.some(({ warned }) => warned) ? 202 : 200, body };
}

function storeFile({ archive, partition, study, lenient, base }: StoreRequest, file: Buffer): Outcome {
  const metadata = read(file);
  if (!metadata) return failed(undefined, failure.processing);
  const uids = identify(metadata);
  if (!uids) return failed(metadata, failure.validation);
  if (study !== undefined && study.toLowerCase() !== uids.study.toLowerCase()) {
    return failed(metadata, failure.otherStudy);
  }
  const invalid = invalidAttributes(metadata);
  if (invalid.length > 0 && !lenient) return failed(metadata, failure.validation, invalid);
  if (archive.has({ ...uids, partition })) return failed(metadata, failure.alreadyExists);
  const dropped = invalid.map(({ tag }) => tag);
  const kept = Object.entries(metadata).filter(([tag]) => !dropped.includes(tag));
  archive.store({ ...uids, partition }, Object.fromEntries(kept));
  return {
    stored: true,
    warned: invalid.length > 0,
    item: {
      ...references(metadata),
      '00081190': element('UR', instanceUrl(base, uids)),
      ...(invalid.length > 0 ? { '00081196': element('US', attributeWarning) } : {}),
      ...comments(invalid),
    },
  };
}

function read(file: Buffer): DicomJson | undefined {
  try {
    return toDicomJson(readDicomFile(file));
  } catch (error) {
    if (error instanceof BadDicomFile) return undefined;
    throw error;
  }
}

function failed(
  metadata: DicomJson | undefined,
  reason: number,
  invalid: readonly InvalidAttribute[] = [],
): Outcome {
  const item = { ...references(metadata ?? {}), '00081197': element('US', reason), ...comments(invalid) };
  return { item, stored: false, warned: false };
}

function references(metadata: DicomJson): DicomJson {
  const [sopClass, sop] = [textOf(metadata, '00080016'), textOf(metadata, '00080018')];
  return {
    ...(sopClass ? { '00081150': element('UI', sopClass) } : {}),
    ...(sop ? { '00081155': element('UI', sop) } : {}),
  };
}

function comments(invalid: readonly InvalidAttribute[]): DicomJson {
  if (invalid.length === 0) return {};
  return {
    '00741048': element('SQ', ...invalid.map(({ comment }) => ({ '00000902': element('LO', comment) }))),
  };
}

function element(vr: string, ...values: unknown[]): JsonElement {
  return { vr, Value: values };
}

function instanceUrl(base: string, { study, series, sop }: InstanceUids): string {
  return `${base}/studies/${study}/series/${series}/instances/${sop}`;
}

function unsupported(contentType: string): DicomRefusal {
  return new DicomRefusal(415, `The specified content type '${contentType}' is not supported.`);
}
