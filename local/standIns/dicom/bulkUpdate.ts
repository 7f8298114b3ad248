// Changes patient and study attributes of whole studies in place, as a long-running operation that is over at once.
import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { Archive, Operation } from './archive.ts';
import { DicomRefusal } from './errors.ts';
import { isUid } from './validation.ts';

const maxStudies = 50;
/** The study attributes that may change, besides those of the patient (DICOM service documentation, bulk update). */
const changeable = /^(0010[0-9A-F]{4}|00080050|00080090|00081030|00403001)$/;

const specification = z.strictObject({
  studyInstanceUids: z
    .array(z.string().check(z.refine(isUid, 'expected a UID')))
    .check(z.minLength(1), z.maxLength(maxStudies)),
  changeDataset: z
    .record(
      z.string(),
      z.strictObject({
        vr: z.string().check(z.regex(/^(?!SQ)[A-Z]{2}$/, 'expected a type other than SQ')),
        Value: z.array(z.unknown()).check(z.minLength(1)),
      }),
    )
    .check(z.refine(mayChange, 'expected attributes of the patient or the study that may change')),
});

/** Throws 400, naming the field, for a body that is no specification of an update. */
export function bulkUpdate(
  archive: Archive,
  { partition, body, now }: { partition: string; body: string; now: number },
): Operation {
  const { studyInstanceUids, changeDataset } = parse(body);
  const counts = studyInstanceUids.map((study) => archive.update({ partition, study }, changeDataset));
  const failed = studyInstanceUids.filter((_, n) => counts[n] === 0);
  const time = new Date(now).toISOString();
  const errors = failed.map((study) => `Failed to update instances for study ${study}`);
  const operation: Operation = {
    operationId: randomUUID().replaceAll('-', ''),
    type: 'update',
    createdTime: time,
    lastUpdatedTime: time,
    status: failed.length > 0 ? 'failed' : 'completed',
    percentComplete: 100,
    results: {
      studyUpdated: studyInstanceUids.length - failed.length,
      ...(failed.length > 0 ? { studyFailed: failed.length } : {}),
      instanceUpdated: counts.reduce((sum, count) => sum + count, 0),
      ...(failed.length > 0 ? { errors } : {}),
    },
  };
  archive.operations[operation.operationId] = operation;
  return operation;
}

function mayChange(changes: object): boolean {
  const tags = Object.keys(changes);
  return tags.length > 0 && tags.every((tag) => changeable.test(tag));
}

function parse(body: string): z.infer<typeof specification> {
  const parsed = specification.safeParse(json(body));
  if (parsed.success) return parsed.data;
  throw invalid(z.prettifyError(parsed.error));
}

function json(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    throw invalid('It is not JSON.');
  }
}

function invalid(details: string): DicomRefusal {
  return new DicomRefusal(400, `The request body is not valid. Details: ${details}`);
}
