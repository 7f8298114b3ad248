// Turns text of a DICOM file into Unicode, as its Specific Character Set (0008,0005) says.

/** A set of ISO 2022: G0 is what bytes below 0x80 stand for, G1 what the others do. */
interface CodeSet {
  readonly element: 'G0' | 'G1';
  /** Bytes a character. */
  readonly width: 1 | 2;
  readonly decode: (bytes: Buffer) => string;
}

interface State {
  readonly G0: CodeSet;
  /** Undefined until the text names one. */
  readonly G1: CodeSet | undefined;
}

const escape = 0x1b;

function decodeAs(encoding: string, bytes: Buffer): string {
  return new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
}

const ascii: CodeSet = { element: 'G0', width: 1, decode: (bytes) => bytes.toString('latin1') };

function right(encoding: string, width: 1 | 2 = 1): CodeSet {
  return { element: 'G1', width, decode: (bytes) => decodeAs(encoding, bytes) };
}

/** Half-width: Shift JIS would take some of these bytes for the first of two. */
const katakana: CodeSet = {
  ...right('shift_jis'),
  decode: (bytes) => [...bytes].map((byte) => decodeAs('shift_jis', Buffer.of(byte))).join(''),
};

/**
 * A set of 94 by 94 characters on the left, told to a decoder of EUC-JP, which has them on the right, each behind `prefix`.
 * That of ISO-2022-JP does not know JIS X 0212 (measured with Node 24).
 */
function leftJapanese(...prefix: number[]): CodeSet {
  const decode = (bytes: Buffer): string => {
    const pairs = Array.from({ length: Math.ceil(bytes.length / 2) }, (_, n) =>
      bytes.subarray(2 * n, 2 * n + 2),
    );
    const moved = pairs.flatMap((pair) => [...prefix, ...pair.map((byte) => byte | 0x80)]);
    return decodeAs('euc-jp', Buffer.from(moved));
  };
  return { element: 'G0', width: 2, decode };
}

/** What may follow the escape byte (PS3.3 C.12.1.1.2, tables for code extensions), with the number in the defined terms. */
const sets: readonly (readonly [sequence: string, number: string, set: CodeSet])[] = [
  ['(B', '6', ascii],
  ['(J', '13', ascii],
  [')I', '13', katakana],
  ['-A', '100', right('latin1')],
  ['-B', '101', right('iso-8859-2')],
  ['-C', '109', right('iso-8859-3')],
  ['-D', '110', right('iso-8859-4')],
  ['-F', '126', right('iso-8859-7')],
  ['-G', '127', right('iso-8859-6')],
  ['-H', '138', right('iso-8859-8')],
  ['-L', '144', right('iso-8859-5')],
  ['-M', '148', right('windows-1254')],
  ['-T', '166', right('windows-874')],
  ['-b', '203', right('iso-8859-15')],
  ['$)A', '58', right('gb18030', 2)],
  ['$)C', '149', right('euc-kr', 2)],
  ['$B', '87', leftJapanese()],
  ['$(D', '159', leftJapanese(0x8f)],
];

/** Sets of their own, without code extensions. */
const whole: Readonly<Record<string, string>> = { '192': 'utf-8', GB18030: 'gb18030', GBK: 'gb18030' };

/** Of a value of this type, all of it, with its delimiters. */
export type Decode = (bytes: Buffer, vr: string) => string;

/** Text without a character set is ASCII; bytes beyond that are read as Latin-1, as are those of an unknown set. */
export function decoderFor(terms: readonly string[]): Decode {
  const number = (terms[0] ?? '').trim().replace(/^(ISO_IR|ISO 2022 IR|ISO 2022) /, '');
  const encoding = whole[number];
  if (encoding !== undefined) return (bytes) => decodeAs(encoding, bytes);
  const G1 = sets.find(([, of, { element }]) => of === number && element === 'G1')?.[2];
  return (bytes, vr) => decodeExtended(bytes, { G0: ascii, G1 }, ends[vr] ?? breaks);
}

const breaks = '\t\n\f\r';
/** Behind these the set of the first value is active again (PS3.5 6.1.2.5.3). */
const ends: Readonly<Record<string, string>> = {
  PN: `${breaks}\\^=`,
  LO: `${breaks}\\`,
  SH: `${breaks}\\`,
  UC: `${breaks}\\`,
};

function decodeExtended(bytes: Buffer, first: State, delimiters: string): string {
  let state = first;
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const known = designationAt(bytes, at);
    if (known) {
      state = { ...state, [known.set.element]: known.set };
      at += known.length;
      continue;
    }
    const end = endOfRun(bytes, at, state.G0, delimiters);
    const run = bytes.subarray(at, end);
    text += ((run[0] ?? 0) < 0x80 ? leftSet(run, state.G0) : (state.G1 ?? right('latin1'))).decode(run);
    // Where the first value has no set on the right, one that was named stays: many writers name it once.
    if (isDelimiter(run, state.G0, delimiters)) state = { G0: first.G0, G1: first.G1 ?? state.G1 };
    at = end;
  }
  return text;
}

function designationAt(bytes: Buffer, at: number): { set: CodeSet; length: number } | undefined {
  if (bytes[at] !== escape) return undefined;
  const head = bytes.toString('latin1', at + 1, at + 4);
  const known = sets.find(([sequence]) => head.startsWith(sequence));
  return known && { set: known[2], length: 1 + known[0].length };
}

/** A space or a control character is that in every set. */
function leftSet(run: Buffer, G0: CodeSet): CodeSet {
  return (run[0] ?? 0) > 0x20 ? G0 : ascii;
}

function isDelimiter(run: Buffer, G0: CodeSet, delimiters: string): boolean {
  return leftSet(run, G0).width === 1 && run.length === 1 && delimiters.includes(run.toString('latin1'));
}

/** Bytes of one side together, but a delimiter or a control character alone. */
function endOfRun(bytes: Buffer, from: number, G0: CodeSet, delimiters: string): number {
  const isLeft = (at: number): boolean => (bytes[at] ?? 0) < 0x80;
  const isAlone = (at: number): boolean =>
    (bytes[at] ?? 0) <= 0x20 || isDelimiter(bytes.subarray(at, at + 1), G0, delimiters);
  let end = from + 1;
  if (isAlone(from)) return end;
  while (end < bytes.length && isLeft(end) === isLeft(from) && !isAlone(end)) end += 1;
  return end;
}
