// Makes small DICOM files of nobody: what the demonstration stores and the tests begin with.
import dcmjs from 'dcmjs';
import { createHash } from 'node:crypto';

/** Attributes in the DICOM JSON model; binary values are an ArrayBuffer. */
export type Attributes = Readonly<
  Record<string, { readonly vr: string; readonly Value?: readonly unknown[] }>
>;

export interface ImageOptions {
  /** What the UIDs are made of: the same names give the same UIDs, in every run. */
  readonly study: string;
  readonly series?: string;
  readonly instance?: string;
  readonly modality?: Modality;
  /** Replaces or adds attributes; `without` takes some away, by tag. */
  readonly attributes?: Attributes;
  readonly without?: readonly string[];
}

export type Modality = 'CT' | 'MR' | 'US';

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const sopClasses: Readonly<Record<Modality, string>> = {
  CT: '1.2.840.10008.5.1.4.1.1.2',
  MR: '1.2.840.10008.5.1.4.1.1.4',
  US: '1.2.840.10008.5.1.4.1.1.6.1',
};
const side = 16;

/** A UID under 2.25, which anybody may use (PS3.5 B.2). */
export function dicomUid(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex');
  return `2.25.${BigInt(`0x${digest.slice(0, 32)}`)}`;
}

export function uidsOf({ study, series = 'series', instance = 'instance' }: ImageOptions): {
  study: string;
  series: string;
  sop: string;
} {
  return {
    study: dicomUid(`study ${study}`),
    series: dicomUid(`series ${study} ${series}`),
    sop: dicomUid(`instance ${study} ${series} ${instance}`),
  };
}

/** A valid Part 10 file of some 2 kB: explicit little endian, 16 by 16 pixels, texts in UTF-8. */
export function dicomFile(options: ImageOptions): Buffer {
  const { modality = 'CT', attributes = {}, without = [] } = options;
  const uids = uidsOf(options);
  const file = new dcmjs.data.DicomDict({
    '00020002': { vr: 'UI', Value: [sopClasses[modality]] },
    '00020003': { vr: 'UI', Value: [uids.sop] },
    '00020010': { vr: 'UI', Value: [explicitLittleEndian] },
    '00020012': { vr: 'UI', Value: [dicomUid('telehealth-functions')] },
  });
  const all = { ...baseAttributes(options, modality), ...pixels(), ...attributes };
  file.dict = Object.fromEntries(Object.entries(all).filter(([tag]) => !without.includes(tag)));
  return Buffer.from(file.write());
}

/** What the demo tenant's imaging service holds from the start: three images of two studies. */
export function demoFiles(): readonly Buffer[] {
  const images: readonly ImageOptions[] = [
    { study: 'demo chest', instance: 'slice 1', modality: 'CT' },
    { study: 'demo chest', instance: 'slice 2', modality: 'CT' },
    { study: 'demo heart', modality: 'US' },
  ];
  return images.map(dicomFile);
}

/** One more image, for people to send themselves. */
export function sampleFile(): Buffer {
  return dicomFile({ study: 'demo knee', modality: 'MR' });
}

function baseAttributes(options: ImageOptions, modality: Modality): Attributes {
  const { study, series, sop } = uidsOf(options);
  return {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '00080016': { vr: 'UI', Value: [sopClasses[modality]] },
    '00080018': { vr: 'UI', Value: [sop] },
    '00080020': { vr: 'DA', Value: ['20260102'] },
    '00080030': { vr: 'TM', Value: ['030405'] },
    '00080050': { vr: 'SH', Value: ['DEMO'] },
    '00080060': { vr: 'CS', Value: [modality] },
    '00080090': { vr: 'PN', Value: [{ Alphabetic: 'Nobody^Doctor' }] },
    '00081030': { vr: 'LO', Value: [`Fictitious study: ${options.study}`.slice(0, 64)] },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Fictitious^Änne' }] },
    '00100020': { vr: 'LO', Value: ['NOBODY-1'] },
    '00100030': { vr: 'DA', Value: ['19000101'] },
    '00100040': { vr: 'CS', Value: ['O'] },
    '0020000D': { vr: 'UI', Value: [study] },
    '0020000E': { vr: 'UI', Value: [series] },
    '00200010': { vr: 'SH', Value: ['DEMO'] },
    '00200011': { vr: 'IS', Value: ['1'] },
    '00200013': { vr: 'IS', Value: ['1'] },
  };
}

/** A grey ramp. */
function pixels(): Attributes {
  const grey = Uint16Array.from({ length: side * side }, (_, n) => n * side);
  return {
    '00280002': { vr: 'US', Value: [1] },
    '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
    '00280010': { vr: 'US', Value: [side] },
    '00280011': { vr: 'US', Value: [side] },
    '00280100': { vr: 'US', Value: [16] },
    '00280101': { vr: 'US', Value: [12] },
    '00280102': { vr: 'US', Value: [11] },
    '00280103': { vr: 'US', Value: [0] },
    '7FE00010': { vr: 'OW', Value: [grey.buffer] },
  };
}
