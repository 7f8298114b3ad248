// Reads the structure of a DICOM file (PS3.10) and refuses one whose lengths do not add up.
// dcmjs is not asked to: it accepts a file that ends in the middle of an element, throws on a second character set, loses
// its place at an OL, OV or SV element, splits ST and UT at backslashes and reads an empty US as 0 (measured with 0.51.1).
import dcmjs from 'dcmjs';
import { inflateRawSync } from 'node:zlib';

export interface Element {
  /** Eight capital hexadecimal digits. */
  readonly tag: string;
  readonly vr: string;
  /** The bytes of a value, or the items of a sequence. */
  readonly value: Buffer | readonly (readonly Element[])[];
}

export interface DicomFile {
  readonly littleEndian: boolean;
  /** Without the file meta information. */
  readonly elements: readonly Element[];
}

/** The file is not DICOM, or damaged; the text says where and never what it contains. */
export class BadDicomFile extends Error {}

interface Syntax {
  readonly implicit: boolean;
  readonly littleEndian: boolean;
}

const transferSyntaxes: Readonly<Record<string, Syntax>> = {
  '1.2.840.10008.1.2': { implicit: true, littleEndian: true },
  '1.2.840.10008.1.2.2': { implicit: false, littleEndian: false },
};
const explicitLittle: Syntax = { implicit: false, littleEndian: true };
const implicitLittle: Syntax = { implicit: true, littleEndian: true };
const deflated = '1.2.840.10008.1.2.1.99';
const longVrs = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'];
const shortVrs = [
  'AE',
  'AS',
  'AT',
  'CS',
  'DA',
  'DS',
  'DT',
  'FD',
  'FL',
  'IS',
  'LO',
  'LT',
  'PN',
  'SH',
  'SL',
  'SS',
  'ST',
  'TM',
  'UI',
  'UL',
  'US',
];
const undefinedLength = 0xffffffff;
const item = 'FFFEE000';
const itemEnd = 'FFFEE00D';
const sequenceEnd = 'FFFEE0DD';
const maxDepth = 64;
const maxInflated = 256 * 1024 * 1024;
const metaStart = 132;

/** Throws `BadDicomFile` when the preamble, the file meta information or a length is wrong. */
export function readDicomFile(bytes: Buffer): DicomFile {
  if (bytes.toString('latin1', metaStart - 4, metaStart) !== 'DICM')
    throw new BadDicomFile('There is no DICM prefix.');
  const meta = new Reader(bytes, metaStart, explicitLittle);
  const found = new Map<string, Buffer>();
  while (meta.peekGroup() === 2) {
    const { tag, value } = meta.element();
    if (Buffer.isBuffer(value)) found.set(tag, value);
  }
  const uid = found
    .get('00020010')
    ?.toString('latin1')
    .replace(/[\0 ]+$/, '');
  if (!uid) throw new BadDicomFile('The file meta information names no transfer syntax.');
  const syntax = transferSyntaxes[uid] ?? explicitLittle;
  const data = uid === deflated ? inflate(bytes.subarray(meta.at)) : bytes.subarray(meta.at);
  return {
    littleEndian: syntax.littleEndian,
    elements: new Reader(data, 0, syntax).elementsUntil(data.length),
  };
}

function inflate(bytes: Buffer): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: maxInflated });
  } catch {
    throw new BadDicomFile('The deflated data set cannot be inflated.');
  }
}

class Reader {
  readonly #bytes: Buffer;
  readonly #syntax: Syntax;
  readonly #depth: number;
  /** Pixel Representation (0028,0103), which decides whether some implicit elements are signed. */
  #signed = false;
  at: number;

  constructor(bytes: Buffer, at: number, syntax: Syntax, depth = 0) {
    if (depth > maxDepth) throw new BadDicomFile('Sequences are nested too deeply.');
    this.#bytes = bytes;
    this.#syntax = syntax;
    this.#depth = depth;
    this.at = at;
  }

  /** The group number that comes next, or -1 at the end. */
  peekGroup(): number {
    return this.at + 4 > this.#bytes.length ? -1 : this.#bytes.readUInt16LE(this.at);
  }

  /** Reads up to `end`, where an element must end exactly. */
  elementsUntil(end: number): Element[] {
    const elements: Element[] = [];
    while (this.at < end) elements.push(this.element(end));
    return elements;
  }

