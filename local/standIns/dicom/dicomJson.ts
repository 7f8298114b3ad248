// Turns the elements of a DICOM file into the DICOM JSON model (PS3.18 F), without bulk data, as the service keeps it.
import { decoderFor, type Decode } from './charsets.ts';
import type { DicomFile, Element } from './part10.ts';

export interface JsonElement {
  readonly vr: string;
  /** Absent when the element has no value. */
  readonly Value?: readonly unknown[];
}
export type DicomJson = Readonly<Record<string, JsonElement>>;

const bulkVrs = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN'];
const singleTexts = ['LT', 'ST', 'UR', 'UT'];
const unicodeTexts = ['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT'];
const characterSet = '00080005';

type ReadNumber = (view: DataView, at: number, littleEndian: boolean) => number | string;
const numbers: Readonly<Record<string, { readonly size: number; readonly read: ReadNumber }>> = {
  FD: { size: 8, read: (view, at, little) => finite(view.getFloat64(at, little)) },
  FL: { size: 4, read: (view, at, little) => finite(view.getFloat32(at, little)) },
  SL: { size: 4, read: (view, at, little) => view.getInt32(at, little) },
  SS: { size: 2, read: (view, at, little) => view.getInt16(at, little) },
  SV: { size: 8, read: (view, at, little) => safe(view.getBigInt64(at, little)) },
  UL: { size: 4, read: (view, at, little) => view.getUint32(at, little) },
  US: { size: 2, read: (view, at, little) => view.getUint16(at, little) },
  UV: { size: 8, read: (view, at, little) => safe(view.getBigUint64(at, little)) },
  AT: {
    size: 4,
    read: (view, at, little) => hex(view.getUint16(at, little)) + hex(view.getUint16(at + 2, little)),
  },
};

/** The JSON is UTF-8 whatever the file was, so that a character set in it becomes ISO_IR 192. */
export function toDicomJson({ elements, littleEndian }: DicomFile): DicomJson {
  return convert(elements, littleEndian, decoderFor([]));
}

function convert(elements: readonly Element[], littleEndian: boolean, inherited: Decode): DicomJson {
  const own = elements.find(({ tag }) => tag === characterSet)?.value;
  const decode =
    Buffer.isBuffer(own) && own.length > 0 ? decoderFor(own.toString('latin1').split('\\')) : inherited;
  const kept = elements.filter(({ vr }) => !bulkVrs.includes(vr));
  return Object.fromEntries(
    kept.map(({ tag, vr, value }): [string, JsonElement] => {
      const values = Buffer.isBuffer(value)
        ? valuesOf(tag, vr, value, littleEndian, decode)
        : value.map((nested) => convert(nested, littleEndian, decode));
      return [tag, values.some((one) => one !== null) ? { vr, Value: values } : { vr }];
    }),
  );
}

function valuesOf(
  tag: string,
  vr: string,
  bytes: Buffer,
  littleEndian: boolean,
  decode: Decode,
): readonly unknown[] {
  const number = numbers[vr];
  if (number) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const count = Math.floor(bytes.length / number.size);
    return Array.from({ length: count }, (_, n) => number.read(view, n * number.size, littleEndian));
  }
  const text = (unicodeTexts.includes(vr) ? decode(bytes, vr) : bytes.toString('latin1')).replace(
    /[\0 ]+$/,
    '',
  );
  if (singleTexts.includes(vr)) return [text || null];
  if (tag === characterSet && text) return ['ISO_IR 192'];
  return text.split('\\').map((one) => textValue(vr, one));
}

function textValue(vr: string, text: string): unknown {
  const trimmed = text.replace(/[\0 ]+$/, '').replace(/^ +/, '');
  if (trimmed === '') return null;
  if (vr === 'PN') return personName(trimmed);
  if (vr !== 'DS' && vr !== 'IS') return trimmed;
  const number = Number(trimmed);
  return Number.isFinite(number) ? number : trimmed;
}

/** Carets at the end only say that further parts are empty (PS3.5 6.2.1.1). */
function personName(text: string): object | null {
  const groups = text.split('=').map((group) => group.replace(/[\^ ]+$/, ''));
  const named = ['Alphabetic', 'Ideographic', 'Phonetic'].map((name, n) => [name, groups[n] ?? ''] as const);
  const present = named.filter(([, group]) => group !== '');
  return present.length > 0 ? Object.fromEntries(present) : null;
}

/** JSON has no such numbers; PS3.18 F.2.3 writes them as strings. */
function finite(number: number): number | string {
  if (Number.isFinite(number)) return number;
  if (Number.isNaN(number)) return 'NaN';
  return number > 0 ? 'inf' : '-inf';
}

/** 64 bits do not fit a JavaScript number; the model allows a string instead. */
function safe(number: bigint): number | string {
  return Number.isSafeInteger(Number(number)) ? Number(number) : String(number);
}

function hex(number: number): string {
  return number.toString(16).toUpperCase().padStart(4, '0');
}
