// Turns text of a DICOM file into Unicode, as its Specific Character Set (0008,0005) says.

const escape = 0x1b;

/** DICOM's defined terms (PS3.3 C.12.1.1.2), without their `ISO_IR ` or `ISO 2022 IR `, as WHATWG encodings. */
const encodings: Readonly<Record<string, string>> = {
  '6': 'ascii',
  '13': 'shift_jis',
  '58': 'gb18030',
  '87': 'iso-2022-jp',
  '100': 'latin1',
  '101': 'iso-8859-2',
  '109': 'iso-8859-3',
  '110': 'iso-8859-4',
  '126': 'iso-8859-7',
  '127': 'iso-8859-6',
  '138': 'iso-8859-8',
  '144': 'iso-8859-5',
  '148': 'windows-1254',
  '149': 'euc-kr',
  '159': 'iso-2022-jp',
  '166': 'windows-874',
  '192': 'utf-8',
  '203': 'iso-8859-15',
  GB18030: 'gb18030',
  GBK: 'gb18030',
};

/** What may follow the escape byte, and the encoding of the text after it (PS3.3 C.12.1.1.2, tables for code extensions). */
const escapes: readonly (readonly [sequence: string, encoding: string])[] = [
  ['(B', 'ascii'],
  ['(J', 'shift_jis'],
  [')I', 'shift_jis'],
  ['-A', 'latin1'],
  ['-B', 'iso-8859-2'],
  ['-C', 'iso-8859-3'],
  ['-D', 'iso-8859-4'],
  ['-F', 'iso-8859-7'],
  ['-G', 'iso-8859-6'],
  ['-H', 'iso-8859-8'],
  ['-L', 'iso-8859-5'],
  ['-M', 'windows-1254'],
  ['-T', 'windows-874'],
  ['-b', 'iso-8859-15'],
  ['$)C', 'euc-kr'],
  ['$)A', 'gb18030'],
];

export type Decode = (bytes: Buffer) => string;

/** Text without a character set is ASCII; bytes beyond that are read as Latin-1, as are those of an unknown set. */
export function decoderFor(terms: readonly string[]): Decode {
  const encoding = encodings[numberOf(terms[0] ?? '')] ?? 'latin1';
  return (bytes) => (bytes.includes(escape) ? decodeExtended(bytes, encoding) : decodeAs(encoding, bytes));
}

function numberOf(term: string): string {
  return term.trim().replace(/^(ISO_IR|ISO 2022 IR|ISO 2022) /, '');
}

/** Each escape sequence switches the set for what follows it. */
function decodeExtended(bytes: Buffer, encoding: string): string {
  let text = '';
  let from = 0;
  while (from < bytes.length) {
    const next = bytes.indexOf(escape, from + 1);
    const to = next < 0 ? bytes.length : next;
    text +=
      bytes[from] === escape
        ? decodeSegment(bytes.subarray(from, to))
        : decodeAs(encoding, bytes.subarray(from, to));
    from = to;
  }
  return text;
}

function decodeSegment(segment: Buffer): string {
  const head = segment.toString('latin1', 1, 4);
  const known = escapes.find(([sequence]) => head.startsWith(sequence));
  // The two-byte Japanese sets keep their escape: that encoding reads it itself.
  return known ? decodeAs(known[1], segment.subarray(1 + known[0].length)) : decodeAs('iso-2022-jp', segment);
}

function decodeAs(encoding: string, bytes: Buffer): string {
  return new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
}
