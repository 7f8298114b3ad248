// Reads the structure of a DICOM file (PS3.10) with dicom-parser and refuses one whose lengths do not add up.
// Measured with dicom-parser 1.8.21: it reads on past the end of an item or a sequence, or of an implicit file; takes
// any two bytes for a value representation, a lone delimiter for an element, anything up to the next delimiter for a
// value without a length; only warns of a missing delimiter, skips bytes after one that has a length, forgets an
// element whose tag comes again, and loses its place at an OV, SV or UV. All this is refused or mended here, except
// wrong lengths inside a private sequence of an implicit file: the library shows nothing of it, and we keep nothing of
// it. Its `parseDicom` is not in use: it tries the first element as explicit little endian whatever the file is, so
// that it cannot read a big endian file that begins with a sequence, and takes a transfer syntax padded with a space
// for explicit.
// dcmjs 0.51.1 lends its dictionary, but cannot read: it accepts a file that ends in the middle of an element, throws
// on a second character set, loses its place at an OL, OV or SV, splits ST and UT at backslashes, reads an empty US as
// 0.
import dcmjs from 'dcmjs';
import dicomParser, { type ByteStream, type Element as ParsedElement } from 'dicom-parser';
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

/** What surrounds the elements of a data set. */
interface Place {
  readonly bytes: Buffer;
  readonly syntax: Syntax;
  /** Where the innermost part that knows its length ends. */
  readonly limit: number;
  readonly depth: number;
  /** Pixel Representation (0028,0103), which decides whether some implicit elements are signed. */
  readonly signed: boolean;
}

const explicitLittle: Syntax = { implicit: false, littleEndian: true };
const implicitLittle: Syntax = { implicit: true, littleEndian: true };
const transferSyntaxes: Readonly<Record<string, Syntax>> = {
  '1.2.840.10008.1.2': implicitLittle,
  '1.2.840.10008.1.2.2': { implicit: false, littleEndian: false },
};
const deflated = '1.2.840.10008.1.2.1.99';
const unknownToLibrary = ['OV', 'SV', 'UV'];
const anyVr = /^(A[EST]|CS|D[AST]|F[DL]|IS|L[OT]|O[BDFLVW]|PN|S[HLQSTV]|TM|U[CILNRSTV])$/;
const undefinedLength = 0xffffffff;
const itemDelimiter = 'xfffee00d';
const sequenceDelimiter = 'xfffee0dd';
const sequenceDelimiterBytes = 0xe0ddfffe;
const delimiterSize = 8;
const longestHeader = 12;
const maxDepth = 64;
const maxInflated = 256 * 1024 * 1024;
const metaStart = 132;

/** Throws `BadDicomFile` when the preamble, the file meta information or a length is wrong. */
export function readDicomFile(bytes: Buffer): DicomFile {
  if (bytes.toString('latin1', metaStart - 4, metaStart) !== 'DICM')
    throw new BadDicomFile('There is no DICM prefix.');
  const meta = readElements(bytes, metaStart, explicitLittle, 2);
  const found = meta.elements.find(({ tag }) => tag === '00020010')?.value;
  const uid = Buffer.isBuffer(found) ? found.toString('latin1').replace(/[\0 ]+$/, '') : '';
  if (!uid) throw new BadDicomFile('The file meta information names no transfer syntax.');
  const syntax = transferSyntaxes[uid] ?? explicitLittle;
  const { elements } =
    uid === deflated
      ? readElements(inflate(bytes.subarray(meta.end)), 0, syntax)
      : readElements(bytes, meta.end, syntax);
  return { littleEndian: syntax.littleEndian, elements };
}

function inflate(bytes: Buffer): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: maxInflated });
  } catch {
    throw new BadDicomFile('The deflated data set cannot be inflated.');
  }
}

/** Reads to the end of the bytes, or of the group. */
function readElements(
  bytes: Buffer,
  start: number,
  syntax: Syntax,
  group?: number,
): { readonly elements: readonly Element[]; readonly end: number } {
  const parsed: ParsedElement[] = [];
  const stream = open(bytes, syntax);
  let end = start;
  try {
    stream.seek(start);
    while (end < bytes.length && (group === undefined || bytes.readUInt16LE(end) === group)) {
      parsed.push(next(stream, syntax));
      end = stream.position;
    }
  } catch {
    // The library throws texts, and the runtime a RangeError when sequences are too deep for its stack.
    throw new BadDicomFile(`What begins at byte ${end} cannot be read.`);
  }
  if (stream.warnings.length > 0) throw new BadDicomFile('A delimiter is missing.');
  const place = { bytes, syntax, limit: bytes.length, depth: 0, signed: false };
  return { elements: convert(parsed, start, place), end };
}

function open(bytes: Buffer, { littleEndian }: Syntax): ByteStream {
  const { ByteStream, littleEndianByteArrayParser, bigEndianByteArrayParser } = dicomParser;
  const parser = littleEndian ? littleEndianByteArrayParser : bigEndianByteArrayParser;
  const stream = new ByteStream(parser, bytes, 0);
  // The library asks its stream for each value representation: here it learns that these have long lengths, as OL has.
  const read = stream.readFixedString.bind(stream);
  stream.readFixedString = (length) => {
    const vr = read(length);
    return unknownToLibrary.includes(vr) ? 'OL' : vr;
  };
  return stream;
}