  element(end = this.#bytes.length): Element {
    const tag = this.#tag(end);
    if (tag.startsWith('FFFE')) throw new BadDicomFile(`A delimiter stands alone at byte ${this.at}.`);
    const { vr, length } = this.#syntax.implicit
      ? { vr: this.#lookUp(tag), length: this.#uint32(end) }
      : this.#explicit(end);
    if (vr === 'SQ' || length === undefinedLength) return { tag, vr, value: this.#items(vr, length, end) };
    const value = this.#take(length, end);
    if (tag === '00280103') this.#signed = value[0] === 1;
    return { tag, vr, value };
  }

  #explicit(end: number): { vr: string; length: number } {
    const vr = this.#take(2, end).toString('latin1');
    if (longVrs.includes(vr)) {
      this.#take(2, end);
      return { vr, length: this.#uint32(end) };
    }
    if (!shortVrs.includes(vr))
      throw new BadDicomFile(`There is no such value representation at byte ${this.at}.`);
    const length = this.#take(2, end);
    return { vr, length: this.#syntax.littleEndian ? length.readUInt16LE() : length.readUInt16BE() };
  }

  /** Items of a sequence, or the fragments of compressed pixels, which count as bulk data and are not kept. */
  #items(vr: string, length: number, limit: number): readonly (readonly Element[])[] | Buffer {
    const fragments = !['SQ', 'UN'].includes(vr);
    if (fragments && !['OB', 'OW'].includes(vr))
      throw new BadDicomFile(`A length is missing at byte ${this.at}.`);
    const end = length === undefinedLength ? limit : this.#end(length, limit);
    const items: Element[][] = [];
    while (length === undefinedLength || this.at < end) {
      const tag = this.#tag(end);
      const itemLength = this.#uint32(end);
      if (tag === sequenceEnd && length === undefinedLength) return fragments ? Buffer.alloc(0) : items;
      if (tag !== item) throw new BadDicomFile(`An item is expected before byte ${this.at}.`);
      if (fragments) this.#take(itemLength, end);
      else items.push(this.#item(vr, itemLength, end));
    }
    return items;
  }

  #item(vr: string, length: number, limit: number): Element[] {
    // An explicit UN of undefined length holds implicit little endian (PS3.5 6.2.2).
    const reader = new Reader(
      this.#bytes,
      this.at,
      vr === 'UN' ? implicitLittle : this.#syntax,
      this.#depth + 1,
    );
    reader.#signed = this.#signed;
    const elements =
      length === undefinedLength
        ? reader.#untilItemEnd(limit)
        : reader.elementsUntil(this.#end(length, limit));
    this.at = reader.at;
    return elements;
  }

  #untilItemEnd(limit: number): Element[] {
    const elements: Element[] = [];
    for (;;) {
      const start = this.at;
      if (this.#tag(limit) === itemEnd) {
        this.#uint32(limit);
        return elements;
      }
      this.at = start;
      elements.push(this.element(limit));
    }
  }

  #end(length: number, limit: number): number {
    if (this.at + length > limit)
      throw new BadDicomFile(`More is promised at byte ${this.at} than is there.`);
    return this.at + length;
  }

  #take(length: number, limit: number): Buffer {
    const end = this.#end(length, limit);
    const taken = this.#bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  #tag(end: number): string {
    const bytes = this.#take(4, end);
    const [group, element] = this.#syntax.littleEndian
      ? [bytes.readUInt16LE(0), bytes.readUInt16LE(2)]
      : [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
    return (group.toString(16).padStart(4, '0') + element.toString(16).padStart(4, '0')).toUpperCase();
  }

  #uint32(end: number): number {
    const bytes = this.#take(4, end);
    return this.#syntax.littleEndian ? bytes.readUInt32LE() : bytes.readUInt32BE();
  }

  #lookUp(tag: string): string {
    if (tag.endsWith('0000')) return 'UL';
    const isPrivate = Number.parseInt(tag.slice(0, 4), 16) % 2 === 1;
    if (isPrivate) return /^.{4}00[1-9A-F]/.test(tag) ? 'LO' : 'UN';
    const vr = dcmjs.data.DicomMetaDictionary.dictionary[`(${tag.slice(0, 4)},${tag.slice(4)})`]?.vr;
    if (vr === 'xs') return this.#signed ? 'SS' : 'US';
    if (vr === 'ox') return 'OW';
    return vr && /^[A-Z]{2}$/.test(vr) ? vr : 'UN';
  }
}
