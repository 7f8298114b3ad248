// What the service demands of an instance before it stores it: five attributes, and sound values of those it indexes.
import type { DicomJson } from './dicomJson.ts';
import type { InstanceUids } from './feed.ts';

export interface InvalidAttribute {
  readonly tag: string;
  /** Names the attribute and the rule, never the value. */
  readonly comment: string;
}

const uid = /^[0-9A-Za-z.-]{1,64}$/;
const required = ['00080016', '00080018', '00100020', '0020000D', '0020000E'];
/** StudyDate, AccessionNumber, Modality, ReferringPhysicianName, StudyDescription, ManufacturerModelName, PatientName, PatientBirthDate, PerformedProcedureStepStartDate. */
const indexed = [
  ...['00080020', '00080050', '00080060', '00080090', '00081030', '00081090', '00100010'],
  ...['00100030', '00400244'],
];

const rules: Readonly<Record<string, { readonly valid: (text: string) => boolean; readonly why: string }>> = {
  CS: {
    valid: (text) => /^[A-Z0-9_ ]{0,16}$/.test(text),
    why: 'value must be capital letters, digits, space or underscore, at most 16',
  },
  DA: { valid: isDate, why: 'one of the date values does not match the pattern YYYYMMDD' },
  LO: { valid: (text) => text.length <= 64, why: 'value exceeds maximum length of 64 characters' },
  PN: { valid: (text) => text.length <= 64, why: 'value exceeds maximum length of 64 characters' },
  SH: { valid: (text) => text.length <= 16, why: 'value exceeds maximum length of 16 characters' },
};

export function isUid(text: string): boolean {
  return uid.test(text);
}

/** The UIDs of an instance fit to be stored; undefined when a required attribute is missing or wrong. */
export function identify(metadata: DicomJson): InstanceUids | undefined {
  if (required.some((tag) => !metadata[tag])) return undefined;
  const [study, series, sop] = [
    textOf(metadata, '0020000D'),
    textOf(metadata, '0020000E'),
    textOf(metadata, '00080018'),
  ];
  const uids = [study, series, sop, textOf(metadata, '00080016')];
  if (!uids.every(isUid) || new Set([study, series, sop]).size < 3) return undefined;
  return textOf(metadata, '00100020').length <= 64 ? { study, series, sop } : undefined;
}

/** Empty text when the attribute has no value. */
export function textOf(metadata: DicomJson, tag: string): string {
  const value = metadata[tag]?.Value?.[0];
  return typeof value === 'string' ? value : '';
}

export function invalidAttributes(metadata: DicomJson): readonly InvalidAttribute[] {
  return indexed.flatMap((tag) => {
    const { vr = '', Value = [] } = metadata[tag] ?? {};
    const rule = rules[vr];
    if (!rule || Value.flatMap(textsOf).every(rule.valid)) return [];
    const name = `(${tag.slice(0, 4)},${tag.slice(4)})`.toLowerCase();
    return [{ tag, comment: `DICOM100: ${name} - Content does not validate VR ${vr}: ${rule.why}` }];
  });
}

/** The text of a value, or those of a person name's groups. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return false;
  const ms = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).getUTCDate() === Number(day);
}