function next(stream: ByteStream, { implicit }: Syntax): ParsedElement {
  if (!implicit) return dicomParser.readDicomElementExplicit(stream, stream.warnings);
  return dicomParser.readDicomElementImplicit(stream, undefined, (tag) => {
    // The library is about to read the length. It keeps nothing of a private sequence that could be checked later.
    const length = stream.byteArrayParser.readUint32(stream.byteArray, stream.position);
    if (tag === sequenceDelimiter || (tag === itemDelimiter && length > 0))
      throw new BadDicomFile('A delimiter is wrong.');
    // An element without a length can only be a sequence, known or not.
    return length === undefinedLength ? 'SQ' : lookUp(plain(tag), false);
  });
}

function convert(parsed: readonly ParsedElement[], start: number, place: Place): Element[] {
  if (place.depth > maxDepth) throw new BadDicomFile('Sequences are nested too deeply.');
  let { signed } = place;
  let end = start;
  const elements: Element[] = [];
  for (const one of parsed) {
    // In items the library keeps the last of several elements with one tag (PS3.5 7.1 has no second), which leaves a gap.
    if (one.dataOffset - end > longestHeader)
      throw new BadDicomFile(`What begins at byte ${end} does not fit.`);
    const tag = plain(one.tag);
    const vr = place.syntax.implicit ? lookUp(tag, signed) : explicitVr(one, place.bytes);
    end = endOf(one, vr, place);
    const value = one.items
      ? itemsOf(one, one.items, { ...place, signed, syntax: vr === 'UN' ? implicitLittle : place.syntax })
      : place.bytes.subarray(one.dataOffset, one.dataOffset + one.length);
    if (tag === '00280103') signed = value[0] === 1;
    elements.push({ tag, vr, value });
  }
  return elements;
}

function itemsOf(sequence: ParsedElement, items: readonly ParsedElement[], place: Place): Element[][] {
  const limit = sequence.hadUndefinedLength ? place.limit : sequence.dataOffset + sequence.length;
  return items.map(({ dataOffset, length, dataSet, hadUndefinedLength }) => {
    const end = dataOffset + length;
    if (!dataSet || end > limit)
      throw new BadDicomFile(`The item at byte ${dataOffset} is longer than its sequence.`);
    const elements = Object.values(dataSet.elements);
    // The library counts the delimiter of an item among its elements, and skips as many bytes as it says.
    const last = elements.at(-1);
    if (hadUndefinedLength && last?.tag === itemDelimiter && last.length === 0) elements.pop();
    return convert(elements, dataOffset, { ...place, limit: end, depth: place.depth + 1 });
  });
}

/** Throws unless the element may stand there and is all there. */
function endOf({ tag, dataOffset, length, ...element }: ParsedElement, vr: string, place: Place): number {
  if (tag.startsWith('xfffe') || !anyVr.test(vr))
    throw new BadDicomFile(`No element can stand before byte ${dataOffset}.`);
  const { hadUndefinedLength, encapsulatedPixelData } = element;
  const mayLackLength = encapsulatedPixelData ? ['OB', 'OW'] : ['SQ', 'UN'];
  if (hadUndefinedLength && !mayLackLength.includes(vr))
    throw new BadDicomFile(`A length is missing before byte ${dataOffset}.`);
  // The library counts the delimiter of compressed pixels in, that of a sequence not.
  const end = dataOffset + length + (hadUndefinedLength && !encapsulatedPixelData ? delimiterSize : 0);
  if (end > place.limit) throw new BadDicomFile(`More is promised at byte ${dataOffset} than is there.`);
  if (encapsulatedPixelData && !endsWell(place.bytes.subarray(dataOffset, end)))
    throw new BadDicomFile(`The fragments of pixels before byte ${end} do not add up.`);
  return end;
}

/** The library ends at any other tag, and takes the table of offsets for longer than it is when that is not fours of bytes. */
function endsWell(pixels: Buffer): boolean {
  return (
    pixels.readUInt32LE(4) % 4 === 0 &&
    pixels.readUInt32LE(pixels.length - delimiterSize) === sequenceDelimiterBytes
  );
}

/** The library was told OL for those that it does not know; the file says which it is. */
function explicitVr({ vr = '', dataOffset }: ParsedElement, bytes: Buffer): string {
  return vr === 'OL' ? bytes.toString('latin1', dataOffset - 8, dataOffset - 6) : vr;
}

/** The library writes a tag as `x0008103e`. */
function plain(tag: string): string {
  return tag.slice(1).toUpperCase();
}

function lookUp(tag: string, signed: boolean): string {
  if (tag.endsWith('0000')) return 'UL';
  const isPrivate = Number.parseInt(tag.slice(0, 4), 16) % 2 === 1;
  if (isPrivate) return /^.{4}00[1-9A-F]/.test(tag) ? 'LO' : 'UN';
  const vr = dcmjs.data.DicomMetaDictionary.dictionary[`(${tag.slice(0, 4)},${tag.slice(4)})`]?.vr;
  if (vr === 'xs') return signed ? 'SS' : 'US';
  if (vr === 'ox') return 'OW';
  return vr && anyVr.test(vr) ? vr : 'UN';
}
