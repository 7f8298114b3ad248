// Writes DICOM byte by byte, in every transfer syntax and also wrongly, which no library would do for a test.

export interface Syntax {
  readonly implicit?: boolean;
  readonly bigEndian?: boolean;
}

export const undefinedLength = 0xffffffff;
const longVrs = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'];

export function uint16(value: number, bigEndian = false): Buffer {
  const bytes = Buffer.alloc(2);
  if (bigEndian) bytes.writeUInt16BE(value);
  else bytes.writeUInt16LE(value);
  return bytes;
}

export function uint32(value: number, bigEndian = false): Buffer {
  const bytes = Buffer.alloc(4);
  if (bigEndian) bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
}

function tagBytes(tag: string, bigEndian = false): Buffer {
  const parts = [tag.slice(0, 4), tag.slice(4)].map((part) => uint16(Number.parseInt(part, 16), bigEndian));
  return Buffer.concat(parts);
}

/** One element; `length` may lie about the value. */
export function element(
  tag: string,
  vr: string,
  value: Buffer | string,
  syntax: Syntax = {},
  length?: number,
): Buffer {
  const plain = Buffer.isBuffer(value) ? value : Buffer.from(value, 'latin1');
  const bytes = plain.length % 2 ? Buffer.concat([plain, Buffer.from(vr === 'UI' ? '\0' : ' ')]) : plain;
  const { implicit = false, bigEndian = false } = syntax;
  const size = length ?? bytes.length;
  if (implicit) return Buffer.concat([tagBytes(tag), uint32(size), bytes]);
  const head = [tagBytes(tag, bigEndian), Buffer.from(vr)];
  const sized = longVrs.includes(vr) ? [uint16(0), uint32(size, bigEndian)] : [uint16(size, bigEndian)];
  return Buffer.concat([...head, ...sized, bytes]);
}

/** An item, of undefined length with its delimiter unless `defined`. */
export function item(content: Buffer, { bigEndian = false }: Syntax = {}, defined = false): Buffer {
  const start = tagBytes('FFFEE000', bigEndian);
  if (defined) return Buffer.concat([start, uint32(content.length, bigEndian), content]);
  return Buffer.concat([
    start,
    uint32(undefinedLength, bigEndian),
    content,
    tagBytes('FFFEE00D', bigEndian),
    uint32(0),
  ]);
}

/** What ends a sequence of undefined length. */
export function sequenceEnd({ bigEndian = false }: Syntax = {}): Buffer {
  return Buffer.concat([tagBytes('FFFEE0DD', bigEndian), uint32(0)]);
}

export function part10(transferSyntax: string, ...dataset: Buffer[]): Buffer {
  const meta = element('00020010', 'UI', transferSyntax);
  const groupLength = element('00020000', 'UL', uint32(meta.length));
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), groupLength, meta, ...dataset]);
}

export const explicitLittle = '1.2.840.10008.1.2.1';
export const implicitLittle = '1.2.840.10008.1.2';
export const explicitBig = '1.2.840.10008.1.2.2';
export const deflated = '1.2.840.10008.1.2.1.99';
export const jpeg2000 = '1.2.840.10008.1.2.4.91';
